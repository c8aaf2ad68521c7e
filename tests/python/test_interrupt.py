"""Stopped, killed or held up in the middle of a run: what there is is reported, and nothing stays
behind. No time is asserted but the patience of the test."""

import os
import random
import re
import signal
import struct
import time
from types import SimpleNamespace

import pytest

import inputs
import program
from evidence import Evidence, judged
from program import HIL, LAG, SHM, actors_of, alive, our_processes, streams, wait_for

PATIENCE = 10  # seconds, for anything that must happen soon


def frames_written(pid):
    """By this hil's stream, from its bytes; 0 before there is one."""
    for path in SHM.glob(f"hil-{pid}-*.im.shm"):
        with open(path, "rb") as file:
            file.seek(4296)
            depth, last = struct.unpack("<II", file.read(8))
            if last < depth:
                file.seek(last * 4304 + 152)
                return struct.unpack("<Q", file.read(8))[0]
    return 0


@pytest.fixture
def running(tmp_path):
    """start(arguments...): a run whose actors live and whose frames flow."""
    started = []

    def begin(*arguments, readers=1):
        process = program.start(HIL, "run", *arguments, "--out", "o", cwd=tmp_path)
        started.append(process)
        wait_for(lambda: len(actors_of(process.pid)) == 1 + readers, "source and readers")
        wait_for(lambda: frames_written(process.pid) > 20, "frames")
        source, *others = actors_of(process.pid)
        return SimpleNamespace(process=process, source=source, readers=others,
                               folder=tmp_path / "o")

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def finish(run, what):
    begin = time.monotonic()
    out, err = run.process.communicate(timeout=PATIENCE)
    print(f"{what}: ended within {time.monotonic() - begin:.3f} s")
    return SimpleNamespace(returncode=run.process.returncode, stdout=out, stderr=err)


def long_scenario(tmp_path, *changes, bench=()):
    """20 s of a slow reader at 1 kHz, one attempt."""
    file = inputs.scenario(tmp_path, ("frames: 600", "frames: 20000"), *changes)
    return file, "--bench", inputs.bench(tmp_path, *bench), "--mode", "sim"


# ---------------------------------------------------------------------------------------- stopped


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP],
                         ids=lambda number: number.name)
@pytest.mark.parametrize("send", [os.killpg, os.kill], ids=["group", "alone"])
def test_a_stopped_run_reports_what_it_had(running, number, send):
    """Ctrl-C and a closed terminal reach the whole group, a service manager may do either."""
    run = running(LAG, "--mode", "sim")
    send(run.process.pid, number)
    done = finish(run, number.name)
    assert done.returncode == 130, done.stdout + done.stderr
    assert not our_processes() and done.stderr == ""
    report = judged(done, run.folder).run
    assert report["verdict"] == "ABORTED" and report["counts"]["ABORTED"] == 8
    first = report["cases"][0]
    assert first["why"] == "stopped by the user"
    trace = Evidence(run.folder).trace(first["id"])
    assert 0 < len(trace.source) < first["frames"] and len(trace.readers["slow"]) > 0
    assert "VERDICT ABORTED" in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_stopped_single_case_is_no_error(running, tmp_path, number):
    run = running(*long_scenario(tmp_path))
    os.killpg(run.process.pid, number)
    done = finish(run, number.name)
    assert done.returncode == 130, done.stdout
    assert judged(done, run.folder).only_case()["verdict"] == "ABORTED"


def test_ctrl_c_twice_is_no_worse_than_once(running, tmp_path):
    run = running(*long_scenario(tmp_path))
    for _ in range(20):
        os.killpg(run.process.pid, signal.SIGINT)
        time.sleep(0.002)
    assert finish(run, "SIGINT x 20").returncode == 130
    Evidence(run.folder).check()


