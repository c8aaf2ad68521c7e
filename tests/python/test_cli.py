"""The command line: what it teaches, selects, records and returns."""

import json
import os
import re
import shlex
from pathlib import Path

import pytest
import yaml

import inputs
import program
from evidence import Evidence, judged
from program import HIL, LAG, ROOT, SCENARIOS, SHWFS20

VERBS = ["run", "list", "lint", "show", "plan", "stream", "host"]


def shipped():
    return {path: yaml.safe_load(path.read_text()) for path in sorted(SCENARIOS.glob("*.yaml"))}


def cells_of(scenario):
    matrix = dict(scenario.get("matrix", {}))
    excluded = len(matrix.pop("exclude", []))  # shipped files exclude single cells
    cells = 1
    for values in matrix.values():
        cells *= (values["to"] - values["from"] + 1) if isinstance(values, dict) else len(values)
    return cells - excluded


def one_line(text):
    return text.endswith("\n") and text.count("\n") == 1


# ------------------------------------------------------------------------------------------- help


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], *([verb, "--help"] for verb in VERBS)],
                         ids=" ".join)
def test_help_teaches(hil, arguments):
    done = hil(*arguments)
    assert done.returncode == 0 and done.stderr == ""
    assert "Usage:" in done.stdout and "--help" in done.stdout
    assert "Exit status: 0 pass" in done.stdout
    assert len(re.findall(r"^  hil ", done.stdout, re.MULTILINE)) >= 3


def test_help_names_every_verb_and_option(hil):
    text = hil("--help").stdout
    assert all(re.search(rf"^  {verb}  +\S", text, re.MULTILINE) for verb in VERBS)
    options = {"run": ["--bench", "--mode", "--seed", "-k,--select", "--case", "--json", "--out",
                       "--flaky-probe", "--strict", "--fail-on-skip"],
               "plan": ["--bench", "--mode", "--seed", "-k,--select", "--case", "--json"],
               "show": ["--bench", "--mode", "--seed", "-k,--select", "--case", "--json"],
               "list": ["--json"],
               "lint": ["--bench", "--json"],
               "stream": ["ls", "info", "hz", "clean", "create", "unlink"],
               "host": ["--json", "--floor", "--no-rt-tests", "--stream-rate", "--shape", "--rate",
                        "--type", "--depth", "--cores", "--claim", "--polling", "--usb",
                        "--allow-irq", "--record"]}
    for verb in VERBS:
        text = hil(verb, "--help").stdout
        assert all(re.search(rf"^  {option} +\S", text, re.MULTILINE) for option in options[verb])


def test_the_examples_of_the_help_work(hil):
    examples = re.findall(r"^  hil (.*?)(?:   .*)?$", hil("--help").stdout, re.MULTILINE)
    # Of a folder that a run has left, there is none here.
    examples = [example for example in examples if "<UTC>" not in example]
    assert len(examples) >= 3
    for example in examples:
        # `plan` reads all that `run` does, and takes no time.
        words = ["plan" if word == "run" else word for word in shlex.split(example)]
        done = program.run(HIL, *words, cwd=ROOT)
        # What the host is found to be is not up to the example.
        assert done.returncode in ((0, 1) if words[0] == "host" else (0,)), example + done.stderr


@pytest.mark.parametrize("arguments", [
    [], ["bogus"], ["run"], ["plan"], ["--bogus"], ["run", LAG, "--bogus"], ["run", LAG, "--out"],
    ["run", LAG, "--mode", "fast"], ["run", LAG, "--seed", "x"], ["run", LAG, "--seed", "1.5"],
    ["run", LAG, "--seed", "-1"], ["plan", LAG, "--out", "x"], ["list", "--seed", "1"],
    ["run", LAG, "--bench"],
], ids=lambda arguments: " ".join(str(a).rpartition("/")[2] for a in arguments) or "nothing")
def test_wrong_usage_is_refused(hil, tmp_path, arguments):
    # So that a word that is accepted against expectation ends at once.
    selection = ["--select", "none"] if arguments[:1] == ["run"] and len(arguments) > 1 else []
    done = hil(*arguments[:1], *selection, *arguments[1:])
    assert done.returncode == 2
    assert done.stdout == "" and done.stderr.strip()
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------------------- list


def test_list_shows_what_is_shipped(hil):
    done = hil("list", SCENARIOS)
    header, *rows = done.stdout.splitlines()
    assert done.returncode == 0 and done.stderr == ""
    assert header.split() == ["scenario", "group", "modes", "cases", "title"]
    wanted = [[s["id"], s["group"], ",".join(s["modes"]), str(cells_of(s)), s["title"]]
              for s in shipped().values()]
    assert [row.split(maxsplit=4) for row in rows] == wanted


