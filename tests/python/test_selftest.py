"""hil selftest: a mutant that is not noticed, and all else that is not a FAIL, is said so."""

import json
import re
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

import program
from program import HIL, ROOT, SCENARIOS, wait_for

HEAD = "Puts-back: nothing at all\nScenario: {scenario}\n\n--- a/shm/writer.cpp\n"
SHIPPED = sorted((ROOT / "tests" / "selftest" / "mutants").glob("*.patch"))


@pytest.fixture
def mutants(tmp_path):
    """mutants(name=text of a program, or None for hil itself): a folder of them."""
    folder = tmp_path / "mutants"
    folder.mkdir()

    def add(scenario="flt.counter-wrap", **programs):
        for name, text in programs.items():
            (folder / f"{name}.patch").write_text(HEAD.format(scenario=scenario))
            if text is None:
                (folder / name).symlink_to(HIL)
            else:
                (folder / name).write_text(text)
                (folder / name).chmod(0o755)
        return folder

    return add


@pytest.fixture
def selftest(hil, tmp_path):
    def run(*arguments, scenarios=SCENARIOS):
        done = hil("selftest", "--mutants", tmp_path / "mutants", "--scenarios", scenarios,
                   *arguments)
        return SimpleNamespace(
            code=done.returncode, out=done.stdout, err=done.stderr,
            json=json.loads(done.stdout) if "--json" in arguments else None)
    return run


def rows(result):
    return {row["mutant"]: row for row in result.json["trials"]}


# ---------------------------------------------------------------------------- what is not a FAIL


def test_a_mutant_that_changes_nothing_is_not_noticed(mutants, selftest):
    mutants(null=None)
    done = selftest()
    assert done.code == 1
    assert re.search(r"^null +flt\.counter-wrap +FAIL +PASS +nothing at all$", done.out, re.MULTILINE)
    assert "SELFTEST FAIL   0 of 1 mutants noticed, 1 of 1 controls pass; not noticed: null" in done.out


@pytest.mark.parametrize("text, mishap", [
    ("#!/bin/sh\nkill -SEGV $$\n", "killed by signal 11"),
    ("#!/bin/sh\necho hil: all is lost >&2\nexit 1\n", "exit status 1: hil: all is lost"),
    ("#!/bin/sh\nexit 4\n", "exit status 4"),
])
def test_a_program_that_breaks_has_not_failed(mutants, selftest, text, mishap):
    mutants(broken=text)
    done = selftest("--json")
    assert done.code == 1
    assert done.json["not_noticed"] == ["broken"]
    row = rows(done)["broken"]
    assert row["observed"] == "NONE" and not row["as_expected"]
    assert row["mishap"].startswith(mishap)


def test_a_crash_behind_a_FAIL_is_no_FAIL(mutants, selftest):
    """It writes the evidence of a FAIL, and then dies."""
    wrapper = f"""#!{sys.executable}
import json, os, signal, subprocess, sys
subprocess.run(["{HIL}", *sys.argv[1:]])
path = os.path.join(sys.argv[sys.argv.index("--out") + 1], "run.json")
run = json.load(open(path))
json.dump({{**run, "verdict": "FAIL", "exit_code": 1}}, open(path, "w"))
os.kill(os.getpid(), signal.SIGABRT)
"""
    mutants(late=wrapper)
    done = selftest("--json")
    assert done.code == 1
    assert rows(done)["late"]["observed"] == "NONE"


def test_a_mutant_that_is_inconclusive_is_not_noticed(mutants, selftest):
    wrapper = f"""#!{sys.executable}
import json, os, subprocess, sys
subprocess.run(["{HIL}", *sys.argv[1:]])
path = os.path.join(sys.argv[sys.argv.index("--out") + 1], "run.json")
run = json.load(open(path))
json.dump({{**run, "verdict": "INCONCLUSIVE", "exit_code": 3}}, open(path, "w"))
sys.exit(3)
"""
    mutants(unfit=wrapper)
    done = selftest("--json")
    assert done.code == 1
    assert rows(done)["unfit"]["observed"] == "INCONCLUSIVE"


def test_a_scenario_that_always_fails_notices_nothing(mutants, selftest, tmp_path):
    """Its mutant is 'noticed', but its control is refused."""
    scenario = (SCENARIOS / "flt.counter-wrap.yaml").read_text()
    folder = tmp_path / "scenarios"
    folder.mkdir()
    (folder / "benches").symlink_to(SCENARIOS / "benches")
    changed = scenario.replace("delivered, equals: 3000", "delivered, equals: 3001")
    assert changed != scenario
    (folder / "flt.counter-wrap.yaml").write_text(changed)
    mutants(null=None)
    done = selftest("--json", scenarios=folder)
    assert done.code == 1
    assert done.json["verdict"] == "FAIL" and done.json["not_noticed"] == []
    assert rows(done)[None]["observed"] == "FAIL"
    assert rows(done)[None]["failed"] == ["all"]


# ------------------------------------------------------------------------------------- the command


