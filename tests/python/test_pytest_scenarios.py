"""`pytest scenarios/`: scenario files as tests of pytest, by the conftest.py beside them."""

import importlib.util
import json
import os
import re
import shlex
import shutil
import signal
import sys
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest

import inputs
import program
from evidence import Evidence
from inputs import edited
from program import HIL, ROOT, SCENARIOS, SHM, actors_of, our_processes, wait_for

PATIENCE = 30  # seconds, for anything that must happen soon on a busy machine

needs_xdist = pytest.mark.skipif(importlib.util.find_spec("xdist") is None,
                                 reason="pytest-xdist is not installed")
ALONE = pytest.param([], id="alone")
TWO_WORKERS = pytest.param(["-n", "2"], id="xdist", marks=needs_xdist)

FALSE_CLAIM = ("content_bad, equals: 0", "content_bad, equals: 1")
IN_REAL_TIME = ("modes: [virtual, sim]", "modes: [sim]")
LONG = ("frames: 600", "frames: 55000")  # 55 s, or it would end by itself


def called(name, *changes, text=inputs.SCENARIO):
    return edited(text, (re.search(r"^id: (\S+)$", text, re.MULTILINE)[0], f"id: {name}"), *changes)


class Session:
    """A folder `s` of scenarios beside a copy of the conftest.py, and pytest as a user calls it."""

    def __init__(self, folder):
        self.folder = folder
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        inputs.write(folder / "s" / "benches", "default.yaml", inputs.BENCH)
        shutil.copy(SCENARIOS / "conftest.py", folder / "s")

    def add(self, name, *changes, text=inputs.SCENARIO):
        inputs.write(self.folder / "s", f"{name}.yaml", called(name, *changes, text=text))
        return f"s/{name}.yaml"

    def two_benches(self):
        words = []
        for name in ("one", "two"):
            text = edited(inputs.BENCH, ("name: small", f"name: {name}"))
            words += ["--bench", inputs.write(self.folder, f"{name}.yaml", text)]
        return words

    def command(self, *words, hil=HIL):
        return ["env", f"TMPDIR={self.temporary}", f"DAO_HIL_BUILD={program.BUILD}",
                sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-v", "-rs",
                "--junitxml=junit.xml", *(["--hil", hil] if hil != HIL else []),
                *(words or ["s"])]

    def run(self, *words, cwd=None, **options):
        done = program.run(*self.command(*words, **options), cwd=cwd or self.folder, timeout=300)
        assert "INTERNALERROR" not in done.stdout + done.stderr, done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
        done.tests = self.tests() if (self.folder / "junit.xml").exists() else {}
        return done

    def tests(self):
        """id -> kind of outcome, message, properties; from the junit.xml."""
        found = {}
        for test in ElementTree.parse(self.folder / "junit.xml").getroot().iter("testcase"):
            (outcome,) = [child for child in test
                          if child.tag not in ("properties", "system-out")] or [None]
            assert test.get("name") not in found
            found[test.get("name")] = SimpleNamespace(
                outcome="passed" if outcome is None else outcome.tag,
                message="" if outcome is None else outcome.get("message"),
                text="" if outcome is None else outcome.text,
                properties={p.get("name"): p.get("value") for p in test.iter("property")})
        return found

    def evidence(self, name):
        return Evidence(self.folder / name).check()


@pytest.fixture
def session(tmp_path):
    return Session(tmp_path)


def outcomes(done):
    return {name: test.outcome for name, test in done.tests.items()}


# ---------------------------------------------------------------------------------------- verdicts


def test_what_holds_passes_and_what_does_not_fails(session):
    session.add("good")
    session.add("bad", FALSE_CLAIM)
    session.add("other", ("group: lag", "group: lag\nrequires: {features: [recorded]}"))
    done = session.run()
    assert done.returncode == 1
    assert outcomes(done) == {"good@small": "passed", "bad@small": "failure",
                              "other@small": "skipped"}
    assert "s/good.yaml::good@small PASSED" in done.stdout
    assert done.tests["other@small"].message == "bench small lacks recorded"
    assert "SKIPPED [1] s/other.yaml:1: bench small lacks recorded" in done.stdout
    first, *others = done.tests["bad@small"].text.splitlines()
    assert first == "FAIL why: fifo.wfs.slow.content_bad: observed 0, expected = 1"
    assert first + "\n" in done.stdout
    (rerun,) = [line for line in others if line.startswith("rerun: ")]
    again = program.run(*shlex.split(rerun.removeprefix("rerun: ")), "--out", "again",
                        cwd=session.folder)
    assert again.returncode == 1
    assert session.evidence("again").only_case()["id"] == "bad@small"


