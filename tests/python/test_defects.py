"""Defects of the reference library that show in the C interface only; tests/shm/README.md has the
whole list and who watches over which."""

import ctypes
import os
import re
import signal
import time
from ctypes import byref
from pathlib import Path

import pytest

import dao
import program
from dao import SUCCESS, UINT16, Image, stream_bytes
from test_dao_c import compile_c, created, lib, path, pixels, write  # noqa: F401 (fixtures)

WAITER = """
import signal, sys
sys.path.insert(0, sys.argv[3])
import dao
from dao import Timespec
signal.signal(signal.SIGUSR1, lambda *_: None)
lib, image = dao.load(sys.argv[1]), dao.Image()
assert lib.daoShmShm2Img(sys.argv[2].encode(), image) == 0, lib.daoLastError()
calls = {"next": lambda: lib.daoShmWaitForNextSegment(image),
         "counter": lambda: lib.daoShmWaitForCounter(image),
         "target": lambda: lib.daoShmWaitForTargetCounter(image, 1),
         "semaphore": lambda: lib.daoShmWaitForSemaphore(image, 4),
         "semaphore_timeout": lambda: lib.daoShmWaitForSemaphoreTimeout(image, 4,
                                                                        Timespec.after(600))}
print("ready", flush=True)
status = calls[sys.argv[4]]()
print(status, lib.daoShmGetCounter(image), flush=True)
"""
WAITS = ["next", "counter", "target", "semaphore", "semaphore_timeout"]


