"""The program as a user runs it, and what a run must not leave behind."""

import os
import re
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("DAO_HIL_BUILD", "build/release")
HIL = BUILD / "tools" / "hil"
LIBDAO = BUILD / "shm" / "libdao.so"
PYTHON = BUILD / "shm" / "python"
SCENARIOS = ROOT / "scenarios"
OCAM2K = SCENARIOS / "benches" / "ocam2k.yaml"
SHWFS20 = SCENARIOS / "benches" / "shwfs20.yaml"
LAG = SCENARIOS / "lag.constant.yaml"

SHM = Path("/dev/shm")

# In the environment of everything started here, and so inherited by every descendant: tells our
# processes from those of a bench that somebody else runs on the same machine.
MARK = "HIL_TEST_SESSION=" + uuid.uuid4().hex
_started = {os.getpid()}


def environment():
    name, value = MARK.split("=")
    return {**os.environ, name: value, "PYTHONDONTWRITEBYTECODE": "1"}


def start(*command, cwd, **options):
    """A process that leads a session and a group of its own, as one started from a shell does."""
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
               "text": True, **options}
    process = subprocess.Popen([str(word) for word in command], cwd=cwd, env=environment(),
                               start_new_session=True, **options)
    _started.add(process.pid)
    return process


def run(*command, cwd, timeout=120, **options):
    process = start(*command, cwd=cwd, **options)
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def wait_for(condition, what, seconds=10):
    """The first true value of `condition`; fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.005)


def stat_of(pid):
    """(state, parent, session, start time) of a process; None when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, IndexError):
        return None
    return fields[0], int(fields[1]), int(fields[3]), int(fields[19])


def alive(pid):
    stat = stat_of(pid)
    # A zombie holds nothing any more; when it is reaped is up to its new parent.
    return stat is not None and stat[0] not in "ZX"


def our_processes():
    """Living processes that were started here, or descend from one, this one left out."""
    pids = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            variables = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if MARK.encode() in variables and alive(int(entry.name)):
            pids.add(int(entry.name))
    return pids


def actors_of(pid):
    """The children that take part in the run, in the order of their start: source, readers. The
    janitor leads a session of its own."""
    found = []
    for child in our_processes():
        stat = stat_of(child)
        if stat and stat[1] == pid and stat[2] != child:
            found.append((stat[3], child))
    return [child for _, child in sorted(found)]


def _is_of_another_bench(name):
    owner = re.match(r"(?:sem\.)?hil-(\d+)-", name)
    return owner is not None and int(owner[1]) not in _started and alive(int(owner[1]))


def streams():
    """Streams and semaphores of benches in shared memory, those of strangers left out."""
    return {name for name in os.listdir(SHM)
            if name.startswith(("hil-", "sem.hil-")) and not _is_of_another_bench(name)}


def temporary_files():
    """Entries of the folders for such files by which the program could be known. In /tmp, which
    others use as well, those of streams alone."""
    wanted = {"/tmp": r"\.shm|^sem\.|^hil", tempfile.gettempdir(): r"hil|dao|\.shm|fits|^sem\."}
    return {f"{folder}/{name}" for folder, names in wanted.items() for name in os.listdir(folder)
            if re.search(names, name, re.IGNORECASE)}


def remove_stream(path):
    """A stream of the C interface and its semaphores, which that never removes itself."""
    path = Path(path)
    base = path.name.split(".")[0]
    for file in [path, *SHM.glob(f"sem.{base}_sem*")]:
        file.unlink(missing_ok=True)
