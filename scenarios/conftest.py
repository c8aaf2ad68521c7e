"""`pytest scenarios/`: every case of a scenario file, and every sweep over its cases, is a test.

`hil plan` says which there are; one `hil run` of the file judges those that were selected, when
the first of them is due. One for all, because a sweep compares cases of the same run. What the run
reports is shared out. Beside scenarios of your own a copy of this file does the same.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
TEARDOWN = 20  # seconds; a stopped `hil run` takes about one

# The claim held, or the bench would not do what the claim needs.
UNREMARKABLE = ("PASS", "SKIP")
# Not the fault of what is tested: pytest's errors, which its failures are told from.
BROKEN = ("ERROR", "INCONCLUSIVE")


def pytest_addoption(parser):
    group = parser.getgroup("hil", "scenarios on the bench")
    group.addoption("--bench", action="append", default=[], dest="hil_benches", metavar="FILE",
                    help="bench file that binds roles to devices; may be repeated, then every "
                         "case is run on every bench; default: as `hil run`")
    group.addoption("--mode", choices=["virtual", "sim", "replay", "real"], dest="hil_mode",
                    help="default: virtual where the scenario has it, else as `hil run`")
    group.addoption("--hil", dest="hil_program", metavar="PATH",
                    help="the program; default: $DAO_HIL_BUILD/tools/hil, build/release/tools/hil "
                         "of the checkout, or hil on PATH")
    group.addoption("--evidence", dest="hil_evidence", metavar="DIR",
                    help="new or empty folder for a folder of evidence per scenario file; default: "
                         "a temporary one each, kept when something did not pass")
    group.addoption("--allow-inconclusive", action="store_true", dest="hil_allow_inconclusive",
                    help="skip INCONCLUSIVE cases, instead of an error")


def pytest_configure(config):
    folder = _option(config, "hil_evidence")
    # Once: the other workers of pytest-xdist may come when the first one has begun to write.
    if not folder or hasattr(config, "workerinput"):
        return
    path = config.invocation_params.dir / folder
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise pytest.UsageError(f"--evidence {folder}: is there and is no empty folder; name a new "
                                "one: no run is overwritten")


def pytest_collect_file(file_path, parent):
    if file_path.suffix == ".yaml" and not (
            _is_bench(file_path) and not parent.session.isinitpath(file_path)):
        return ScenarioFile.from_parent(parent, path=file_path)
    return None


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    if isinstance(item, ScenarioTest) and report.skipped and isinstance(report.longrepr, tuple):
        # The scenario is where it was skipped, and not the line of this file that says so.
        report.longrepr = (str(item.path), 1, report.longrepr[2])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """With a plain `-n`, all tests of a scenario file go to one worker, which runs it once; others
    are distributed as always. Any other --dist works too, at worst with a run in each worker."""
    if config.getoption("dist") != "load":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class FileOfScenarios(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file = nodeid.partition("::")[0]
            return file if file.endswith(".yaml") else nodeid

    return FileOfScenarios(config, log)


class Refused(Exception):
    """The program did not do what it was asked; the text says why."""


class ScenarioFile(pytest.File):
    def collect(self):
        self.words = [self._shown(self.path)]
        for bench in _option(self.config, "hil_benches") or []:
            self.words += ["--bench", bench]
        mode = _option(self.config, "hil_mode")
        try:
            if mode is None and "virtual" in self._ask("list", self.words[0])[0]["modes"]:
                mode = "virtual"
            if mode is not None:
                self.words += ["--mode", mode]
            cases = self._ask("plan", *self.words)
        except Refused as refused:
            raise self.CollectError(str(refused)) from None
        sweeps = dict.fromkeys(sweep for case in cases for sweep in case["sweeps"])
        self.real_time = any(case["mode"] != "virtual" for case in cases)
        self.ids = [*(case["id"] for case in cases), *sweeps]
        self.outcome = None
        for case in cases:
            yield ScenarioTest.from_parent(self, name=case["id"], what="case",
                                           variables=case["variables"])
        for sweep in sweeps:
            yield ScenarioTest.from_parent(self, name=sweep, what="sweep", variables={})

    def attempts_of(self, test):
        """The attempts of a case as in run.json, the one that counts last, and their evidence."""
        if self.outcome is None:
            try:
                self.outcome = self._run(test)
            except Refused as refused:
                self.outcome = refused
        if isinstance(self.outcome, Refused):
            pytest.fail(str(self.outcome), pytrace=False)
        cases, evidence = self.outcome
        attempts = [case for case in cases if case["id"] == test.name]
        if not attempts:
            pytest.fail(f"{self.words[0]}: hil run reports nothing of '{test.name}', which "
                        "hil plan lists; both must be of one version", pytrace=False)
        return attempts, evidence

    def _run(self, test):
        wanted = {item.name for item in self.session.items if item.parent is self} | {test.name}
        # All of them are not named, so that no line of arguments gets too long.
        chosen = [] if wanted >= set(self.ids) else [
            word for name in self.ids if name in wanted for word in ("--case", name)]
        out, lasting = self._evidence_folder()
        keep = lasting
        try:
            with self._turn():
                status, text = _finished(
                    [self._program(), "run", *self.words, *chosen, "--out", self._shown(out)],
                    self.config.invocation_params.dir)
            if status == 130:
                pytest.exit(f"{self.words[0]}: hil run was stopped")
            if not (out / "run.json").exists():
                ended = f"killed by signal {-status}" if status < 0 else f"ended with {status}"
                raise Refused(text or f"{self.words[0]}: hil run was {ended} and left no report")
            cases = json.loads((out / "run.json").read_text())["cases"]
            keep = keep or any(case["verdict"] not in UNREMARKABLE for case in cases)
            return cases, self._shown(out) if keep else None
        finally:
            if not keep:
                shutil.rmtree(out, ignore_errors=True)

    def _evidence_folder(self):
        """A new folder, and whether the user has asked for it."""
        named = _option(self.config, "hil_evidence")
        if not named:
            return Path(tempfile.mkdtemp(prefix="hil-")), False
        name = self.nodeid.replace("/", "_").removesuffix(".yaml")
        base = self.config.invocation_params.dir / named
        try:
            base.mkdir(parents=True, exist_ok=True)
            for number in range(1, 1000):  # as many workers of pytest-xdist may run this file
                folder = base / (name if number == 1 else f"{name}-{number}")
                with contextlib.suppress(FileExistsError):
                    folder.mkdir()
                    return folder, True
            raise FileExistsError(f"{base / name} and all to {name}-999 are there")
        except OSError as error:
            raise Refused(f"--evidence {named}: {error}; name another folder") from None

    @contextlib.contextmanager
    def _turn(self):
        """Runs in real time have the machine to themselves, those in virtual time share it: what
        pytest-xdist starts beside a measurement would disturb it. The lock is on the program, which
        all of them have, so that no file is left behind."""
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(OSError):  # a file system without locks: as without xdist
                program = self.config.invocation_params.dir / self._program()
                file = stack.enter_context(open(program, "rb"))
                fcntl.flock(file, fcntl.LOCK_EX if self.real_time else fcntl.LOCK_SH)
            yield

    def _ask(self, verb, *words):
        done = subprocess.run([self._program(), verb, *words, "--json"], capture_output=True,
                              cwd=self.config.invocation_params.dir, stdin=subprocess.DEVNULL,
                              text=True, errors="replace")
        if done.returncode != 0:
            raise Refused(done.stderr.strip() or f"hil {verb} ended with {done.returncode}")
        return json.loads(done.stdout)

    def _program(self):
        named = _option(self.config, "hil_program")
        build = os.environ.get("DAO_HIL_BUILD")
        if named:
            found, where = shutil.which(named), f"--hil {named}"
        elif build:
            found, where = shutil.which(CHECKOUT / build / "tools/hil"), f"DAO_HIL_BUILD={build}"
        else:
            found = shutil.which(CHECKOUT / "build/release/tools/hil") or shutil.which("hil")
            where = "neither build/release of the checkout nor PATH"
        if not found:
            raise Refused(f"{where}: there is no program hil; build it (cmake --build --preset "
                          "release --target hil), or name it by --hil PATH")
        program = self._shown(found)
        return program if "/" in program else f"./{program}"  # or PATH is where it is looked for

    def _shown(self, path):
        """As short as a user would type it: `rerun:` lines repeat it."""
        here = self.config.invocation_params.dir
        path = Path(os.path.abspath(here / path))
        return str(path.relative_to(here) if path.is_relative_to(here) else path)


class ScenarioTest(pytest.Item):
    def __init__(self, what, variables, **arguments):
        super().__init__(**arguments)
        self.what = what
        # -k takes no '=': N:8 stands for N=8, [N:8] for this and not N=80.
        self.extra_keyword_matches.update(f"[{name}:{value}]" for name, value in variables.items())
        if self.config.pluginmanager.hasplugin("xdist"):
            self.add_marker(pytest.mark.xdist_group(self.parent.nodeid))  # for --dist loadgroup

    def reportinfo(self):
        return self.path, 0, f"{self.what} {self.name}"

    def setup(self):
        attempts, evidence = self.parent.attempts_of(self)
        self.result = attempts[-1]
        self.text = _text_of(attempts)
        self.user_properties += [("verdict", self.result["verdict"]),
                                 ("attempt", self.result["attempt"])]
        self.user_properties += [(m["id"], f"{_value(m['observed'])} ({m['limit']})")
                                 for m in self.result["measurements"]]
        if evidence:
            folder = os.path.join(evidence, "cases", self.name.replace("/", "_"))
            self.user_properties.append(("evidence", folder))
            self.add_report_section("run", "evidence", folder)
        if self.result["verdict"] in BROKEN and not self._excused():
            if self.result["verdict"] == "INCONCLUSIVE" and _option(self.config,
                                                                    "hil_allow_inconclusive"):
                pytest.skip(f"INCONCLUSIVE: {self.result['why']}")
            pytest.fail(self.text, pytrace=False)

    def runtest(self):
        verdict = self.result["verdict"]
        if verdict == "SKIP":
            pytest.skip(self.result["why"])
        elif verdict == "MARGINAL" or verdict != "PASS" and self._excused():
            self.warn(pytest.PytestWarning(f"{self.name}: {self.text}"))
        elif verdict != "PASS":
            pytest.fail(self.text, pytrace=False)

    def _excused(self):
        """As for the verdict of `hil run`: an advisory case is MARGINAL at worst."""
        return self.result["severity"] == "advisory"


def _text_of(attempts):
    result = attempts[-1]
    lines = [f"{result['verdict']} why: {result.get('why', '-')}"]
    lines += [f"also: {m['why']}" for m in result["measurements"]
              if m.get("why") not in (None, result.get("why"))]
    if result["headline"]:
        lines.append(f"observed: {result['headline']}")
    lines += [f"attempt {earlier['attempt']}: {earlier['verdict']} why: {earlier.get('why', '-')}"
              for earlier in attempts[:-1]]
    if "rerun" in result:
        lines.append(f"rerun: {result['rerun']}")
    return "\n".join(lines)


def _value(observed):
    return observed if isinstance(observed, str) else json.dumps(observed)


def _option(config, name):
    # None where pytest was not told of this folder and found it while collecting: too late for
    # options.
    return config.getoption(name, None)


def _is_bench(path):
    with contextlib.suppress(OSError):  # then hil says what is wrong with it
        return re.search(rb"^kind:\s*Bench\b", path.read_bytes(), re.MULTILINE) is not None
    return False


def _finished(command, folder):
    """Exit status and standard error of a run. Interrupted, it tears down before we go on."""
    parent = os.getpid()

    def end_with_us():  # also when we are killed, as pytest-xdist does with a worker in the end
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               errors="replace", preexec_fn=end_with_us)
    try:
        text = process.communicate()[1].strip()
        return process.returncode, text
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            try:
                process.communicate(timeout=TEARDOWN)
            except subprocess.TimeoutExpired:
                pass  # the janitor of the run removes its streams
            finally:
                process.kill()
