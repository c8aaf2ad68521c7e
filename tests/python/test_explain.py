"""hil explain: what happened around the first event that is wrong."""

import json
import re
import struct

import pytest

import inputs
from evidence import CALL, OVERWRITE, SECTION, SUCCESS, Call, read_trace

CASE = "lag.test@small"
TRACE = f"cases/{CASE}/trace.bin"
WRONG = ("content_bad, equals: 0", "content_bad, equals: 1")


@pytest.fixture
def folder(hil, tmp_path):
    """A run that FAILs, though no call of it is wrong."""
    hil("run", inputs.scenario(tmp_path, WRONG), "--bench", inputs.bench(tmp_path), "--mode",
        "virtual", "--out", "o")
    return tmp_path / "o"


def explained(hil, folder, *options, case=CASE):
    done = hil("explain", folder, case, "--json", *options)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def change_call(folder, number, **fields):
    """Another answer in one call of the only reader."""
    path = folder / TRACE
    data = bytearray(path.read_bytes())
    at = 12
    while True:
        kind, size, events, _ = SECTION.unpack_from(data, at)
        at += SECTION.size
        if kind == 2:
            break
        at += size * events
    at += number * size
    CALL.pack_into(data, at, *Call(*CALL.unpack_from(data, at))._replace(**fields))
    path.write_bytes(data)


def marked(explanation):
    (event,) = [event for event in explanation["events"] if event["focus"]]
    return event


def test_what_is_wrong_by_no_call_shows_the_first_overwrite(hil, folder):
    explanation = explained(hil, folder)
    calls = read_trace(folder / TRACE).readers["slow"]
    first = next(i for i, call in enumerate(calls) if call.status == OVERWRITE)
    assert not explanation["offence"] and "first overwrite" in explanation["focus"]
    event = marked(explanation)
    assert (event["who"], event["call"], event["status"]) == ("slow", first, "overwrite")
    assert (event["before_ns"], event["counter"], event["lost"]) == (
        calls[first].before, calls[first].counter, calls[first].lost)
    (failed,) = explanation["failed"]
    assert "content_bad observed 0, limit = 1" in failed
    done = hil("explain", folder, CASE)
    assert "no single call is wrong by itself" in done.stdout


def test_events_are_those_of_the_trace_in_the_order_of_time(hil, folder):
    events = explained(hil, folder, "--around", "20")["events"]
    assert len(events) == 41
    times = [event["published_ns"] if event["who"] == "writer" else event["before_ns"]
             for event in events]
    assert times == sorted(times)
    trace = read_trace(folder / TRACE)
    for event in events:
        if event["who"] == "writer":
            frame = trace.source[event["counter"] - 1]
            assert (event["due_ns"], event["claimed_ns"], event["published_ns"], event["id"]) == (
                frame.due, frame.claimed, frame.published, frame.id)
        else:
            call = trace.readers["slow"][event["call"]]
            assert (event["before_ns"], event["after_ns"]) == (call.before, call.after)
    # Nothing in between is left out.
    shown = {(e["who"], e.get("call", e.get("counter"))) for e in events}
    for frame in trace.source:
        if times[0] < frame.published < times[-1]:
            assert ("writer", frame.counter) in shown


OFFENCES = {
    "torn": (40, {"content": 2}, "more than one frame"),
    "another frame": (41, {"content": 3}, "another than it says"),
    "loses in silence": (42, {"lost": 3, "status": SUCCESS}, "success, with 3 frames lost"),
    "back": (43, {"counter": 2, "status": SUCCESS, "lost": 0}, "back"),
    "refused": (1, {"counter": 0, "status": 2, "lost": 0}, "oracle: call 1 at "),
}


@pytest.mark.parametrize("offence", OFFENCES)
def test_the_first_wrong_call_is_found(hil, folder, offence):
    number, fields, words = OFFENCES[offence]
    change_call(folder, number, **fields)
    change_call(folder, 200, content=2)  # a later one
    explanation = explained(hil, folder)
    assert explanation["offence"] and words in explanation["focus"], explanation["focus"]
    assert marked(explanation)["call"] == number
    assert "note" not in explanation