def test_list_as_json(hil):
    done = hil("list", "--json", SCENARIOS)
    assert done.returncode == 0 and done.stderr == ""
    assert json.loads(done.stdout) == [
        {"id": s["id"], "group": s["group"], "title": s["title"], "cases": cells_of(s),
         "file": str(path), "modes": s["modes"]} for path, s in shipped().items()]


def test_list_without_arguments_takes_the_folder_scenarios(hil):
    done = program.run(HIL, "list", cwd=ROOT)
    assert done.returncode == 0
    assert done.stdout == hil("list", SCENARIOS).stdout


# ------------------------------------------------------------------------------------------- plan


def test_plan_predicts_and_runs_nothing(hil, tmp_path):
    done = hil("plan", LAG)
    assert done.returncode == 0 and done.stderr == ""
    assert "lag.constant[N=8,rho=1.5]@ocam2k   sim 6201 frames\n" in done.stdout
    assert re.search(r"^    fifo\.wfs\.slow\.lost +\d+ +T2: ", done.stdout, re.MULTILINE)
    # 8 cases of 6201 frames at 2067 Hz.
    assert done.stdout.endswith("8 cases, 24.0s in real time\n")
    assert list(tmp_path.iterdir()) == []


def test_plan_as_json_agrees_with_the_run(hil, everything):
    done = hil("plan", LAG, "--json", "--mode", "virtual")
    assert done.returncode == 0 and done.stderr == ""
    planned = json.loads(done.stdout)
    assert len(planned) == 8
    for case in planned:
        ran = everything.evidence.case(case["id"])
        assert (case["mode"], case["duration_s"]) == ("virtual", 0)
        assert [case[key] for key in ("frames", "depth", "seed")] == [
            ran[key] for key in ("frames", "depth", "seed")]
        predictions = {m["id"]: str(m["prediction"]["nominal"])
                       for m in ran["measurements"] if "prediction" in m}
        assert {p["id"]: p["predicted"] for p in case["predictions"]} == predictions
        assert all(p["formula"] and p["inputs"] for p in case["predictions"])


def test_plan_says_what_is_skipped_and_why(hil):
    (case,) = json.loads(hil("plan", SCENARIOS / "replay.bit-exact.yaml", "--json").stdout)
    assert "ocam2k" in case["skip"] and "recorded" in case["skip"]


# -------------------------------------------------------------------------------------------- run


def test_everything_passes_in_virtual_time(everything):
    assert everything.done.returncode == 0, everything.done.stdout
    assert everything.done.stderr == ""  # not a terminal: no progress
    evidence = everything.evidence.check()
    cases = sum(cells_of(s) for s in shipped().values())
    sweeps = sum(len(s.get("sweep", [])) for s in shipped().values())
    ids = [case["id"] for case in evidence.run["cases"]]
    assert len(ids) == len(set(ids)) == 2 * (cases + sweeps)
    # What cannot be done in virtual time, or not on that bench, and what takes hours.
    scenarios = {s["id"]: s for s in shipped().values()}
    benches = {b["name"]: b for b in (yaml.safe_load(Path(p).read_text())
                                     for p in (program.OCAM2K, program.SHWFS20))}
    for case in evidence.run["cases"]:
        scenario, bench = scenarios[case["scenario"]], benches[case["bench"]]
        wanted = set(scenario.get("requires", {}).get("features", []))
        cannot = ("virtual" not in scenario["modes"] or scenario["group"] == "soak"
                  or not wanted <= set(bench["features"]))
        assert case["verdict"] == ("SKIP" if cannot else "PASS"), case["id"]


def test_the_table_has_every_case(everything):
    *rows, verdict, artefacts = everything.done.stdout.splitlines()
    seen, grouped = set(), {}
    for row in rows:
        found = re.match(r"\[ *(\d+)/(\d+)\] (\S+) .* (PASS|SKIP)$", row)
        if not found:
            assert re.match(r" {8}why: ", row), row
            continue
        group = re.search(r" (\d+) cases, ", row)
        if group:
            grouped[found[3]] = int(group[1])
        else:
            seen.add(found[3])
    for case in everything.evidence.run["cases"]:
        short = f"{case['scenario']}@{case['bench']}"
        assert case["id"] in seen or short in grouped
    assert grouped["ovw.exact-threshold@ocam2k"] == grouped["ovw.exact-threshold@shwfs20"] == 128
    counts = everything.evidence.run["counts"]
    assert re.fullmatch(rf"VERDICT PASS   {counts['SKIP']} skip {counts['PASS']} pass   "
                        r"\d+(\.\d)?(s|m\d\ds)   exit 0", verdict)
    assert artefacts.startswith(f"artefacts {everything.evidence.folder} ")