def test_a_run_in_virtual_time_can_be_stopped(tmp_path):
    # Longer than anybody waits; stopped as soon as the stream is there.
    file = inputs.scenario(tmp_path, ("frames: 600", "frames: 3000000"))
    process = program.start(HIL, "run", file, "--bench", inputs.bench(tmp_path), "--mode",
                            "virtual", "--out", "o", cwd=tmp_path)
    wait_for(lambda: frames_written(process.pid) > 0, "frames")
    process.send_signal(signal.SIGINT)
    done = finish(SimpleNamespace(process=process), "SIGINT in virtual time")
    assert done.returncode == 130
    assert judged(done, tmp_path / "o").only_case()["verdict"] == "ABORTED"


def test_a_closed_pipe_leaves_nothing(tmp_path):
    """hil run ... | head -1"""
    before = streams()
    reading, writing = os.pipe()
    os.close(reading)
    process = program.start(HIL, "run", inputs.scenario(tmp_path), "--bench",
                            inputs.bench(tmp_path), "--mode", "virtual", "--out", "o",
                            cwd=tmp_path, stdout=writing)
    os.close(writing)
    process.communicate(timeout=PATIENCE)
    wait_for(lambda: not our_processes() and streams() <= before, "the janitor", PATIENCE)


# ----------------------------------------------------------------------------------- actors killed


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT],
                         ids=lambda number: number.name)
@pytest.mark.parametrize("who", ["source 'wfs'", "reader 'slow'", "reader 'other'"])
def test_an_actor_that_dies_is_an_error_that_names_it(running, tmp_path, who, number):
    other = ("    lag:\n      - {kind: constant, rho: 1.5}\n",
             "    lag:\n      - {kind: constant, rho: 1.5}\n  - {name: other, fifo: wfs}\n")
    run = running(*long_scenario(tmp_path, other), readers=2)
    victim = {"source 'wfs'": run.source, "reader 'slow'": run.readers[0],
              "reader 'other'": run.readers[1]}[who]
    os.kill(victim, number)
    done = finish(run, f"{who} {number.name}")
    assert done.returncode == 4 and not our_processes()
    case = judged(done, run.folder).only_case()
    assert case["verdict"] == "ERROR"
    assert case["why"] == f"{who} was killed by signal {int(number)}"
    assert f"why: {case['why']}\n" in done.stdout


# ------------------------------------------------------------------------------- the bench killed


@pytest.mark.parametrize("send", [os.kill, os.killpg], ids=["alone", "group"])
def test_the_janitor_cleans_up_after_a_killed_bench(running, tmp_path, send):
    run = running(*long_scenario(tmp_path))
    mine = [name for name in streams() if f"hil-{run.process.pid}-" in name]
    assert any(name.startswith("hil-") for name in mine)
    assert any(name.startswith("sem.hil-") for name in mine)
    begin = time.monotonic()
    send(run.process.pid, signal.SIGKILL)
    # Ends when nobody holds the output any more: a script that reads it goes on.
    run.process.communicate(timeout=PATIENCE)
    wait_for(lambda: not our_processes(), "the actors and the janitor ended", PATIENCE)
    assert not streams() & set(mine)
    print(f"SIGKILL of the bench: clean after {time.monotonic() - begin:.3f} s")
    assert not (run.folder / "run.json").exists()


def test_a_run_outlives_its_janitor(running, tmp_path):
    file = inputs.scenario(tmp_path, ("frames: 600", "frames: 400"))
    run = running(file, "--bench", inputs.bench(tmp_path), "--mode", "sim")
    (janitor,) = our_processes() - {run.process.pid, run.source, *run.readers}
    os.kill(janitor, signal.SIGKILL)
    done = finish(run, "without a janitor")
    assert done.returncode in (0, 3), f"ended by {done.returncode}"
    judged(done, run.folder)


# ---------------------------------------------------------------------------------------- held up