def test_text_is_no_wider_than_100_columns_and_relative(hil, folder):
    done = hil("explain", folder, CASE, "--around", "30")
    lines = done.stdout.splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith("us from the first"))
    table = lines[head + 1:]
    assert len(table) == 62 and max(map(len, table)) <= 100
    assert [line[0] for line in table].count(">") == 1
    words = table[0].split()
    assert words[:5] == ["due", "claimed", "published", "frame", "id"]
    assert words[-7:] == ["call", "before", "after", "status", "frame", "lost", "content"]
    numbers = [float(n) for line in table[1:] for n in re.findall(r"-?\d+\.\d+", line)]
    assert min(numbers) == 0 and max(numbers) < 60_000  # 61 events at 1 kHz


def test_a_pass_says_so(hil, tmp_path, everything):
    folder = everything.evidence.folder
    done = hil("explain", folder, "lag.constant[N=8,rho=1.5]@ocam2k")
    assert done.returncode == 0 and "nothing is wrong here" in done.stdout
    done = hil("explain", folder, "lag.constant[N=8,rho=0.9]@ocam2k")
    assert "nothing was overwritten" in done.stdout


def test_part_of_an_id_is_enough_where_it_is_of_one(hil, everything):
    folder = everything.evidence.folder
    done = hil("explain", folder, "constant[N=8,rho=1.5]@ocam")
    assert done.stdout.startswith("lag.constant[N=8,rho=1.5]@ocam2k ")
    several = "lag.constant[N=8,rho=2"
    done = hil("explain", folder, several)
    assert done.returncode == 2 and done.stdout == ""
    candidates = re.findall(r"^hil:   PASS +(\S+)$", done.stderr, re.MULTILINE)
    assert candidates == [case["id"] for case in everything.evidence.run["cases"]
                          if several in case["id"]]
    assert len(candidates) > 1
    done = hil("explain", folder, "moon")
    assert done.returncode == 2 and "no case has 'moon' in its id" in done.stderr


@pytest.mark.parametrize("case, words", [
    ("depth.sizing/smallest-depth@ocam2k", "claim over several cases"),
    ("replay.bit-exact@ocam2k", "bench ocam2k lacks recorded")])
def test_what_left_no_trace_is_said(hil, everything, case, words):
    done = hil("explain", everything.evidence.folder, case)
    assert done.returncode == 2 and words in done.stderr and len(done.stderr.splitlines()) == 1


def test_without_its_plan_a_case_is_explained_with_a_note(hil, folder):
    (folder / "benches" / "small.yaml").unlink()
    change_call(folder, 40, content=2)
    explanation = explained(hil, folder)
    assert "small.yaml" in explanation["note"] and "oracle was not asked" in explanation["note"]
    assert marked(explanation)["call"] == 40


@pytest.mark.parametrize("name, content, words", [
    ("run.json", b"{", "not JSON"), ("run.json", b"{}", "schema"),
    ("run.json", b'{"schema": "dao-hil/run/1", "cases": [{}]}', "cases[0]"),
    (TRACE, b"HILTRC01", "trace"), (TRACE, b"HILTRC01\1\0\0\0", "cut short"),
    (TRACE, b"HILTRC01\1\0\0\0" + struct.pack("<IIQ64s", 1, 48, 1 << 60, b"x"), "damaged")])
def test_damage_is_one_line_that_names_the_file(hil, folder, name, content, words):
    (folder / name).write_bytes(content)
    done = hil("explain", folder, CASE)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert name in done.stderr and words in done.stderr, done.stderr


def test_a_trace_of_a_later_version_is_read(hil, folder):
    before = explained(hil, folder)
    data = (folder / TRACE).read_bytes()
    sections = struct.unpack_from("<8sI", data)[1]
    at, out = 12, data[:8] + struct.pack("<I", sections + 1)
    out += SECTION.pack(77, 24, 2, b"something new") + bytes(48)
    for _ in range(sections):
        kind, size, events, name = SECTION.unpack_from(data, at)
        at += SECTION.size
        out += SECTION.pack(kind, size + 16, events, name)
        for i in range(events):
            out += data[at + i * size:at + (i + 1) * size] + b"\xee" * 16
        at += events * size
    (folder / TRACE).write_bytes(out)
    assert explained(hil, folder) == before