def test_a_wrong_claim_fails(hil, tmp_path):
    wrong = inputs.scenario(tmp_path, ("lost, predicted: lost, tier: C", "delivered, equals: 3"))
    done = hil("run", wrong, "--bench", inputs.bench(tmp_path), "--mode", "virtual", "--out", "o")
    case = judged(done, tmp_path / "o").only_case()
    assert done.returncode == 1 and case["verdict"] == "FAIL"
    assert case["why"].startswith("fifo.wfs.slow.delivered: observed 4")
    assert f"        why: {case['why']}\n" in done.stdout
    assert f"        rerun: {case['rerun']}\n" in done.stdout


def rerun(done, cwd):
    """What a user gets who copies the last `rerun:` line into a shell."""
    command = re.findall(r"^ +rerun: (.*)$", done.stdout, re.MULTILINE)[-1]
    return program.run("/bin/sh", "-c", command, cwd=cwd)


@pytest.mark.parametrize("folder", ["plain", "with space"])
def test_the_rerun_line_repeats_a_failure(hil, tmp_path, folder):
    wrong = inputs.scenario(tmp_path / folder, ("content_bad, equals: 0", "content_bad, equals: 1"))
    bench = inputs.bench(tmp_path / folder)
    done = hil("run", wrong, "--bench", bench, "--seed", "7", "--mode", "virtual", "--out", "o")
    again = rerun(done, tmp_path)
    assert (done.returncode, again.returncode) == (1, 1), again.stderr
    assert done.stdout.splitlines()[0] == again.stdout.splitlines()[0]


def test_the_rerun_line_repeats_a_failed_sweep(hil, tmp_path):
    # Both depths survive, so the smallest of them is not the predicted one.
    sweep = inputs.scenario(tmp_path, ("[10, 11]", "[12, 14]"), text=inputs.SWEEP)
    done = hil("run", sweep, "--bench", inputs.bench(tmp_path), "--out", "o")
    evidence = judged(done, tmp_path / "o")
    assert [c["verdict"] for c in evidence.run["cases"]] == ["PASS", "PASS", "FAIL"]
    assert rerun(done, tmp_path).returncode == 1


# ------------------------------------------------------------------------------------- selection


def test_select_takes_the_cases_whose_id_contains_the_text(hil, tmp_path):
    done = hil("run", LAG, "--mode", "virtual", "--select", "N=8,rho=1", "--out", "o")
    assert done.returncode == 0
    assert judged(done, tmp_path / "o").only_case()["id"] == "lag.constant[N=8,rho=1.5]@ocam2k"


def test_select_without_a_match_is_an_error_of_its_own(hil, tmp_path):
    done = hil("run", LAG, "--select", "rho=7", "--out", "o")
    assert done.returncode == 5 and done.stdout == ""
    assert one_line(done.stderr) and "'rho=7'" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_case_takes_exactly_the_cases_named(hil, tmp_path):
    words = ["--bench", inputs.bench(tmp_path, ("name: small", "name: small2")),
             "--bench", inputs.write(tmp_path, "other.yaml", inputs.BENCH), "--mode", "virtual"]
    names = ["lag.constant[N=8,rho=1.5]@small", "lag.constant[N=64,rho=0.9]@small"]
    done = hil("run", LAG, *words, "--case", names[1], "--case", names[0], "--out", "o")
    assert done.returncode == 0
    report = judged(done, tmp_path / "o").run
    # In the order of the plan, and none of bench small2, whose ids contain these.
    assert [case["id"] for case in report["cases"]] == names
    assert "--case" not in report["command"]


def test_case_takes_the_cases_of_a_sweep_by_its_id(hil, tmp_path):
    file = inputs.scenario(tmp_path, ("N: [10, 11]", "N: [10, 11]\n  every: [40, 50]"),
                           ("50frames", '"${every}frames"'), text=inputs.SWEEP)
    common = ["plan", file, "--bench", inputs.bench(tmp_path), "--json"]
    whole = json.loads(hil(*common).stdout)
    assert [case["variables"] for case in whole] == [
        {"N": str(n), "every": str(every)} for n in (10, 11) for every in (40, 50)]
    assert [case["sweeps"] for case in whole] == 2 * [
        [f"depth.test/smallest[every={every}]@small"] for every in (40, 50)]
    part = json.loads(hil(*common, "--case", whole[0]["sweeps"][0]).stdout)
    assert part == [whole[0], whole[2]]