def test_an_advisory_case_is_a_warning_at_worst(session):
    """As for the verdict of `hil run`."""
    session.add("advice", FALSE_CLAIM, ("group: lag", "group: lag\nseverity: advisory"))
    done = session.run()
    assert done.returncode == 0 and outcomes(done) == {"advice@small": "passed"}
    assert done.tests["advice@small"].properties["verdict"] == "FAIL"
    assert "s/advice.yaml:1: PytestWarning: advice@small: FAIL why: fifo.wfs.slow.content_bad: " \
        "observed 0, expected = 1" in done.stdout


def script(session, text):
    """A program in the place of `hil`; $HIL in the text is the real one."""
    path = inputs.write(session.folder, "hil", text.replace("$HIL", shlex.quote(str(HIL))))
    path.chmod(0o755)
    return path


def judging(session, verdict):
    """A program that is `hil` but for the verdict that it reports."""
    return script(session, f"""\
#!{sys.executable}
import json, pathlib, subprocess, sys
status = subprocess.run([{str(HIL)!r}, *sys.argv[1:]]).returncode
if sys.argv[1] == "run":
    file = pathlib.Path(sys.argv[sys.argv.index("--out") + 1]) / "run.json"
    run = json.loads(file.read_text())
    run["cases"][0].update(verdict={verdict!r}, why="because", rerun="like this")
    file.write_text(json.dumps(run))
sys.exit(status)
""")


@pytest.mark.parametrize("verdict, outcome", [
    ("MARGINAL", "passed"), ("FLAKY", "failure"), ("ERROR", "error"), ("INCONCLUSIVE", "error")])
def test_other_verdicts(session, verdict, outcome):
    session.add("good")
    done = session.run(hil=judging(session, verdict))
    assert outcomes(done) == {"good@small": outcome}
    assert done.returncode == (0 if outcome == "passed" else 1)
    assert f"{verdict} why: because\n" in done.stdout and "rerun: like this\n" in done.stdout
    assert done.tests["good@small"].properties["verdict"] == verdict


@pytest.mark.parametrize("verdict, outcome", [
    ("INCONCLUSIVE", "skipped"), ("ERROR", "error"), ("FAIL", "failure")])
def test_only_what_is_inconclusive_may_be_allowed(session, verdict, outcome):
    session.add("good")
    done = session.run("s", "--allow-inconclusive", hil=judging(session, verdict))
    assert outcomes(done) == {"good@small": outcome}
    if outcome == "skipped":
        assert done.tests["good@small"].message == "INCONCLUSIVE: because"


@pytest.mark.parametrize("workers", [ALONE, TWO_WORKERS])
def test_a_run_that_dies_is_an_error_of_each_of_its_cases(session, workers):
    session.add("sizes", text=inputs.SWEEP)
    dying = script(session, '#!/bin/sh\n[ "$1" = run ] && kill -KILL $$\nexec $HIL "$@"\n')
    done = session.run("s", *workers, hil=dying)
    assert done.returncode == 1 and set(outcomes(done).values()) == {"error"}
    assert len(done.tests) == 3
    assert "s/sizes.yaml: hil run was killed by signal 9 and left no report\n" in done.stdout


def test_another_version_of_the_program_is_noticed(session):
    """A case that is planned and not reported is not quietly left out."""
    session.add("good")
    other = script(session, """\
#!/bin/sh
$HIL "$@" | sed 's/"id": "good@small"/"id": "good@large"/'
""")
    done = session.run(hil=other)
    assert outcomes(done) == {"good@large": "error"}
    assert "hil run reports nothing of 'good@large'" in done.stdout


# ------------------------------------------------------------------------------- cannot be collected


@pytest.mark.parametrize("workers", [ALONE, TWO_WORKERS])
def test_a_file_that_does_not_parse_is_an_error_with_its_place(session, workers):
    session.add("good")
    session.add("wrong", ("depth: 8", "dept: 8"))
    done = session.run("s", "--continue-on-collection-errors", *workers)
    assert done.returncode == 1
    line = inputs.line_of(inputs.SCENARIO, "depth: 8")
    place = re.escape(f"s/wrong.yaml:{line}: ")
    assert re.search(rf"^hil: {place}.*'dept'.*'depth'", done.stdout, re.MULTILINE), done.stdout
    assert "ERROR collecting s/wrong.yaml" in done.stdout
    assert done.tests["good@small"].outcome == "passed"