@pytest.mark.parametrize("who", ["source", "reader"])
def test_a_held_up_actor_breaks_no_identity(running, tmp_path, who):
    file = inputs.scenario(tmp_path, ("frames: 600", "frames: 2000"))
    run = running(file, "--bench", inputs.bench(tmp_path), "--mode", "sim")
    victim = run.source if who == "source" else run.readers[0]
    os.kill(victim, signal.SIGSTOP)
    time.sleep(0.3)  # what is tested, not a wait
    assert alive(victim)
    os.kill(victim, signal.SIGCONT)
    done = finish(run, f"{who} held up")
    case = judged(done, run.folder).only_case()
    assert done.returncode in (0, 3), done.stdout
    verdicts = {m["id"]: m["verdict"] for m in case["measurements"] if m["tier"] in "AB"}
    assert verdicts == {"conservation": "PASS", "content": "PASS", "oracle": "PASS"}
    # 300 frames of 1 ms: it was noticed.
    assert case["health"]["host_pauses"] > 0
    if who == "reader":
        assert case["metrics"]["fifo.wfs.slow.lost"] > 250
    else:
        assert case["metrics"]["source.wfs.id_gaps"] > 250


# ----------------------------------------------------------------------- killed, whoever, whenever

KILLS = int(os.environ.get("DAO_HIL_KILLS", "8"))  # tests/deep kills 200 times

# The deaths of the writer and of a reader that are planned, and readers of three languages.
CROWD = """\
readers:
  - {name: slow, fifo: wfs, copy: copy, lag: [{kind: constant, rho: 1.5}]}
  - {name: in-place, fifo: wfs, copy: zero, hold: 100us}
  - {name: in-c, fifo: wfs, lang: c, copy: copy}
  - {name: in-python, fifo: wfs, lang: python, copy: copy}
faults:
  - {target: writer, kind: crash, at: {frame: 300}, point: after_half_memcpy, for: 20ms}
frames: 600
"""


def crowd(tmp_path):
    text = re.sub(r"readers:.*?^frames: 600\n", CROWD, inputs.SCENARIO,
                  flags=re.DOTALL | re.MULTILINE)
    text = text.replace("modes: [virtual, sim]", "modes: [sim]")
    text = re.sub(r"^  - {id: lost, .*\n", "", text, flags=re.MULTILINE)
    file = tmp_path / "crowd.yaml"
    file.write_text(text)
    return file


def whole(trace, frames):
    """Every frame was sent and nobody ended before the last."""
    if not trace.source or trace.source[-1].id != frames:
        return False
    newest = trace.source[-1].counter
    # What the bench knows of a program that is not its own is what it was told.
    told = [max((call.counter for call in trace.readers[name] if call.delivered), default=0)
            for name in ("in-c", "in-python")]
    return all(counter > newest - 8 for counter in told) and all(
        (last := trace.attachments[name][-1]).newest_at_end == newest and not last.cut
        for name in ("slow", "in-place"))


@pytest.mark.parametrize("number", range(KILLS))
def test_a_kill_at_random_leaves_nothing_and_never_a_wrong_pass(tmp_path, number):
    chance = random.Random(20261125 + number)
    before = streams()
    process = program.start(HIL, "run", crowd(tmp_path), "--bench", inputs.bench(tmp_path),
                            "--mode", "sim", "--out", "o", cwd=tmp_path)
    # From before there is anything to when all is over.
    time.sleep(chance.uniform(0, 1.1))
    others = sorted(our_processes() - {process.pid})
    victim = process.pid if chance.random() < 0.25 or not others else chance.choice(others)
    try:
        os.kill(victim, signal.SIGKILL)
    except ProcessLookupError:
        pass
    out, err = process.communicate(timeout=PATIENCE)
    wait_for(lambda: not our_processes(), "the end of all", PATIENCE)
    assert streams() <= before
    print(f"kill {number}: {'the run' if victim == process.pid else 'another process'}: exit "
          f"{process.returncode}: {out.splitlines()[0] if out else err}")
    report = tmp_path / "o" / "run.json"
    if process.returncode == -signal.SIGKILL and not report.exists():
        return
    case = Evidence(tmp_path / "o").check().only_case()
    assert process.returncode in (0, 3, 4, -signal.SIGKILL), out + err
    if case["verdict"] in ("PASS", "MARGINAL"):
        assert whole(Evidence(tmp_path / "o").trace(case["id"]), 600), out
