"""The reader programs in C and Python by themselves: as the bench runs them, without the bench."""

import json
import os
import re
import subprocess
import sys
import time
import zlib

import pytest

import program

READERS = program.BUILD / "hil" / "readers"
C_READER = READERS / "hil-reader-c"
PYTHON_READER = READERS / "hil-reader-python"
ROOT = program.ROOT

LINE = re.compile(r"call (?P<before>\d+) (?P<after>\d+) (?P<status>-?\d+) (?P<counter>\d+)"
                  r" intended=(?P<intended>\d+) waited=(?P<waited>[01])(?P<rest>.*)")

PLAN = {"mode": "next", "copy": True, "hold_ns": 0, "wait": "sleep", "semaphore": None, "poll_ns": 0,
        "history": 1, "index_lag": 0, "on_overwrite": "go_on", "seed": 2**64 - 1, "lag": []}
FRAME = (20, 12)


@pytest.fixture
def path():
    name = program.SHM / f"hil-readers{os.getpid()}.im.shm"
    yield name
    program.remove_stream(name)


class Running:
    """A reader program with a stream to read, and the bench's side of the protocol."""

    def __init__(self, reader, daohil, path, folder, frames, depth=8, **plan):
        import numpy as np

        self.daohil, self.path, self.frames = daohil, path, frames
        self.pixels = lambda k: np.full(FRAME, k, np.uint16)
        self.writer = daohil.Writer.create(path, FRAME, "uint16", depth=depth)
        file = folder / "plan.json"
        file.write_text(json.dumps({**PLAN, **plan}))
        self.process = program.start(
            "/usr/bin/env", f"HIL_PLAN={file}", f"HIL_FRAMES={frames}", "HIL_READER=slow",
            "HIL_CALLS=100000", f"PYTHONPATH={program.PYTHON}", reader, path, cwd=folder,
            stdin=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()
        self.writer.close()

    def ready(self):
        line = self.process.stdout.readline()
        assert line == "ready 0\n", (line, self.process.poll())
        return self

    def publish(self, first, last, period=0.001):
        due = time.monotonic()
        for k in range(first, last + 1):
            due += period
            time.sleep(max(due - time.monotonic(), 0))
            self.writer.write(self.pixels(k), id=k)

    def calls(self, tell=True):
        """All it reports after the end, which is said to be late enough for every call intended."""
        said = f"end {time.monotonic_ns() + 10**9}\n" if tell else None
        out, err = self.process.communicate(said, timeout=20)
        assert self.process.returncode == 0, err
        found = [LINE.fullmatch(line) for line in out.splitlines()]
        assert all(found), out
        return [{key: value if key == "rest" else int(value)
                 for key, value in match.groupdict().items()} for match in found]


@pytest.fixture(params=[C_READER, PYTHON_READER], ids=["c", "python"])
def running(request, daohil, path, tmp_path):
    def start(frames, **options):
        return Running(request.param, daohil, path, tmp_path, frames, **options)

    return start


def crc32c(data):
    """Bit by bit, from the polynomial: a second implementation, for frames of 480 bytes."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def test_every_frame_is_reported_with_the_sum_of_its_pixels(running):
    with running(30, depth=40) as reader:
        reader.ready().publish(1, 30)
        calls = reader.calls()
        assert [c["counter"] for c in calls] == list(range(1, 31))
        assert {c["status"] for c in calls} == {0}
        for call in calls:
            data = reader.pixels(call["counter"]).tobytes()
            assert f"crc32={zlib.crc32(data):08x}" in call["rest"] or \
                   f"crc={crc32c(data):08x}" in call["rest"]
            assert call["before"] <= call["after"]


def test_times_increase_and_calls_come_after_the_intended_time(running):
    with running(20, depth=40, lag=[{"kind": "constant", "service_ns": 2_000_000,
                                     "phase_ns": 0}]) as reader:
        reader.ready().publish(1, 20)
        calls = reader.calls()
    for one, two in zip(calls, calls[1:]):
        assert one["after"] <= two["before"]
        assert two["before"] >= two["intended"]
        # The grid is absolute: the gap is added to the intended time, or to the return of a wait.
        origin = one["after"] if one["waited"] else one["intended"]
        assert two["intended"] == origin + 2_000_000


LAGS = [
    ([{"kind": "periodic", "every": 5, "stall_ns": 1_000_000}],
     lambda n: 1_000_000 if n % 5 == 0 else 0),
    ([{"kind": "burst", "reads": 3, "idle_ns": 700_000}], lambda n: 700_000 if n % 3 == 0 else 0),
    ([{"kind": "trace", "gaps_ns": [100_000, 0, 900_000]}],
     lambda n: [100_000, 0, 900_000][(n - 1) % 3]),
    ([{"kind": "constant", "service_ns": 50_000, "phase_ns": 30_000},
      {"kind": "burst", "reads": 4, "idle_ns": 800_000}],
     lambda n: 800_000 if n % 4 == 0 else 80_000 if n == 1 else 50_000),
]


@pytest.mark.parametrize("lag, gap", LAGS, ids=["periodic", "burst", "trace", "composed"])
def test_gaps_are_the_plans(running, lag, gap):
    with running(40, depth=64, lag=lag) as reader:
        reader.ready().publish(1, 40, 0.0005)
        calls = reader.calls()
    assert len(calls) == 40
    for n, (one, two) in enumerate(zip(calls, calls[1:]), 1):
        origin = one["after"] if one["waited"] else one["intended"]
        assert two["intended"] == origin + gap(n), n


def test_a_lapped_reader_reports_an_overwrite(running):
    # One read, then a gap in which 30 frames pass a ring of 4.
    with running(60, depth=4, lag=[{"kind": "burst", "reads": 1, "idle_ns": 30_000_000}]) as reader:
        reader.ready().publish(1, 60)
        calls = reader.calls()
    assert calls[0]["status"] == 0 and calls[0]["counter"] == 1
    assert -2 in {c["status"] for c in calls}
    counters = [c["counter"] for c in calls]
    assert counters == sorted(set(counters))


def test_a_poll_reports_what_it_did_not_find(running):
    with running(5, depth=8, wait="poll", poll_ns=500_000) as reader:
        reader.ready().publish(1, 5, 0.01)
        calls = reader.calls()
    delivered = [c["counter"] for c in calls if c["status"] == 0]
    assert delivered == [1, 2, 3, 4, 5]
    empty = [c for c in calls if c["status"] == -3]
    assert empty and all(c["counter"] == 0 and c["rest"] == "" for c in empty)


@pytest.mark.parametrize("mode, options, expected", [
    ("newest", {}, lambda newest: newest),
    ("arbitrary", {"index_lag": 2}, lambda newest: newest - 2),
    ("history", {"history": 3}, lambda newest: newest)])
def test_other_modes(running, mode, options, expected):
    """One call every 20 ms, of a stream that stands still in the meantime."""
    with running(10, depth=8, mode=mode, lag=[{"kind": "constant", "service_ns": 20_000_000,
                                               "phase_ns": 0}], **options) as reader:
        reader.ready().publish(1, 10, 0.0)
        calls = reader.calls()
    assert calls[-1]["counter"] == expected(10)
    assert calls[-1]["status"] == 0


def test_a_reader_that_stops_at_an_overwrite_ends(running):
    with running(60, depth=4, on_overwrite="stop",
                 lag=[{"kind": "burst", "reads": 1, "idle_ns": 30_000_000}]) as reader:
        reader.ready().publish(1, 60)
        calls = reader.calls()
    assert [c["status"] for c in calls].count(-2) == 1
    assert calls[-1]["status"] == -2


def test_sigterm_is_answered_with_the_report(running):
    with running(1000) as reader:
        reader.ready().publish(1, 10)
        reader.process.terminate()
        calls = reader.calls(tell=False)
    # It may have had no time for the last ones; those that it had are all reported.
    assert [c["counter"] for c in calls] == list(range(1, len(calls) + 1))


def test_the_end_of_input_ends_it(running):
    with running(1000) as reader:
        reader.ready().publish(1, 10)
        reader.process.stdin.close()
        reader.process.stdin = None
        reader.process.terminate()  # C's wait for a frame cannot be ended otherwise
        calls = reader.calls(tell=False)
    assert [c["counter"] for c in calls] == list(range(1, len(calls) + 1))


@pytest.mark.parametrize("reader", [C_READER, PYTHON_READER], ids=["c", "python"])
def test_what_it_cannot_do_is_an_error_in_one_line(reader, daohil, path, tmp_path):
    def complaint(code, **plan):
        with Running(reader, daohil, path, tmp_path, 10, **plan) as running:
            out, err = running.process.communicate(timeout=20)
        assert running.process.returncode == code, err
        assert len(err.splitlines()) == 1 and err.startswith("slow: "), err
        assert "Traceback" not in err
        return err

    assert "oldest" in complaint(2, on_overwrite="oldest")
    if reader == PYTHON_READER:
        assert "in place" in complaint(2, copy=False)
    done = program.run("/usr/bin/env", f"PYTHONPATH={program.PYTHON}", reader,
                       program.SHM / "hil-no-such.im.shm", cwd=tmp_path, stdin=subprocess.DEVNULL)
    assert done.returncode == 1
    assert "no-such" in done.stderr and "Traceback" not in done.stderr


def test_the_c_reader_refuses_a_plan_that_is_none(libdao, daohil, path, tmp_path):
    writer = daohil.Writer.create(path, FRAME, "uint16", depth=4)
    plan = tmp_path / "plan.json"
    whole = json.dumps({**PLAN, "lag": [{"kind": "trace", "gaps_ns": [1, 2, 3]}]})
    for text in [whole[:n] for n in range(0, len(whole), 7)] + ["[]", "?", '{"mode": 3}']:
        plan.write_text(text, encoding="latin-1")
        done = program.run("/usr/bin/env", f"HIL_PLAN={plan}", C_READER, path, cwd=tmp_path,
                           stdin=subprocess.DEVNULL)
        assert done.returncode in (1, 2), (text, done)
        assert len(done.stderr.splitlines()) >= 1
    writer.close()


def test_the_readmes_example_reads(python_modules, daohil, path, tmp_path):
    text = (ROOT / "hil" / "readers" / "README.md").read_text(encoding="utf-8")
    example = tmp_path / "example.py"
    example.write_text(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1])
    with daohil.Writer.create(path, FRAME, "uint16", depth=8) as writer:
        process = program.start(
            "/usr/bin/env", f"PYTHONPATH={program.PYTHON}", f"HIL_STREAM={path}", "HIL_FRAMES=5",
            sys.executable, example, cwd=tmp_path)
        assert process.stdout.readline() == "ready\n"
        import numpy as np
        for k in range(1, 6):
            writer.write(np.full(FRAME, k, np.uint16), id=k)
        out, err = process.communicate(timeout=20)
    assert out == "1\n2\n3\n4\n5\n", err