def test_a_bench_that_does_not_exist_is_named(session):
    session.add("good")
    done = session.run("s", "--bench", "benches/none.yaml")
    assert done.returncode == 2
    assert re.search(r"^hil: benches/none\.yaml.*", done.stdout, re.MULTILINE)


def test_an_unknown_mode_is_refused(session):
    session.add("good")
    done = session.run("s", "--mode", "fast")
    assert done.returncode == 4 and "--mode: invalid choice: 'fast'" in done.stderr


@pytest.mark.parametrize("words, named", [
    (["--hil", "nowhere/hil"], "--hil nowhere/hil: there is no program"),
    ([], "DAO_HIL_BUILD=nowhere: there is no program")])
def test_without_a_program_the_way_to_one_is_told(session, words, named):
    session.add("good")
    command = session.command("s", *words)
    if not words:
        command[2] = "DAO_HIL_BUILD=nowhere"
    done = program.run(*command, cwd=session.folder)
    assert done.returncode == 2
    assert named in done.stdout and "--hil PATH" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_the_program_is_found_on_the_path(session):
    session.add("good")
    command = session.command("s")
    command[2] = f"PATH={HIL.parent}:{os.environ['PATH']}"
    done = program.run("env", "-u", "DAO_HIL_BUILD", *command[1:], cwd=session.folder)
    assert done.returncode == 0, done.stdout


def test_benches_and_other_files_are_no_tests(session):
    session.add("good")
    inputs.write(session.folder / "s", "notes.txt", "kind: Scenario\n")
    assert list(session.run("s").tests) == ["good@small"]
    # Asked for by name, it is told apart from a typing error.
    done = session.run("s/benches/default.yaml")
    assert done.returncode == 2 and "hil: s/benches/default.yaml:" in done.stdout


# ------------------------------------------------------------------------------------------ sweeps


@pytest.mark.parametrize("depths, outcome", [("[10, 11]", "passed"), ("[11, 12]", "passed"),
                                             ("[12, 13]", "failure")])
def test_a_sweep_is_a_test_of_its_own(session, depths, outcome):
    """T7 at 1 kHz: 10 + 1."""
    session.add("sizes", ("[10, 11]", depths), text=inputs.SWEEP)
    done = session.run()
    one, other = json.loads(depths)
    assert outcomes(done) == {f"sizes[N={one}]@small": "passed",
                              f"sizes[N={other}]@small": "passed",
                              "sizes/smallest@small": outcome}
    assert list(done.tests)[-1] == "sizes/smallest@small"
    if outcome == "failure":
        assert "observed 12, predicted 11" in done.tests["sizes/smallest@small"].message


@pytest.mark.parametrize("selection, tests, cases", [
    (["s", "-k", "smallest"], ["sizes/smallest@small"],
     ["sizes[N=10]@small", "sizes[N=11]@small", "sizes/smallest@small"]),
    (["s/sizes.yaml::sizes/smallest@small"], ["sizes/smallest@small"],
     ["sizes[N=10]@small", "sizes[N=11]@small", "sizes/smallest@small"]),
    (["s", "-k", "[N:11]"], ["sizes[N=11]@small"], ["sizes[N=11]@small", "sizes/smallest@small"]),
    (["s/sizes.yaml::sizes[N=11]@small"], ["sizes[N=11]@small"],
     ["sizes[N=11]@small", "sizes/smallest@small"]),
    (["s", "-k", "not [N:11]"], ["sizes[N=10]@small", "sizes/smallest@small"],
     ["sizes[N=10]@small", "sizes[N=11]@small", "sizes/smallest@small"]),
], ids=lambda value: " ".join(value))
@pytest.mark.parametrize("workers", [ALONE, TWO_WORKERS])
def test_what_is_not_selected_is_not_run(session, selection, tests, cases, workers):
    """A sweep takes its cases along; what a report says of half a sweep is nobody's outcome."""
    session.add("sizes", text=inputs.SWEEP)
    session.add("zzz")
    done = session.run(*selection, "--deselect", "s/zzz.yaml", "--evidence", "e", *workers)
    assert done.returncode == 0 and outcomes(done) == dict.fromkeys(tests, "passed")
    (folder,) = (session.folder / "e").iterdir()
    assert [case["id"] for case in session.evidence(folder).run["cases"]] == cases