class Waiter:
    """A process that waits in the library, asleep at the latest now."""

    def __init__(self, libdao, path, wait, sleeps=5):
        self.process = program.start("/usr/bin/python3", "-c", WAITER, libdao, path,
                                     Path(__file__).parent, wait, cwd="/")
        assert self.process.stdout.readline() == "ready\n", self.process.communicate()[1]
        # The timed semaphore sleeps once and for all, perhaps already; the others again and again.
        self.sleep_again(0 if wait == "semaphore_timeout" else sleeps)

    def switches(self):
        """How often it has given its core away by itself."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("voluntary_ctxt_switches:")[2].split()[0])

    def sleep_again(self, times):
        first = self.switches()
        program.wait_for(lambda: self.switches() >= first + times
                         and program.stat_of(self.process.pid)[0] == "S", "sleeps", seconds=60)

    def result(self):
        """(status, counter at that time)"""
        out, complaints = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, complaints
        return tuple(map(int, out.split()))


@pytest.fixture
def waiter(libdao, path):
    waiters = []

    def start(wait):
        waiters.append(Waiter(libdao, path, wait))
        return waiters[-1]

    yield start
    for each in waiters:
        each.process.kill()
        each.process.communicate()


@pytest.mark.parametrize("depth", [1, 2, 8])
@pytest.mark.parametrize("wait", ["counter", "target", "next"])
def test_a_whole_ring_of_frames_between_two_looks_is_noticed(lib, created, waiter, wait, depth):
    """The index is then where it was: who compares the index alone waits on."""
    image, _ = created(depth=depth)
    waiting = waiter(wait)
    waiting.process.send_signal(signal.SIGSTOP)
    program.wait_for(lambda: program.stat_of(waiting.process.pid)[0] == "T", "stopped")
    for n in range(depth):
        assert write(lib, image, pixels(n)) == SUCCESS
    waiting.process.send_signal(signal.SIGCONT)
    assert waiting.result() == (SUCCESS, depth)


@pytest.mark.parametrize("wait", WAITS)
def test_a_signal_neither_ends_a_wait_nor_is_a_frame(lib, created, waiter, wait):
    image, _ = created(depth=2)
    waiting = waiter(wait)
    for _ in range(10):
        before = waiting.switches()
        waiting.process.send_signal(signal.SIGUSR1)
        program.wait_for(lambda: waiting.process.poll() is not None
                         or waiting.switches() > before, "handled", seconds=60)
    assert waiting.process.poll() is None
    assert write(lib, image, pixels(1)) == SUCCESS
    assert waiting.result() == (SUCCESS, 1)


@pytest.mark.parametrize("wait", ["semaphore", "semaphore_timeout"])
def test_a_post_of_the_stream_that_took_the_place_is_no_frame(lib, created, waiter, wait):
    created()
    waiting = waiter(wait)
    waiting.process.send_signal(signal.SIGSTOP)
    program.wait_for(lambda: program.stat_of(waiting.process.pid)[0] == "T", "stopped")
    anew, _ = created()
    assert write(lib, anew, pixels(1)) == SUCCESS
    waiting.process.send_signal(signal.SIGCONT)
    assert waiting.result() == (dao.ERROR, 0)


@pytest.fixture
def twin(path):
    """A name of the same base in another folder."""
    name = Path("/tmp", path.name)
    yield name
    name.unlink(missing_ok=True)


def test_two_streams_with_the_same_semaphores_are_told_of_each_other(lib, created, path, twin,
                                                                     capfd):
    lib.daoSetLogLevel(0)
    try:
        created()
        assert capfd.readouterr().err == ""
        other = Image()
        size = dao.axes(2, 3)
        assert lib.daoShmImageCreate(byref(other), bytes(twin), 2, size, UINT16, 1, 0) == SUCCESS
        warned = capfd.readouterr().err
        assert warned.startswith(f"dao: warning: stream {twin} has the semaphores")
        assert str(path) in warned and warned.count("\n") == 1
        # The same stream created anew has none to share with once the other is gone.
        assert lib.daoShmUnlink(bytes(twin)) == SUCCESS
        created()
        assert capfd.readouterr().err == ""
        assert lib.daoShmCloseShm(byref(other)) == SUCCESS
    finally:
        lib.daoSetLogLevel(-1)


def test_an_unlinked_stream_leaves_nothing(lib, created, path):
    image, _ = created()
    base = path.name.partition(".")[0]
    assert lib.daoShmUnlink(bytes(path)) == SUCCESS
    assert not path.exists()
    assert not list(Path("/dev/shm").glob(f"sem.{base}_sem*"))
    assert write(lib, image, pixels(1)) == dao.ERROR  # the first write looks where it goes
    assert lib.daoShmUnlink(bytes(path)) == dao.ERROR
    assert str(path).encode() in lib.daoLastError()


@pytest.mark.parametrize("wait", ["next", "counter", "semaphore"])
def test_who_waits_sleeps(created, waiter, wait):
    """Between frames a reader looks up every 5 ms at most (for writers that ring no doorbell); the
    poll of the reference does it 14 000 times a second. A loaded machine only makes it fewer."""
    created(depth=2)
    waiting = waiter(wait)
    begin, first = time.monotonic(), waiting.switches()
    time.sleep(1)
    looks = waiting.switches() - first
    assert looks <= 2 * (time.monotonic() - begin) / 0.005 + 20


def test_opening_and_reading_store_nothing(lib, path):
    """The reference stores shared = 1 whenever it opens a stream."""
    memory = stream_bytes(path, (2, 3), UINT16, 2)
    memory[144] = 0
    path.write_bytes(memory)
    image = Image()
    assert lib.daoShmShm2Img(bytes(path), byref(image)) == SUCCESS
    lib.daoShmGetNewestSegment(byref(image), *dao.Frame().outputs)
    lib.daoShmGetNextSegment(byref(image), *dao.Frame().outputs)
    assert lib.daoShmCloseShm(byref(image)) == SUCCESS
    assert path.read_bytes() == memory


def test_a_closed_image_keeps_no_descriptor_and_no_mapping(lib, path, created):
    created()

    def held():
        maps = Path("/proc/self/maps").read_text().count(str(path))
        return maps, len(os.listdir("/proc/self/fd"))

    before = held()
    for _ in range(50):
        image = Image()
        assert lib.daoShmShm2Img(bytes(path), byref(image)) == SUCCESS
        assert held() > before
        assert lib.daoShmCloseShm(byref(image)) == SUCCESS
    assert held() == before


def test_the_header_defines_nothing_that_two_files_would_define_twice(libdao, tmp_path):
    for name in ("one", "two"):
        (tmp_path / f"{name}.c").write_text(
            "#include <dao.h>\n" + ("int main(void) { return daoGetLogLevel() != daoLogLevel; }\n"
                                    if name == "one" else ""))
    done = compile_c(tmp_path / "one.c", tmp_path / "two.c", "-o", tmp_path / "both",
                     f"-L{libdao.parent}", "-ldao", f"-Wl,-rpath,{libdao.parent}")
    assert done.returncode == 0, done.stderr
    assert program.run(tmp_path / "both", cwd=tmp_path).returncode == 0


def test_a_stream_of_one_axis_is_opened_again(lib, path, created):
    created(size=(5,), depth=3)
    image = Image()
    assert lib.daoShmShm2Img(bytes(path), byref(image)) == SUCCESS
    size = (ctypes.c_uint32 * 3).from_address(image.md + 84)
    assert tuple(size) == (5, 0, 0)
    assert lib.daoShmCloseShm(byref(image)) == SUCCESS


def test_the_list_of_defects_names_tests_that_exist():
    folder = program.ROOT / "tests" / "shm"
    cases = re.findall(r"TEST(?:_[FP])?\(\s*(\w+),\s*(\w+)\)",
                       "".join(file.read_text() for file in folder.glob("*.cpp")))
    known = {f"{suite}.{name}" for suite, name in cases} | {f"{suite}.*" for suite, _ in cases}
    for file in Path(__file__).parent.glob("test_*.py"):
        known |= set(re.findall(r"^def test_(\w+)", file.read_text(), re.MULTILINE))
    known |= {f"mutant/shm/{name}" for name in re.findall(
        r"dao_hil_shm_mutant\((\w+) ", (folder / "CMakeLists.txt").read_text())}
    table = [line for line in (folder / "README.md").read_text().splitlines() if line[:1] == "|"]
    assert len(table) > 20
    named = {name for line in table[2:] for cell in line.split("|")[2:]
             for name in re.findall(r"`([^`]+)`", cell)}
    others = {"T", "tests/fuzz", "daoShm.py"}
    assert named - known - others == set()