@pytest.mark.parametrize("more", [[], ["--case", "lag.constant[N=8,rho=1.5]@ocam2k"]])
@pytest.mark.parametrize("verb", ["run", "plan"])
def test_a_case_that_does_not_exist_is_refused(hil, tmp_path, verb, more):
    """Also beside one that does: a name misspelt must not quietly be a case fewer."""
    done = hil(verb, LAG, *more, "--case", "lag.constant[N=8,rho=1.5]")
    assert done.returncode == 2 and done.stdout == ""
    assert one_line(done.stderr) and "'lag.constant[N=8,rho=1.5]'" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_part_of_a_sweep_does_not_fail_it(hil, tmp_path):
    """Whether the smallest depth is the predicted one cannot be told from one depth."""
    sweep = inputs.scenario(tmp_path, text=inputs.SWEEP)
    bench = inputs.bench(tmp_path)
    whole = hil("run", sweep, "--bench", bench, "--out", "whole")
    part = hil("run", sweep, "--bench", bench, "--select", "N=10", "--out", "part")
    assert whole.returncode == 0
    assert part.returncode in (0, 3) and "FAIL" not in part.stdout, part.stdout


def test_sweeps_that_differ_in_another_variable_are_told_apart(hil, tmp_path):
    sweep = inputs.scenario(tmp_path, ("N: [10, 11]", "N: [10, 11]\n  every: [40, 50, 60]"),
                            ("50frames", '"${every}frames"'), text=inputs.SWEEP)
    done = hil("run", sweep, "--bench", inputs.bench(tmp_path), "--out", "o")
    assert done.returncode == 0, done.stderr
    ids = [case["id"] for case in judged(done, tmp_path / "o").run["cases"]]
    assert len(ids) == len(set(ids)) == 6 + 3


# ------------------------------------------------------------------------------------------- seed


def mixed(x):
    x = (x + 0x9E3779B97F4A7C15) % 2**64
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    x = (x ^ x >> 27) * 0x94D049BB133111EB % 2**64
    return x ^ x >> 31


def case_seed(seed, case_id):
    """As hil/plan/seed.hpp documents it: SplitMix64 of the seed and the FNV-1a of the id."""
    fnv = 0xCBF29CE484222325
    for byte in case_id.encode():
        fnv = (fnv ^ byte) * 0x100000001B3 % 2**64
    return mixed(mixed(seed) ^ fnv)


def test_the_seed_is_recorded_and_derives_that_of_each_case(hil, tmp_path, everything):
    done = hil("run", LAG, "--mode", "virtual", "--seed", "7", "--select", "N=64", "--out", "o")
    evidence = judged(done, tmp_path / "o")
    assert evidence.run["command"].endswith("--seed 7")
    for case in evidence.run["cases"]:
        assert case["seed"] == case_seed(7, case["id"])
        resolved = evidence.case_folder(case["id"]) / "scenario.resolved.yaml"
        assert yaml.safe_load(resolved.read_text())["seed"] == 7
        # Not given: 1.
        assert everything.evidence.case(case["id"])["seed"] == case_seed(1, case["id"])


def test_the_seed_of_the_file_counts_unless_one_is_given(hil, tmp_path):
    file = inputs.scenario(tmp_path, ("frames: 600", "frames: 600\nseed: 18446744073709551615"))
    common = ["plan", file, "--bench", inputs.bench(tmp_path), "--json"]
    (of_file,), (given,) = [json.loads(hil(*common, *more).stdout)
                            for more in ([], ["--seed", "3"])]
    assert of_file["seed"] == case_seed(2**64 - 1, of_file["id"])
    assert given["seed"] == case_seed(3, given["id"])


def test_virtual_time_is_the_same_every_time(hil, tmp_path):
    sweep = inputs.scenario(tmp_path, text=inputs.SWEEP)
    bench = inputs.bench(tmp_path)
    for out in ("a", "b"):
        assert hil("run", sweep, LAG, "--bench", bench, "--mode", "virtual", "--seed", "3", "--out",
                   out).returncode == 0
    first, second = (Evidence(tmp_path / out) for out in ("a", "b"))
    ids = [case["id"] for case in first.run["cases"] if "/" not in case["id"]]
    assert len(ids) == 2 + 8
    for case_id in ids:
        traces = [(e.case_folder(case_id) / "trace.bin").read_bytes() for e in (first, second)]
        assert traces[0] == traces[1], case_id
        assert first.case(case_id)["metrics"] == second.case(case_id)["metrics"]


# ---------------------------------------------------------------------------------------- outputs


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() if path.is_file() else None
            for path in folder.rglob("*")}


