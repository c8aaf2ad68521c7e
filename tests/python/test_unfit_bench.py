"""A bench that cannot hold its own rate proves nothing of the reader: INCONCLUSIVE, never FAIL."""

import inputs
from evidence import judged

# 2 MiB a frame, 100 000 times a second: no memory is that fast.
TOO_FAST = [("[64, 64]", "[1024, 1024]"), ("1kHz", "100kHz")]


def measured(hil, tmp_path, *changes):
    file = inputs.scenario(tmp_path, ("frames: 600", "frames: 20000"), *changes)
    done = hil("run", file, "--bench", inputs.bench(tmp_path, *TOO_FAST), "--mode", "sim", "--out",
               "o")
    return done, judged(done, tmp_path / "o")


def test_an_impossible_rate_is_inconclusive(hil, tmp_path):
    done, evidence = measured(hil, tmp_path)
    case = evidence.only_case()
    assert done.returncode == 3 and case["verdict"] == "INCONCLUSIVE"
    assert case["why"].startswith("the bench could not hold its own rate: ")
    assert "1e+05 Hz" in case["why"] and "of 20000 frames skipped" in case["why"]
    assert case["health"]["unfit"] in case["why"]
    # What it measured of itself is beyond the house limit of 1 %, frames skipped included.
    assert abs(case["health"]["rate_error_ppm"]) > 10_000
    assert case["health"]["rate_hz"] < 99_000
    # Identities and the oracle hold on any bench.
    assert {m["id"]: m["verdict"] for m in case["measurements"] if m["tier"] in "AB"} == {
        "conservation": "PASS", "content": "PASS", "oracle": "PASS"}
    assert f"why: {case['why']}\n" in done.stdout
    assert "VERDICT INCONCLUSIVE" in done.stdout and "FAIL" not in done.stdout


def test_every_attempt_stays_in_the_evidence(hil, tmp_path):
    done, evidence = measured(hil, tmp_path, (
        "group: lag", "group: lag\nattempts: {max: 3, on: [INCONCLUSIVE]}"))
    assert done.returncode == 3
    cases = evidence.run["cases"]
    assert [case["attempt"] for case in cases] == [1, 2, 3]
    assert {case["verdict"] for case in cases} == {"INCONCLUSIVE"}
    # One case, however often it was tried.
    assert evidence.run["counts"]["INCONCLUSIVE"] == 1
    names = sorted(path.name for path in (tmp_path / "o" / "cases").iterdir())
    assert names == ["lag.test@small", "lag.test@small.attempt-1", "lag.test@small.attempt-2"]
    assert all((tmp_path / "o" / "cases" / name / "trace.bin").is_file() for name in names)


def test_a_failure_of_the_reader_is_not_excused(hil, tmp_path):
    """What holds on any bench and does not hold here is a FAIL, and is not tried again."""
    done, evidence = measured(hil, tmp_path, ("content_bad, equals: 0", "content_bad, equals: 1"), (
        "group: lag", "group: lag\nattempts: {max: 3, on: [INCONCLUSIVE]}"))
    assert done.returncode == 1
    assert evidence.only_case()["verdict"] == "FAIL"


def test_in_virtual_time_every_bench_is_fit(hil, tmp_path):
    file = inputs.scenario(tmp_path, ("frames: 600", "frames: 300"))
    done = hil("run", file, "--bench", inputs.bench(tmp_path, *TOO_FAST), "--mode", "virtual",
               "--out", "o")
    assert judged(done, tmp_path / "o").only_case()["verdict"] == "PASS"
