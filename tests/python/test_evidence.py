"""The evidence of a run, recomputed from the raw events without the project's code."""

import base64
import json
import re
import struct
import zlib
from collections import Counter

import jsonschema
import pytest
import yaml

import inputs
import program
from evidence import GOOD, OVERWRITE, SCHEMA, SUCCESS, TORN, WRONG_FRAME, judged
from program import OCAM2K, ROOT, SCENARIOS, SHWFS20

BENCH_FILES = {"ocam2k": OCAM2K, "shwfs20": SHWFS20}
MILLIHERTZ = {"ocam2k": 2_067_000, "shwfs20": 1_000_000}
LAG_CASES = [f"lag.constant[N={n},rho={rho}]@{bench}"
             for bench in MILLIHERTZ for n in (1, 8, 64) for rho in ("0.9", "1.5", "2.5")
             if (n, rho) != (1, "0.9")]


# ---------------------------------------------------------------------------------------- schema


def test_the_schema_is_one_and_refuses(everything):
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    validator = jsonschema.Draft7Validator(SCHEMA)
    good = everything.evidence.run
    assert validator.is_valid(good)

    def wrong(change):
        passed = next(case for case in good["cases"] if case["verdict"] == "PASS")
        copy = json.loads(json.dumps({**good, "cases": [passed]}))
        change(copy)
        return not validator.is_valid(copy)

    assert not wrong(lambda run: None)
    assert wrong(lambda run: run.update(surprise=1))
    assert wrong(lambda run: run.update(exit_code=3))
    assert wrong(lambda run: run.update(verdict="FINE"))
    assert wrong(lambda run: run["counts"].pop("FAIL"))
    assert wrong(lambda run: run["cases"][0].update(why="a PASS needs none"))
    assert wrong(lambda run: run["cases"][0].update(verdict="FAIL"))
    assert wrong(lambda run: run["cases"][0]["health"].pop("late"))
    assert wrong(lambda run: run["cases"][0]["measurements"][0].update(verdict="FAIL"))
    assert wrong(lambda run: run["cases"].clear())


# ------------------------------------------------------------------------------------- one verdict


def test_every_verdict_a_file_can_cause_is_told_apart(hil, tmp_path):
    """PASS, FAIL, SKIP and ERROR side by side; Evidence.check compares JUnit with run.json."""
    wrong = ("content_bad, equals: 0", "content_bad, equals: 1")
    changes = {"pass": [], "fail": [wrong], "sim-only": [("virtual, sim", "sim")],
               "feature": [("modes:", "requires: {features: [moon]}\nmodes:")],
               "error": [("depth: 8", "depth: 1000000")],
               "advisory": [wrong, ("group: lag", "group: lag\nseverity: advisory")]}
    for name, change in changes.items():
        text = inputs.edited(inputs.SCENARIO, ("id: lag.test", f"id: {name}"), *change)
        inputs.write(tmp_path / "all", f"{name}.yaml", text)
    bench = inputs.bench(tmp_path, ("[64, 64]", "[512, 512]"))
    done = hil("run", "all", "--bench", bench, "--mode", "virtual", "--out", "o")
    run = judged(done, tmp_path / "o").run
    verdicts = {case["scenario"]: case["verdict"] for case in run["cases"]}
    assert verdicts == {"pass": "PASS", "fail": "FAIL", "advisory": "FAIL", "error": "ERROR",
                        "sim-only": "SKIP", "feature": "SKIP"}
    assert (run["verdict"], done.returncode) == ("ERROR", 4)
    assert {k: v for k, v in run["counts"].items() if v} == {
        "PASS": 1, "FAIL": 2, "ERROR": 1, "SKIP": 2}


def test_an_advisory_failure_does_not_fail_the_run(hil, tmp_path):
    file = inputs.scenario(tmp_path, ("content_bad, equals: 0", "content_bad, equals: 1"),
                           ("group: lag", "group: lag\nseverity: advisory"))
    done = hil("run", file, "--bench", inputs.bench(tmp_path), "--mode", "virtual", "--out", "o")
    assert judged(done, tmp_path / "o").run["verdict"] == "MARGINAL"
    assert done.returncode == 0