def test_one_that_is_noticed_and_its_control(hil, tmp_path):
    """A real one, if the mutants are built; tools/check builds them and runs them all by ctest."""
    if not (program.BUILD / "selftest" / "id-32-bit").is_file():
        pytest.skip("target selftest_mutants is not built")
    done = hil("selftest", "--scenarios", SCENARIOS, "--select", "id-32", "--json", "--out", "kept")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["verdict"] == "PASS" and result["exit_code"] == 0
    control, mutant = result["trials"]
    assert control["mutant"] is None and control["observed"] == control["expected"] == "PASS"
    assert mutant["mutant"] == "id-32-bit" and mutant["observed"] == mutant["expected"] == "FAIL"
    assert mutant["failed"] == ["content"]
    kept = sorted(folder.name for folder in (tmp_path / "kept").iterdir())
    assert kept == ["01-control", "02-id-32-bit"]
    assert (tmp_path / "kept" / "02-id-32-bit" / "run.json").is_file()


def test_the_list_and_the_selection(mutants, selftest):
    mutants(one="", two="")
    mutants("ovw.newest", three="")
    done = selftest("--list", "--json")
    assert done.code == 0
    assert [(row["mutant"], row["scenario"]) for row in done.json] == [
        ("one", "flt.counter-wrap"), ("two", "flt.counter-wrap"), ("three", "ovw.newest")]
    assert "nothing at all" in selftest("--list").out
    assert [row["mutant"] for row in selftest("--list", "--json", "--select", "ovw").json] == ["three"]
    assert [row["mutant"] for row in selftest("--list", "--json", "--select", "tw").json] == ["two"]
    none = selftest("--select", "seven")
    assert none.code == 5
    assert "'seven'" in none.err


def test_without_mutants_it_says_how_to_get_them(mutants, selftest):
    mutants()
    done = selftest()
    assert done.code == 2
    assert "--target selftest_mutants" in done.err and "never installed" in done.err


@pytest.mark.parametrize("change, said", [
    (lambda f: (f / "m").unlink(), "the program 'm' is not beside it"),
    (lambda f: (f / "m.patch").write_text("Scenario: ovw.newest\n--- a\n"), "has no 'Puts-back:'"),
    (lambda f: (f / "m.patch").write_text("Puts-back: x\n--- a\n"), "has no 'Scenario:'"),
    (lambda f: (f / "m.patch").write_text(HEAD.format(scenario="ovw.nothing")),
     "there is no scenario 'ovw.nothing'"),
])
def test_a_damaged_mutant_is_named(mutants, selftest, change, said):
    change(mutants(m=""))
    done = selftest()
    assert done.code == 2
    assert said in done.err and "m" in done.err


def test_help_teaches(hil):
    done = hil("selftest", "--help")
    assert done.returncode == 0
    for word in ("PASS", "FAIL", "selftest_mutants", "--select", "Exit status", "hil explain"):
        assert word in done.stdout


def test_a_stop_ends_the_trial_and_leaves_nothing(mutants, tmp_path):
    """The fixture nothing_left looks for processes, streams and temporary files."""
    begun = tmp_path / "begun"
    mutants(slow=f"#!/bin/sh\ntouch {begun}\nsleep 1000\n")
    process = program.start(HIL, "selftest", "--mutants", tmp_path / "mutants",
                            "--scenarios", SCENARIOS, cwd=tmp_path)
    wait_for(begun.exists, "the mutant")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "SELFTEST ABORTED   0 of 0 mutants noticed, 1 of 1 controls pass" in out


# ------------------------------------------------------------------------------------- the patches


def test_the_reference_s_defects_and_three_more_are_put_back():
    scenarios = {patch.stem: re.search(r"^Scenario: (.*)$", patch.read_text(), re.MULTILINE)[1]
                 for patch in SHIPPED}
    assert {"publish-order": "ovw.no-phantom",
            "no-sequence-check": "ovw.torn-at-depth",
            "index-only-wait": "depth.wrap-aba",
            "stale-mapping": "flt.recreate",
            "tail-rewind": "ovw.mixed-mode",
            "semaphore-collision": "lag.semaphore-readers"}.items() <= scenarios.items()
    assert len(scenarios) >= 9


def put_back(patch, source, out):
    return subprocess.run([ROOT / "tests" / "selftest" / "put_back", patch, source, out],
                          text=True, capture_output=True)


@pytest.mark.parametrize("patch", SHIPPED, ids=lambda patch: patch.stem)
def test_a_patch_changes_what_it_says(patch, tmp_path):
    source = ROOT / re.search(r"^\+\+\+ b/(.*)$", patch.read_text(), re.MULTILINE)[1].rstrip()
    done = put_back(patch, source, tmp_path / "out" / "m.cpp")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "m.cpp").read_text() != source.read_text()
    assert (tmp_path / "out" / "m.patch").read_text() == patch.read_text()


def test_a_patch_that_no_longer_applies_is_an_error(tmp_path):
    patch = ROOT / "tests" / "selftest" / "mutants" / "stale-mapping.patch"
    source = tmp_path / "segment.cpp"
    source.write_text((ROOT / "shm" / "segment.cpp").read_text().replace("named.st_dev", "named.dev"))
    done = put_back(patch, source, tmp_path / "m.cpp")
    assert done.returncode == 1
    assert "stale-mapping.patch no longer applies to" in done.stderr
    assert "tests/selftest/README.md" in done.stderr
    assert not (tmp_path / "m.cpp").exists() and not (tmp_path / "m.patch").exists()
