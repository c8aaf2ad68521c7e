"""hil rerun: the cases of a folder of evidence again, from that folder alone."""

import hashlib
import json
import re
import shutil

import numpy
import pytest
import yaml

import inputs
import program
from evidence import Evidence, judged

WRONG = ("content_bad, equals: 0", "content_bad, equals: 1")


def run_and_forget(hil, tmp_path, scenario, bench, *options, out="o"):
    """A run whose scenario and bench files are gone."""
    done = hil("run", scenario, "--bench", bench, *options, "--out", out)
    scenario.unlink()
    bench.unlink()
    return judged(done, tmp_path / out)


def again(hil, tmp_path, *options, run="o", out="again"):
    done = hil("rerun", run, *options, "--out", out)
    return done, judged(done, tmp_path / out)


def ids(evidence):
    return [case["id"] for case in evidence.run["cases"]]


def same_traces(first, second):
    for case in second.run["cases"]:
        files = [e.case_folder(case["id"]) / "trace.bin" for e in (first, second)]
        if files[1].exists() or files[0].exists():
            assert files[0].read_bytes() == files[1].read_bytes(), case["id"]


# ------------------------------------------------------------------------------------ the same run


@pytest.fixture(scope="module")
def repeated(everything, tmp_path_factory):
    folder = tmp_path_factory.mktemp("repeated")
    done = program.run(program.HIL, "rerun", everything.evidence.folder, "--out", "again",
                       cwd=folder, timeout=600)
    yield judged(done, folder / "again")
    shutil.rmtree(folder)


def test_in_virtual_time_the_traces_are_the_same_to_the_byte(everything, repeated):
    first = everything.evidence
    assert ids(repeated) == ids(first)  # what was skipped is skipped, sweeps are judged again
    same_traces(first, repeated)
    for case, was in zip(repeated.run["cases"], first.run["cases"]):
        for key in case.keys() - {"elapsed_s", "rerun"}:
            assert case[key] == was[key], (case["id"], key)


def test_the_evidence_of_a_rerun_is_evidence(hil, tmp_path, repeated):
    """It may be run again, and holds the same plan."""
    case_id = "lag.constant[N=8,rho=1.5]@ocam2k"
    done, third = again(hil, tmp_path, "-k", case_id, run=repeated.folder)
    assert done.returncode == 0 and ids(third) == [case_id]
    same_traces(repeated, third)
    for name in ("benches/ocam2k.yaml", f"cases/{case_id}/scenario.resolved.yaml"):
        assert (repeated.folder / name).read_bytes() == (third.folder / name).read_bytes()


def test_seed_and_bench_are_those_of_the_run(hil, tmp_path):
    first = run_and_forget(hil, tmp_path, inputs.scenario(tmp_path), inputs.bench(
        tmp_path, ("[64, 64]", "[32, 48]")), "--seed", "77", "--mode", "virtual")
    done, second = again(hil, tmp_path)
    assert done.returncode == 0, done.stderr
    for key in ("seed", "mode", "source", "metrics", "depth", "frames"):
        assert first.only_case()[key] == second.only_case()[key]
    assert second.only_case()["source"]["shape"] == "32x48"
    same_traces(first, second)


def test_the_bench_in_the_evidence_is_the_bench(everything, hil, tmp_path):
    for bench in (program.OCAM2K, program.SHWFS20):
        given = yaml.safe_load(bench.read_text())
        kept = yaml.safe_load((everything.evidence.folder / "benches" / bench.name).read_text())
        assert (kept["name"], kept["features"]) == (given["name"], given["features"])
        for name, role in given["roles"].items():
            for key in role.keys() - {"file", "rate"}:
                assert kept["roles"][name][key] == role[key]
            if "file" in role:
                assert kept["roles"][name]["file"] == str(
                    (bench.parent / role["file"]).resolve())


def test_in_real_time_too(hil, tmp_path):
    first = run_and_forget(hil, tmp_path, inputs.scenario(tmp_path), inputs.bench(tmp_path),
                           "--mode", "sim")
    done, second = again(hil, tmp_path)
    assert second.only_case()["mode"] == first.only_case()["mode"] == "sim"
    assert done.returncode in (0, 3)


# ---------------------------------------------------------------------------------------- selection


@pytest.fixture
def mixed(hil, tmp_path):
    changes = {"good": [], "bad": [WRONG], "worse": [WRONG],
               "advisory": [WRONG, ("group: lag", "group: lag\nseverity: advisory")],
               "real-only": [("virtual, sim", "sim")]}
    for name, change in changes.items():
        inputs.write(tmp_path / "all", f"{name}.yaml",
                     inputs.edited(inputs.SCENARIO, ("id: lag.test", f"id: {name}"), *change))
    done = hil("run", "all", "--bench", inputs.bench(tmp_path), "--mode", "virtual", "--out", "o")
    shutil.rmtree(tmp_path / "all")
    return judged(done, tmp_path / "o")


def test_failed_takes_what_did_not_pass(hil, tmp_path, mixed):
    done, second = again(hil, tmp_path, "--failed")
    assert done.returncode == 1
    assert ids(second) == ["advisory@small", "bad@small", "worse@small"]


def test_a_skip_stays_a_skip(hil, tmp_path, mixed):
    done, second = again(hil, tmp_path, "-k", "real-only")
    assert done.returncode == 0
    assert second.only_case()["verdict"] == "SKIP"
    assert second.only_case()["why"] == mixed.case("real-only@small")["why"]