def test_names_with_markup_survive_in_the_report(hil, tmp_path):
    title = "5 < 6 & \"quotes\" 'too' \u2264 \u00b5s"
    file = inputs.scenario(tmp_path, ("title: A slow reader", f"title: {json.dumps(title)}"))
    done = hil("run", file, "--bench", inputs.bench(tmp_path), "--mode", "virtual", "--out", "o")
    assert judged(done, tmp_path / "o").only_case()["title"] == title


# ---------------------------------------------------------------------------------------- folder


def test_the_folder_is_complete(everything):
    """Sums, JUnit, verdict, host, seeds and results agree (Evidence.check), and every case that
    ran has its trace."""
    evidence = everything.evidence.check()
    for case in evidence.run["cases"]:
        names = {path.name for path in evidence.case_folder(case["id"]).iterdir()}
        ran = case["verdict"] != "SKIP" and "/" not in case["id"]
        trace = {"trace.bin", "delays.hlog"} if ran else set()
        assert names == {"scenario.resolved.yaml", "result.json"} | trace
    assert all(evidence.run["host"].values())


@pytest.mark.parametrize("case_id", ["lag.constant[N=8,rho=1.5]@ocam2k",
                                     "depth.sizing[N=21]@ocam2k",
                                     "ovw.exact-threshold[N=3]@shwfs20",
                                     "replay.bit-exact@shwfs20"])
def test_the_resolved_scenario_is_the_same_case(everything, tmp_path, hil, case_id):
    evidence = everything.evidence
    file = evidence.case_folder(case_id) / "scenario.resolved.yaml"
    case = evidence.case(case_id)
    resolved = yaml.safe_load(file.read_text())
    assert resolved["modes"] == ["virtual"] and "${" not in json.dumps(
        [resolved[key] for key in ("sources", "fifos", "readers", "expect")])
    # It names its source itself; of the bench only name and features count.
    common = [file, "--bench", BENCH_FILES[case["bench"]]]
    (planned,) = json.loads(hil("plan", *common, "--json").stdout)
    assert [planned[k] for k in ("id", "mode", "frames", "depth", "seed")] == [
        case[k] for k in ("id", "mode", "frames", "depth", "seed")]
    done = hil("run", *common, "--out", "again")
    again = judged(done, tmp_path / "again")
    assert done.returncode == 0, done.stdout
    assert again.case(case_id)["metrics"] == case["metrics"]
    traces = [(e.case_folder(case_id) / "trace.bin").read_bytes() for e in (evidence, again)]
    assert traces[0] == traces[1]


