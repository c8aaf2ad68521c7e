"""Programs of another process that use the Python modules, and what the tests of both share."""

import os
import sys
import threading
from itertools import count

import numpy as np

import program

_numbers = count(1)

PREFIX = f"import sys; sys.path[:0] = [{str(program.PYTHON)!r}, {os.path.dirname(__file__)!r}]\n"


def start(code, *arguments, cwd):
    return program.start("/usr/bin/python3", "-c", PREFIX + code, *arguments, cwd=cwd)


def run(code, *arguments, cwd, timeout=60):
    return program.run("/usr/bin/python3", "-c", PREFIX + code, *arguments, cwd=cwd,
                       timeout=timeout)


def says(process, line):
    """The next line of a child's output is this one, and comes within a generous patience."""
    patience = threading.Timer(20, process.kill)
    patience.start()
    got = process.stdout.readline()
    patience.cancel()
    if got != line + "\n":
        process.kill()
        raise AssertionError(f"{got!r} instead of {line!r}: {process.communicate()}")


def stream_name():
    return program.SHM / f"hil-{os.getpid()}-p{next(_numbers)}.im.shm"


def frame(n, shape=(2, 3), dtype="uint16"):
    """Frame n: every element tells its frame and its place."""
    elements = int(np.prod(shape))
    values = (n * 37 + np.arange(elements)) % 120
    if np.dtype(dtype).kind == "c":
        return (values - 1j * (values + 1)).astype(dtype).reshape(shape)
    return values.astype(dtype).reshape(shape)


class InThread:
    """A call in a thread; result() is what it returned, within a generous patience."""

    def __init__(self, call):
        self._results = []
        self._thread = threading.Thread(target=lambda: self._results.append(call()), daemon=True)
        self._thread.start()

    def result(self, patience=20):
        self._thread.join(patience)
        assert self._results, "still waiting, or it raised"
        return self._results[0]


def yields_the_gil(call, attempts=3000):
    """Does `call` let other threads run? With a switch interval of hours it is the only chance of
    the other thread, which is ready to run all the while."""
    gate, ran = threading.Lock(), []
    gate.acquire()

    def other():
        gate.acquire()
        ran.append(True)

    thread = threading.Thread(target=other, daemon=True)
    thread.start()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(10_000)
    try:
        gate.release()
        for _ in range(attempts):
            if ran:
                break
            call()
        yielded = bool(ran)
    finally:
        sys.setswitchinterval(interval)
    thread.join()
    return yielded