@pytest.mark.parametrize("name", ["notes.txt", "run.json", "cases/old/result.json", ".hidden"])
def test_a_folder_with_anything_in_it_is_left_alone(hil, tmp_path, name):
    inputs.write(tmp_path / "kept", name, "mine")
    before = contents(tmp_path / "kept")
    done = hil("run", inputs.scenario(tmp_path), "--bench", inputs.bench(tmp_path), "--mode",
               "virtual", "--out", "kept")
    assert done.returncode == 2 and done.stdout == ""
    assert one_line(done.stderr) and "kept" in done.stderr and "--out" in done.stderr
    assert contents(tmp_path / "kept") == before


def test_a_file_in_place_of_the_folder_is_left_alone(hil, tmp_path):
    (tmp_path / "file").write_text("mine")
    done = hil("run", inputs.scenario(tmp_path), "--bench", inputs.bench(tmp_path), "--mode",
               "virtual", "--out", "file")
    assert done.returncode == 2 and one_line(done.stderr) and "file" in done.stderr
    assert (tmp_path / "file").read_text() == "mine"


def test_an_empty_or_a_new_folder_is_used(hil, tmp_path):
    (tmp_path / "empty").mkdir()
    for out in ("empty", "new/and/deep"):
        done = hil("run", inputs.scenario(tmp_path), "--bench", inputs.bench(tmp_path), "--mode",
                   "virtual", "--out", out)
        assert judged(done, tmp_path / out).run["verdict"] == "PASS"


def test_without_out_the_folder_is_named_by_time_and_process(hil, tmp_path):
    done = hil("run", inputs.scenario(tmp_path), "--bench", inputs.bench(tmp_path), "--mode",
               "virtual")
    (folder,) = (tmp_path / "hil-runs").iterdir()
    assert re.fullmatch(r"\d{8}T\d{6}(\.\d+)?Z-\d+", folder.name)
    assert f"artefacts hil-runs/{folder.name} " in done.stdout
    judged(done, folder)


def test_verdict_txt_begins_with_the_line_of_the_terminal(everything):
    verdict = everything.done.stdout.splitlines()[-2]
    text = everything.evidence.text("verdict.txt").splitlines()
    assert text[0] == verdict
    assert "not tested" in text and "  replay.bit-exact@ocam2k: bench ocam2k lacks recorded" in text


@pytest.mark.parametrize("claim", [0, 1])
def test_json_is_all_there_is_on_standard_output(hil, tmp_path, claim):
    file = inputs.scenario(tmp_path, ("content_bad, equals: 0", f"content_bad, equals: {claim}"))
    done = hil("run", file, "--bench", inputs.bench(tmp_path), "--mode", "virtual", "--json",
               "--out", "o")
    assert done.returncode == claim
    assert json.loads(done.stdout) == judged(done, tmp_path / "o").run
    assert re.search(r"^VERDICT (PASS|FAIL) ", done.stderr, re.MULTILINE)
    assert done.stderr.startswith("[1/1] lag.test@small ")


def test_one_scenario_on_two_benches(hil, tmp_path):
    done = hil("run", LAG, "--mode", "virtual", "--select", "[N=1,rho=1.5]", "--bench",
               inputs.bench(tmp_path), "--bench", SHWFS20, "--out", "o")
    assert [case["bench"] for case in judged(done, tmp_path / "o").run["cases"]] == [
        "small", "shwfs20"]


def test_two_benches_at_once_do_not_meet(tmp_path):
    file, bench = inputs.scenario(tmp_path), inputs.bench(tmp_path)
    runs = [program.start(HIL, "run", file, "--bench", bench, "--mode", mode, "--out", mode,
                          cwd=tmp_path) for mode in ("virtual", "sim")]
    for run, mode in zip(runs, ("virtual", "sim")):
        out, err = run.communicate(timeout=60)
        assert run.returncode in (0, 3) and err == "", out
        assert Evidence(tmp_path / mode).check().run["exit_code"] == run.returncode


@pytest.mark.parametrize("verb", ["list", "plan", "run"])
def test_json_is_written_of_files_whose_name_is_not_utf8(hil, tmp_path, verb):
    folder = os.fsdecode(bytes(tmp_path) + b"/nuit\xe9e")
    os.mkdir(folder)
    inputs.write(Path(folder), "scenario.yaml", inputs.SCENARIO)
    words = [] if verb == "list" else ["--mode", "virtual", "--bench", inputs.bench(tmp_path)]
    done = hil(verb, folder, *words, "--json", *(["--out", "o"] if verb == "run" else []),
               errors="replace")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)
