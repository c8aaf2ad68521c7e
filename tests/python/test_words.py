"""What the words of a command mean, what `hil show` prints, and what makes the exit status."""

import json
import stat
from xml.etree import ElementTree

import pytest

import inputs
import program

GROUPS = ["acceptance", "lag", "overwrite", "depth", "faults", "soak", "loop", "replay", "host"]


def listed(hil, *words, status=0):
    done = hil("list", *words, "--json")
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout) if status == 0 else done.stderr


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_is_its_scenarios(hil, group):
    everything = listed(hil, program.SCENARIOS)
    assert listed(hil, group) == [s for s in everything if s["group"] == group] != []


def test_an_id_is_its_scenario_in_the_order_given(hil):
    found = listed(hil, "lag.constant", "depth.age")
    assert [s["id"] for s in found] == ["lag.constant", "depth.age"]


def test_without_a_folder_at_hand_the_shipped_ones_are_listed(hil):
    assert listed(hil) == listed(hil, program.SCENARIOS)


@pytest.mark.parametrize("word, nearest", [("acceptence", "acceptance"), ("lag.konstant",
                                                                          "lag.constant")])
@pytest.mark.parametrize("verb", ["list", "plan", "show", "run"])
def test_an_unknown_word_gets_the_nearest_one(hil, tmp_path, verb, word, nearest):
    done = hil(verb, word)
    assert done.returncode == 2 and done.stdout == ""
    assert f"'{word}' is no group, scenario or file; did you mean '{nearest}'?" in done.stderr
    assert all(group in done.stderr for group in GROUPS) and done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_file_is_meant_only_with_a_slash_where_a_group_has_the_name(hil, tmp_path):
    inputs.write(tmp_path / "depth", "mine.yaml", inputs.SCENARIO)
    inputs.write(tmp_path / "own", "mine.yaml", inputs.SCENARIO)
    assert "lag.test" not in {s["id"] for s in listed(hil, "depth")}
    assert [s["id"] for s in listed(hil, "./depth")] == ["lag.test"]
    assert [s["id"] for s in listed(hil, "own")] == ["lag.test"]


def test_a_run_by_group_can_be_repeated_as_it_says(hil, tmp_path):
    done = hil("run", "overwrite", "-k", "ovw.newest[N=8,rho=1.5]", "--mode", "virtual",
               "--out", "out")
    assert done.returncode == 0, done.stderr
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert run["command"].endswith(" run overwrite")
    assert [case["id"] for case in run["cases"]] == ["ovw.newest[N=8,rho=1.5]@ocam2k"]


def test_a_soak_that_is_named_is_run(hil):
    plan = json.loads(hil("plan", "soak.chaos", "--mode", "virtual", "--json").stdout)
    assert plan and all("skip" not in case for case in plan)


def test_show_prints_what_would_run(hil, tmp_path):
    file = inputs.scenario(tmp_path, ("depth: 8", 'depth: "${N}"'),
                           ("frames: 600", "frames: 600\nmatrix: {N: [4, 8]}"))
    bench = inputs.bench(tmp_path)
    done = hil("show", file, "--bench", bench, "--seed", "7")
    assert done.returncode == 0 and done.stdout.count("---\n") == 2
    one = hil("show", file, "--bench", bench, "--seed", "7", "-k", "N=4")
    assert "---" not in one.stdout and one.stdout in done.stdout
    assert "seed: 7" in one.stdout and "depth: 4" in one.stdout and "64" in one.stdout
    # It is a scenario, and the same case.
    shown = inputs.write(tmp_path, "shown.yaml", one.stdout)
    again = hil("show", shown, "--bench", bench)
    assert again.stdout == one.stdout


def test_show_of_nothing_is_told(hil, tmp_path):
    done = hil("show", inputs.scenario(tmp_path), "--bench", inputs.bench(tmp_path), "-k", "zzz")
    assert done.returncode == 5 and "zzz" in done.stderr


# ------------------------------------------------------------------------------------ exit status