def test_the_readme_s_program_reads_a_trace(everything, tmp_path):
    readme = (ROOT / "hil" / "README.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    case_id = "lag.constant[N=8,rho=1.5]@ocam2k"
    trace = everything.evidence.case_folder(case_id) / "trace.bin"
    done = program.run("/usr/bin/python3", "-c", code, trace, cwd=tmp_path)
    lost = everything.evidence.case(case_id)["metrics"]["fifo.wfs.slow.lost"]
    calls = everything.evidence.case(case_id)["metrics"]["fifo.wfs.slow.calls"]
    assert done.stdout.splitlines() == ["source 6201 lost -", f"slow {calls} lost {lost}"]


# ----------------------------------------------------------------------------------- raw events


def counts_of(text):
    """How many values a histogram holds, by HdrHistogram's V2 encoding: zlib behind a cookie and a
    length; then a header of 40 bytes; then ZigZag LEB128 numbers, of which a negative one stands
    for so many zeros."""
    packed = base64.b64decode(text)
    cookie, length = struct.unpack_from(">II", packed)
    assert cookie & 0xffffff0f == 0x1c849304 & 0xffffff0f and length == len(packed) - 8
    data = zlib.decompress(packed[8:])
    (cookie, length), total, at = struct.unpack_from(">II", data), 0, 40
    assert length == len(data) - 40
    while at < len(data):
        value = shift = 0
        while True:
            byte, at = data[at], at + 1
            if shift == 56:  # of the ninth byte all bits count
                value |= byte << shift
                break
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                break
        number = (value >> 1) ^ -(value & 1)
        total += max(number, 0)
    return total


def test_delays_of_all_frames_are_in_a_histogram_log(everything):
    case_id = "lag.constant[N=8,rho=1.5]@ocam2k"
    case = everything.evidence.case(case_id)
    lines = (everything.evidence.case_folder(case_id) / "delays.hlog").read_text().splitlines()
    assert lines[0].startswith("#") and "[Histogram log format version 1.3]" in "".join(lines)
    rows = {}
    for line in lines:
        if line.startswith("Tag="):
            tag, start, length, longest, histogram = line.split(",")
            rows[tag[4:]] = (float(start), float(length), counts_of(histogram))
    metrics = case["metrics"]
    delivered, lost = (metrics[f"fifo.wfs.slow.{name}"] for name in ("delivered", "lost"))
    frames = metrics["source.wfs.frames"]
    assert {tag: row[2] for tag, row in rows.items()} == {
        "fifo.wfs.slow.latency": delivered + lost, "source.wfs.period": frames - 1,
        "source.wfs.lateness": frames - 1}
    seconds = (frames - 1) / metrics["source.wfs.rate"]
    assert all(row[0] == 0 and abs(row[1] - seconds) < 2e-3 for row in rows.values())


def recount(trace, reader):
    """Numbers of a reader from the counters it was given, whatever the library said."""
    numbers = Counter()
    tail = 0
    for call in trace.readers[reader]:
        numbers["calls"] += 1
        numbers["content_good"] += call.content == GOOD
        numbers["content_bad"] += call.content in (TORN, WRONG_FRAME)
        if not call.delivered:
            continue
        numbers["delivered"] += 1
        numbers["overwrites"] += call.status == OVERWRITE
        numbers["lost"] += max(0, call.counter - tail - 1)
        numbers["backward"] += call.counter < tail
        numbers["duplicates"] += call.counter == tail
        tail = call.counter
    numbers["backlog"] = len(trace.source) - tail
    return numbers


NAMES = ["calls", "content_good", "content_bad", "delivered", "overwrites", "lost", "backward",
         "duplicates", "backlog"]


PLAIN = {"lag.constant", "depth.sizing", "ovw.exact-threshold", "replay.bit-exact"}


def test_metrics_follow_from_the_raw_events(everything):
    checked = Counter()
    for case in everything.evidence.run["cases"]:
        # Readers in order, and a source without faults: what this recount is made for.
        if case["verdict"] == "SKIP" or "/" in case["id"] or case["scenario"] not in PLAIN:
            continue
        trace = everything.evidence.trace(case["id"])
        counters = [event.counter for event in trace.source]
        assert counters == list(range(1, case["frames"] + 1)) == [e.id for e in trace.source]
        assert case["metrics"]["source.wfs.frames"] == len(trace.source)
        for reader, calls in trace.readers.items():
            numbers = recount(trace, reader)
            # T0: every frame is delivered, lost or still unread.
            assert len(trace.source) == (
                numbers["delivered"] + numbers["lost"] + numbers["backlog"]), case["id"]
            assert {name: case["metrics"][f"fifo.wfs.{reader}.{name}"] for name in NAMES} == {
                name: numbers[name] for name in NAMES}, case["id"]
            checked[reader] += 1
            if reader == "witness":
                continue
            depth = case["depth"]
            for call in calls:
                assert call.status in (SUCCESS, OVERWRITE)
                assert call.content == GOOD or (call.content == 4 and reader == "staller")
                if call.status == OVERWRITE:
                    assert call.lost >= depth
                else:
                    assert call.lost == 0
    assert checked == {"slow": 16, "staller": 8, "edge": 256, "witness": 256, "copier": 1}


def test_identities_hold_in_real_time(hil, tmp_path):
    file = inputs.scenario(tmp_path, ("frames: 600", "frames: 1000"))
    done = hil("run", file, "--bench", inputs.bench(tmp_path), "--mode", "sim", "--out", "o")
    evidence = judged(done, tmp_path / "o")
    case = evidence.only_case()
    assert done.returncode in (0, 3), done.stdout
    trace = evidence.trace(case["id"])
    assert [event.counter for event in trace.source] == list(range(1, len(trace.source) + 1))
    for event in trace.source:
        assert event.due <= event.claimed <= event.publishing <= event.published
    numbers = recount(trace, "slow")
    assert len(trace.source) == numbers["delivered"] + numbers["lost"] + numbers["backlog"]
    assert {name: case["metrics"][f"fifo.wfs.slow.{name}"] for name in NAMES} == {
        name: numbers[name] for name in NAMES}
    for call in trace.readers["slow"]:
        assert call.before <= call.after and call.intended <= call.before
        # Nobody is given a frame before its publication had begun.
        assert trace.source[call.counter - 1].publishing <= call.after


# --------------------------------------------------------------------- a second model of a reader


def due(frame, millihertz):
    return (frame - 1) * 10**12 // millihertz


def second_model(depth, rho, millihertz, frames):
    """A waiting reader with constant service time, frame by frame, in whole nanoseconds. Written
    from the meaning of the words, and unlike the program: by walking through time."""
    tenths = int(rho.replace(".", ""))
    service = (tenths * 10**12 * 2 + 10 * millihertz) // (2 * 10 * millihertz)  # half up
    phase = (10**12 * 2 + 4 * millihertz) // (2 * 4 * millihertz)  # a quarter, once
    publication = 5  # the five steps of 1 ns
    reads, overwrites, lost, tail, newest, now = [], 0, 0, 0, 0, 0
    while now <= due(frames, millihertz):
        while newest < frames and due(newest + 1, millihertz) <= now:
            newest += 1
        if newest == tail:
            if newest == frames:
                break
            newest += 1
            now = due(newest, millihertz) + publication
        if newest - tail > depth:
            overwrites += 1
            lost += newest - tail - 1
            tail = newest
        else:
            tail += 1
        reads.append(tail)
        now += service + (phase if len(reads) == 1 else 0)
    return reads, overwrites, lost


@pytest.mark.parametrize("case_id", LAG_CASES)
def test_a_second_model_sees_the_same(everything, case_id):
    depth, rho, bench = re.fullmatch(r".*\[N=(\d+),rho=(.*)\]@(.*)", case_id).groups()
    case = everything.evidence.case(case_id)
    trace = everything.evidence.trace(case_id)
    begin = trace.source[0].due
    assert [event.due - begin for event in trace.source] == [
        due(k, MILLIHERTZ[bench]) for k in range(1, case["frames"] + 1)]

    reads, overwrites, lost = second_model(int(depth), rho, MILLIHERTZ[bench], case["frames"])
    assert case["metrics"]["fifo.wfs.slow.overwrites"] == overwrites
    assert case["metrics"]["fifo.wfs.slow.lost"] == lost
    assert [call.counter for call in trace.readers["slow"]] == reads
    # Theorem T2 where it holds, 1 < rho <= 2: X = floor(phi + (R - 1)(rho - 1)) frames behind in
    # all, and N of them lost at a time. phi = 1/4 adds nothing to halves.
    if rho == "1.5":
        assert overwrites == (len(reads) - 1) // 2 // int(depth)
        assert lost == overwrites * int(depth)
    assert (overwrites > 0) == (float(rho) > 1)


def test_the_second_model_is_sensitive():
    """Its numbers move with each of its inputs, or the comparison above would prove little."""
    base = second_model(8, "1.5", 2_067_000, 6201)[1:]
    assert second_model(7, "1.5", 2_067_000, 6201)[1:] != base
    assert second_model(8, "1.6", 2_067_000, 6201)[1:] != base
    assert second_model(8, "1.5", 2_067_000, 6000)[1:] != base


def test_the_bench_files_say_what_the_model_assumes():
    rates = {name: yaml.safe_load(path.read_text())["roles"]["wfs"]["rate"]
             for name, path in BENCH_FILES.items()}
    assert rates == {"ocam2k": "2067Hz", "shwfs20": "1kHz"}
    lag = yaml.safe_load((SCENARIOS / "lag.constant.yaml").read_text())
    assert lag["matrix"] == {"N": [1, 8, 64], "rho": [0.9, 1.5, 2.5],
                             "exclude": [{"N": 1, "rho": 0.9}]}
    assert lag["readers"][0]["lag"] == [{"kind": "constant", "rho": "${rho}", "phase": 0.25}]
