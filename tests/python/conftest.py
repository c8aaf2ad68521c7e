"""Fixtures: the program, one run of everything shipped, and the check that nothing is left."""

import functools
import importlib
import os
import re
import shutil
import signal
import sys
from types import SimpleNamespace

import pytest

import program
from evidence import Evidence


@pytest.fixture(scope="session", autouse=True)
def built():
    assert program.HIL.is_file(), f"{program.HIL} is not built; see tools/check --help"


@pytest.fixture(autouse=True)
def nothing_left():
    """Of every test: no stream, no semaphore, no process, no temporary file outlives it."""
    streams, files = program.streams(), program.temporary_files()
    yield
    processes = program.our_processes()
    for pid in processes:  # so that the next test does not pay for this one
        os.kill(pid, signal.SIGKILL)
    new_streams = program.streams() - streams
    for name in new_streams:
        (program.SHM / name).unlink(missing_ok=True)
    assert not processes, "processes outlived the test"
    assert not new_streams, "left in shared memory"
    assert not program.temporary_files() - files, "left in /tmp"


@pytest.fixture
def hil(tmp_path):
    """hil("run", ...): the finished program, started in the test's own folder."""
    return functools.partial(program.run, program.HIL, cwd=tmp_path)


@pytest.fixture(scope="session")
def everything(tmp_path_factory, request):
    """All shipped scenarios on both shipped benches in virtual time, run once."""
    folder = tmp_path_factory.mktemp("everything")
    out = folder / "evidence"
    done = program.run(program.HIL, "run", program.SCENARIOS, "--mode", "virtual",
                       "--bench", program.OCAM2K, "--bench", program.SHWFS20, "--out", out,
                       cwd=folder, timeout=600)
    yield SimpleNamespace(done=done, evidence=Evidence(out))
    if not request.session.testsfailed:
        shutil.rmtree(folder)  # 65 MB that nobody needs any more


def _skip_if_sanitized(what):
    """A sanitized library wants its runtime loaded first, before Python."""
    cache = (program.BUILD / "CMakeCache.txt").read_text()
    if re.search(r"^DAO_HIL_SANITIZE:\w+=.+$", cache, re.MULTILINE):
        pytest.skip(f"{what} of a sanitized build cannot be loaded into Python")


@pytest.fixture(scope="session")
def libdao():
    """The C library's path."""
    _skip_if_sanitized("libdao.so")
    assert program.LIBDAO.is_file(), f"{program.LIBDAO} is not built"
    return program.LIBDAO


@pytest.fixture(scope="session")
def python_modules():
    """daohil and daoShm can be imported."""
    _skip_if_sanitized("the extension module")
    assert program.PYTHON.is_dir(), f"{program.PYTHON} is not built"
    sys.path.insert(0, str(program.PYTHON))


@pytest.fixture
def daohil(python_modules):
    return importlib.import_module("daohil")


@pytest.fixture
def shm(python_modules):
    """The class of the drop-in."""
    return importlib.import_module("daoShm").shm