MARGIN = ("slow.content_bad, equals: 0", "slow.lost, max: 100000, marginal_max: 0")
SKIP = ("group: lag", "group: lag\nrequires: {features: [moon]}")
WRONG = ("slow.content_bad, equals: 0", "slow.lost, equals: 1")


def run(hil, tmp_path, change, *options):
    file = inputs.scenario(tmp_path, change)
    return hil("run", file, "--bench", inputs.bench(tmp_path), "--mode", "virtual", "--out", "out",
               *options)


@pytest.mark.parametrize("change, verdict, options, status", [
    (MARGIN, "MARGINAL", [], 0),
    (MARGIN, "MARGINAL", ["--strict"], 1),
    (MARGIN, "MARGINAL", ["--fail-on-skip"], 0),
    (SKIP, "SKIP", [], 0),
    (SKIP, "SKIP", ["--fail-on-skip"], 1),
    (SKIP, "SKIP", ["--strict"], 0),
    (("title: A slow", "title: The slow"), "PASS", ["--strict", "--fail-on-skip"], 0),
])
def test_strictness_changes_the_status_and_not_the_verdict(hil, tmp_path, change, verdict, options,
                                                           status):
    done = run(hil, tmp_path, change, *options)
    assert done.returncode == status, done.stdout + done.stderr
    result = json.loads((tmp_path / "out" / "run.json").read_text())
    assert result["verdict"] == verdict and result["exit_code"] == status
    assert f"exit {status}" in (tmp_path / "out" / "verdict.txt").read_text()


# --------------------------------------------------------------------------------------- attempts

def attempts(tmp_path):
    """Verdicts by attempt, alike in run.json and junit.xml, each with its own folder."""
    cases = json.loads((tmp_path / "out" / "run.json").read_text())["cases"]
    stored = [(case["attempt"], case["verdict"]) for case in cases]
    tests = ElementTree.parse(tmp_path / "out" / "junit.xml").iter("testcase")
    properties = [{p.get("name"): p.get("value") for p in test.iter("property")} for test in tests]
    assert [(int(p["attempt"]), p["verdict"]) for p in properties] == stored
    folders = {path.name for path in (tmp_path / "out" / "cases").iterdir()}
    name = cases[0]["id"]
    assert folders == {name, *(f"{name}.attempt-{n}" for n, _ in stored[:-1])}
    return stored


def test_a_probe_of_what_always_fails_is_a_fail_of_every_attempt(hil, tmp_path):
    done = run(hil, tmp_path, WRONG, "--flaky-probe", "2")
    assert done.returncode == 1
    assert attempts(tmp_path) == [(1, "FAIL"), (2, "FAIL"), (3, "FAIL")]


def test_what_passes_is_not_probed(hil, tmp_path):
    done = run(hil, tmp_path, ("title: A slow", "title: The slow"), "--flaky-probe", "2")
    assert done.returncode == 0 and attempts(tmp_path) == [(1, "PASS")]


def broken_reader(tmp_path):
    script = inputs.write(tmp_path, "reader", "#!/bin/sh\nexit 3\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return script


@pytest.mark.parametrize("retry, expected", [
    ("", [(1, "ERROR")]),
    ("attempts: {max: 3}\n", [(1, "ERROR")]),
    ("attempts: {max: 3, on: [INCONCLUSIVE]}\n", [(1, "ERROR")]),
    ("attempts: {max: 3, on: [ERROR]}\n", [(1, "ERROR"), (2, "ERROR"), (3, "ERROR")]),
])
def test_an_error_is_tried_again_where_the_scenario_says_so(hil, tmp_path, retry, expected):
    script = broken_reader(tmp_path)
    file = inputs.scenario(tmp_path, ("modes: [virtual, sim]", "modes: [sim]"),
                           ("group: lag\n", "group: lag\n" + retry),
                           ("    copy: copy\n", f"    copy: copy\n    exec: [{script}]\n"))
    done = hil("run", file, "--bench", inputs.bench(tmp_path), "--out", "out")
    assert done.returncode == 4, done.stdout + done.stderr
    assert attempts(tmp_path) == expected