def test_text_selects_and_a_whole_id_means_itself(hil, tmp_path, mixed):
    for number, (options, wanted) in enumerate([
            (["-k", "wors"], ["worse@small"]), (["--select", "bad@small"], ["bad@small"]),
            (["-k", "@small", "--failed"], ["advisory@small", "bad@small", "worse@small"])]):
        assert ids(again(hil, tmp_path, *options, out=f"a{number}")[1]) == wanted


def test_a_failed_sweep_takes_its_cases(hil, tmp_path):
    # Both depths survive, so the smallest of them is not the predicted one.
    sweep = inputs.scenario(tmp_path, ("[10, 11]", "[12, 14]"), text=inputs.SWEEP)
    first = run_and_forget(hil, tmp_path, sweep, inputs.bench(tmp_path))
    assert [c["verdict"] for c in first.run["cases"]] == ["PASS", "PASS", "FAIL"]
    done, second = again(hil, tmp_path, "--failed")
    assert done.returncode == 1 and ids(second) == ids(first)
    assert [c["verdict"] for c in second.run["cases"]] == ["PASS", "PASS", "FAIL"]
    # By the sweep's own id, and half of it, which proves nothing.
    assert ids(again(hil, tmp_path, "-k", "depth.test/smallest@small", out="b")[1]) == ids(first)
    half = again(hil, tmp_path, "-k", "N=12", out="c")[1]
    assert [c["verdict"] for c in half.run["cases"]] == ["PASS", "SKIP"]


@pytest.mark.parametrize("options", [["-k", "moon"], ["-k", "good", "--failed"]])
def test_nothing_selected_is_said(hil, tmp_path, mixed, options):
    done = hil("rerun", "o", *options, "--out", "again")
    assert done.returncode == 5 and options[1] in done.stderr
    assert not (tmp_path / "again").exists()


def test_its_rerun_line_goes_on_from_the_evidence(hil, tmp_path):
    shutil.move(run_and_forget(hil, tmp_path, inputs.scenario(tmp_path, WRONG), inputs.bench(
        tmp_path), "--mode", "virtual").folder, tmp_path / "it's $HOME")
    done, second = again(hil, tmp_path, run="it's $HOME")
    line = re.findall(r"^ +rerun: (.*)$", done.stdout, re.MULTILINE)[-1]
    assert line == second.only_case()["rerun"] and " -k " in line
    third = program.run("/bin/sh", "-c", line, cwd=tmp_path)
    assert third.returncode == 1, third.stderr
    assert third.stdout.splitlines()[0] == done.stdout.splitlines()[0]


def test_evidence_is_not_overwritten(hil, tmp_path, mixed):
    done = hil("rerun", "o", "--out", "o")
    assert done.returncode == 2 and "not empty" in done.stderr


# ----------------------------------------------------------------------------------------- recording


@pytest.fixture
def replayed(hil, tmp_path):
    """A bench that does not state the sum: the evidence does."""
    numpy.save(tmp_path / "cube.npy", inputs.cube_of("u16"))
    bench = inputs.bench(tmp_path, ("FILE", "cube.npy"), text=inputs.REPLAY_BENCH)
    return run_and_forget(hil, tmp_path, inputs.scenario(tmp_path, text=inputs.REPLAY), bench)


def test_a_recording_is_found_again(hil, tmp_path, replayed):
    done, second = again(hil, tmp_path)
    assert done.returncode == 0, done.stderr
    same_traces(replayed, second)


def test_a_missing_recording_is_refused(hil, tmp_path, replayed):
    (tmp_path / "cube.npy").unlink()
    done = hil("rerun", "o", "--out", "again")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    for words in ("replay.test@recorded", "cube.npy", "not there", "put it back",
                  replayed.only_case()["source"]["sha256"]):
        assert words in done.stderr
    assert not (tmp_path / "again").exists()


def test_another_recording_is_refused(hil, tmp_path, replayed):
    cube = inputs.cube_of("u16", seed=4)
    numpy.save(tmp_path / "cube.npy", cube)
    done = hil("rerun", "o", "--out", "again")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    for digest in (replayed.only_case()["source"]["sha256"],
                   hashlib.sha256(cube.tobytes()).hexdigest()):
        assert digest in done.stderr
    assert not (tmp_path / "again").exists()


# -------------------------------------------------------------------------------------------- damage


def test_a_case_that_is_not_the_one_of_the_run_is_refused(hil, tmp_path, mixed):
    file = tmp_path / "o" / "cases" / "bad@small" / "scenario.resolved.yaml"
    file.write_text(re.sub(r"^seed: .*$", "seed: 5", file.read_text(), flags=re.MULTILINE))
    done = hil("rerun", "o", "-k", "bad@small", "--out", "again")
    assert done.returncode == 2 and "scenario.resolved.yaml" in done.stderr
    assert "is not the case bad@small with seed" in done.stderr


@pytest.mark.parametrize("name", ["benches/small.yaml", "cases/bad@small/scenario.resolved.yaml",
                                  "run.json"])
def test_what_is_missing_is_named(hil, tmp_path, mixed, name):
    (tmp_path / "o" / name).unlink()
    done = hil("rerun", "o", "-k", "bad@small", "--out", "again")
    assert done.returncode == 2 and name in done.stderr and len(done.stderr.splitlines()) == 1


def test_json_is_the_run(hil, tmp_path, mixed):
    done = hil("rerun", "o", "-k", "good", "--json", "--out", "again")
    assert json.loads(done.stdout) == Evidence(tmp_path / "again").run