# ---------------------------------------------------------------------------------------- evidence


@pytest.mark.parametrize("workers", [ALONE, TWO_WORKERS])
def test_evidence_is_where_the_report_says(session, workers):
    session.add("good")
    session.add("bad", FALSE_CLAIM)
    session.add("sizes", text=inputs.SWEEP)
    done = session.run("s", "--evidence", "a/b", *workers)
    assert len(done.tests) == 5 and len(list((session.folder / "a/b").iterdir())) == 3
    for name, test in done.tests.items():
        folder = session.folder / test.properties["evidence"]
        result = json.loads((folder / "result.json").read_text())
        session.evidence(folder.parents[1])
        assert (result["id"], result["verdict"]) == (name, test.properties["verdict"])
        assert test.properties["attempt"] == "1"
        assert set(test.properties) == {m["id"] for m in result["measurements"]} | {
            "verdict", "attempt", "evidence"}
    measured = done.tests["bad@small"].properties
    assert measured["content"] == "0 (= 1)" and measured["conservation"] == "true (= true)"
    assert re.search(r"-- Captured evidence run --+\n" + re.escape(measured["evidence"]),
                     done.stdout)
    assert list(session.temporary.glob("hil-*")) == []


def test_no_evidence_is_overwritten(session):
    session.add("good")
    inputs.write(session.folder / "e", "notes.txt", "precious")
    done = session.run("s", "--evidence", "e")
    assert done.returncode == 4 and "--evidence e: " in done.stderr
    assert [path.name for path in (session.folder / "e").iterdir()] == ["notes.txt"]
    assert session.run("s", "--evidence", "e/notes.txt").returncode == 4


def test_unasked_evidence_is_kept_of_what_did_not_pass(session):
    session.add("good")
    session.add("bad", FALSE_CLAIM)
    done = session.run()
    (kept,) = session.temporary.iterdir()
    assert session.evidence(kept).only_case()["id"] == "bad@small"
    assert done.tests["bad@small"].properties["evidence"] == str(
        (kept / "cases" / "bad@small").relative_to(session.folder))
    assert "evidence" not in done.tests["good@small"].properties


# ------------------------------------------------------------------------- modes, benches, workers


def test_virtual_time_where_the_scenario_has_it(session):
    session.add("both")
    session.add("real", IN_REAL_TIME)
    done = session.run("s", "--evidence", "e", "--allow-inconclusive")
    assert done.returncode == 0 and len(done.tests) == 2
    assert session.evidence("e/s_both").only_case()["mode"] == "virtual"
    assert session.evidence("e/s_real").only_case()["mode"] == "sim"


def test_the_mode_that_is_asked_for(session):
    session.add("both")
    session.add("virtual", ("modes: [virtual, sim]", "modes: [virtual]"))
    done = session.run("s", "--mode", "sim", "--evidence", "e", "--allow-inconclusive")
    assert done.returncode == 0
    assert session.evidence("e/s_both").only_case()["mode"] == "sim"
    assert done.tests["virtual@small"].outcome == "skipped"
    assert "the scenario has modes [virtual]" in done.tests["virtual@small"].message


@pytest.mark.parametrize("workers", [ALONE, TWO_WORKERS])
def test_every_case_on_every_bench(session, workers):
    session.add("sizes", text=inputs.SWEEP)
    done = session.run("s", *session.two_benches(), *workers)
    assert outcomes(done) == {
        name + bench: "passed" for name in ("sizes[N=10]", "sizes[N=11]", "sizes/smallest")
        for bench in ("@one", "@two")}


@needs_xdist
@pytest.mark.parametrize("more", [[], ["--dist=loadfile"], ["--dist=loadgroup"]], ids=str)
def test_a_file_is_run_by_one_worker(session, more):
    for name in ("a", "b", "c"):
        session.add(name, text=inputs.SWEEP)
    done = session.run("s", *session.two_benches(), "-n", "2", *more, "--evidence", "e")
    assert done.returncode == 0 and len(done.tests) == 18
    assert sorted(path.name for path in (session.folder / "e").iterdir()) == ["s_a", "s_b", "s_c"]


@needs_xdist
@pytest.mark.parametrize("where", ["at the top", "found while collecting"])
def test_workers_that_share_a_file_are_right_too(session, where):
    """Each of them runs it, and their streams do not meet."""
    session.add("sizes", ("[10, 11]", "[8, 9, 10, 11, 12, 13]"), text=inputs.SWEEP)
    words = ["s", "--dist=loadscope"] if where == "at the top" else [".", "--dist=load"]
    if where != "at the top":
        # pytest looks for options in the folders that it is given, and one below in `test*` only.
        (session.folder / "deep").mkdir()
        (session.folder / "s").rename(session.folder / "deep" / "s")
    done = session.run(*words, "-n", "2")
    assert done.returncode == 0 and len(done.tests) == 7
    assert set(outcomes(done).values()) == {"passed"}


@needs_xdist
def test_runs_in_real_time_do_not_disturb_each_other(session):
    for name in ("a", "b", "c"):
        session.add(name, IN_REAL_TIME)
    noting = script(session, """\
#!/bin/sh
[ "$1" = run ] || exec $HIL "$@"
echo begin >> runs
$HIL "$@"
status=$?
echo end >> runs
exit $status
""")
    done = session.run("s", "-n", "3", "--allow-inconclusive", hil=noting)
    assert done.returncode == 0 and len(done.tests) == 3
    assert (session.folder / "runs").read_text().split() == 3 * ["begin", "end"]


# ----------------------------------------------------------------------------------------- stopped


def streams_of(hil):
    """Of one process, and its semaphores: other benches may run on this machine."""
    return {name for name in os.listdir(SHM) if name.startswith((f"hil-{hil}-", f"sem.hil-{hil}-"))}


@pytest.fixture
def running(session):
    """start(words...): a session whose `hil run` publishes frames; pytest and hil."""
    session.add("long", IN_REAL_TIME, LONG)
    started = []

    def begin(*words):
        process = program.start(*session.command(*words), cwd=session.folder)
        started.append(process)
        hil = wait_for(lambda: {pid for pid in our_processes() if streams_of(pid)}, "a stream",
                       PATIENCE).pop()
        wait_for(lambda: len(actors_of(hil)) == 2, "source and reader", PATIENCE)
        return process, hil

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.mark.parametrize("send", [os.killpg, os.kill], ids=["group", "pytest alone"])
@pytest.mark.parametrize("workers", [ALONE, TWO_WORKERS])
def test_ctrl_c_ends_the_run_as_well(running, session, send, workers):
    process, hil = running("s", "--evidence", "e", *workers)
    send(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2, out + err
    assert "INTERNALERROR" not in out + err
    wait_for(lambda: not our_processes() and not streams_of(hil), "nothing left", PATIENCE)
    assert session.evidence("e/s_long").only_case()["verdict"] == "ABORTED"


@pytest.mark.parametrize("workers", [ALONE, TWO_WORKERS])
def test_a_run_that_somebody_stops_ends_the_session(running, session, workers):
    """An aborted run is no result, and what comes after it was not wanted either."""
    session.add("zzz", IN_REAL_TIME, LONG)
    process, hil = running("s", *workers)
    os.kill(hil, signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2, out + err
    assert workers or "s/long.yaml: hil run was stopped" in out
    assert list(session.temporary.glob("hil-*")) == []


@pytest.mark.parametrize("workers", [ALONE, TWO_WORKERS])
def test_a_killed_session_takes_the_run_with_it(running, workers):
    process, hil = running("s", *workers)
    parent = program.stat_of(hil)[1]
    os.kill(parent, signal.SIGKILL)  # pytest, or its worker
    wait_for(lambda: not program.alive(hil), "the end of hil", PATIENCE)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=PATIENCE)
    wait_for(lambda: not our_processes() and not streams_of(hil), "nothing left", PATIENCE)


# ---------------------------------------------------------------------------------- what is shipped


def test_every_shipped_case_is_a_test():
    done = program.run(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "scenarios",
                       "--collect-only", "-q", "--hil", HIL, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    collected = {line.split("::", 1)[1] for line in done.stdout.splitlines() if "::" in line}
    planned = json.loads(program.run(HIL, "plan", SCENARIOS, "--json", "--mode", "virtual",
                                     cwd=ROOT).stdout)
    assert len(planned) > 100
    assert collected == {case["id"] for case in planned} | {
        sweep for case in planned for sweep in case["sweeps"]}
