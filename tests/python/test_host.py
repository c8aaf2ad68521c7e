"""hil host on the machine that the tests run on, whatever that is: what it says of it is not
asserted, but that it says it in the documented form, changes nothing and can be stopped."""

import contextlib
import json
import os
import re
import signal
import subprocess

import pytest

import program
from program import HIL, wait_for

GROUPS = ["rt", "tuning", "memory", "usb", "shm", "time", "net", "disk"]
STATUSES = ["FAIL", "WARN", "N/A", "INFO", "PASS"]
FIELDS = ["id", "group", "status", "observed", "wanted", "reason", "fix", "why", "reference"]
PATIENCE = 20  # seconds, for anything that must happen soon on a busy machine


def writes_below(folder, pid):
    """Has the process a file open there, of whatever name or none?"""
    for descriptor in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/{pid}/fd/{descriptor}").startswith(str(folder)):
                return True
    return False


def examined(done):
    report = json.loads(done.stdout)
    failed = any(finding["status"] == "FAIL" for finding in report["findings"])
    assert done.returncode == (1 if failed else 0), done.stdout + done.stderr
    assert report["format"] == 1 and report["end"] == "complete" and report["defects"] == []
    return report


def test_json_is_as_documented(hil):
    report = examined(hil("host", "--json", "--floor", "0"))
    assert report["class"] == "desktop" and report["class_why"]
    findings = report["findings"]
    assert {finding["group"] for finding in findings} == set(GROUPS)
    for finding in findings:
        assert list(finding) == FIELDS
        assert finding["id"].startswith(f"host.{finding['group']}.")
        assert all(isinstance(text, str) and "\n" not in text for text in finding.values())
        assert finding["wanted"] and finding["why"] and finding["reference"]
        assert finding["reason"] or finding["status"] != "N/A", finding
    order = [STATUSES.index(finding["status"]) for finding in findings]
    assert order == sorted(order), "worst first"
    assert sum(report["counts"].values()) == len(findings)
    metrics = report["metrics"]
    assert all(isinstance(value, (int, float)) for value in metrics.values())
    assert metrics["host.memory.gbps"] > 0 and metrics["host.rt.class"] == 0
    assert {finding["id"] + ".level" for finding in findings} <= set(metrics)


def test_the_table_has_a_line_for_each_finding_and_ends_with_the_class(hil):
    done = hil("host", "--floor", "0", "time", "usb")
    *lines, last = done.stdout.splitlines()
    assert done.returncode in (0, 1) and done.stderr == ""
    assert lines
    for line in lines:
        assert re.match(r"(FAIL|WARN|N/A |INFO|PASS)  host\.(time|usb)\.\w+ ", line), line
    assert last.startswith("class desktop ")


def test_every_command_it_advises_is_one_for_a_shell(hil):
    """Only looked at, by a shell that does not run it."""
    for finding in examined(hil("host", "--json", "--floor", "0"))["findings"]:
        done = subprocess.run(["bash", "-n", "-c", finding["fix"]], capture_output=True, text=True)
        assert done.returncode == 0, finding["fix"] + done.stderr


def test_wake_ups_are_measured_and_too_few_give_no_p9999(hil):
    report = examined(hil("host", "rt", "--json", "--floor", "1s", "--no-rt-tests"))
    metrics = report["metrics"]
    if "host.rt.max_us" not in metrics:
        pytest.skip("no core may be measured here")
    assert metrics["host.rt.samples"] == 4000  # 1 s of 250 us
    assert metrics["host.rt.p50_us"] <= metrics["host.rt.p99_us"] <= metrics["host.rt.max_us"]
    assert "host.rt.p9999_us" not in metrics and report["class"] == "desktop"


def test_memory_is_compared_with_the_streams(hil):
    arguments = ["host", "memory", "--json", "--shape", "240x240", "--rate", "2067Hz"]
    metrics = examined(hil(*arguments))["metrics"]
    stream = 240 * 240 * 2 * 2067
    assert metrics["host.memory.stream_ratio"] == pytest.approx(
        metrics["host.memory.gbps"] * 1e9 / stream)
    done = hil("host", "memory", "--json", "--stream-rate", "1000000GB/s")
    assert done.returncode == 1 and "FAIL" in done.stdout


def test_a_class_that_is_not_reached_fails(hil):
    done = hil("host", "rt", "--json", "--floor", "0", "--claim", "summit")
    report = json.loads(done.stdout)
    claim, = [f for f in report["findings"] if f["id"] == "host.rt.class"]
    assert done.returncode == 1 and claim["status"] == "FAIL" and claim["wanted"] == "summit"


def test_programs_that_are_absent_or_mad_do_no_harm(hil, tmp_path, monkeypatch):
    """A cyclictest that prints garbage, an oslat that never ends its line."""
    for name, text in [("cyclictest", "echo '{\"thread\": {\"0\": {}}}' >&3; echo T: 0 garbage"),
                       ("oslat", "head -c 9000000 /dev/zero; exit 3")]:
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    report = examined(hil("host", "rt", "--json", "--floor", "100ms"))
    found = {f["id"]: f for f in report["findings"]}
    for name in ("cyclictest", "oslat"):
        finding = found[f"host.rt.{name}"]
        assert finding["status"] == "N/A" and name in finding["reason"], finding


def test_the_disk_probe_leaves_nothing(hil, tmp_path):
    folder = tmp_path / "recordings"
    folder.mkdir()
    process = program.start(HIL, "host", "disk", "--record", folder, cwd=tmp_path)
    try:
        wait_for(lambda: process.poll() is not None or writes_below(folder, process.pid), "a file")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("arguments", [
    ["nonsense"], ["--floor", "10"], ["--floor", "-1s"], ["--floor"], ["--stream-rate", "fast"],
    ["--stream-rate", "-1"], ["--rate", "2067"], ["--shape", "240x"], ["--shape", "0x1"],
    ["--type", "u12"], ["--depth", "0"], ["--cores", "a"], ["--cores", ""], ["--claim", "best"],
    ["--usb", "12:34"], ["--allow-irq", "-1"], ["--record", "/no/such/folder"], ["--nonsense"],
], ids=" ".join)
def test_a_wrong_argument_is_refused(hil, arguments):
    done = hil("host", *arguments)
    assert done.returncode == 2 and done.stdout == "" and done.stderr.strip()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_ctrl_c_ends_it_with_what_was_found(tmp_path, number):
    process = program.start(HIL, "host", "rt", "--json", "--floor", "1h", cwd=tmp_path)
    try:
        # It measures as soon as it has more than one thread.
        tasks = f"/proc/{process.pid}/task"
        wait_for(lambda: len(os.listdir(tasks)) > 1, "threads that measure")
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert process.returncode == 130 and err == ""
    report = json.loads(out)
    assert report["end"] == "stopped"
    assert any(f["reason"] == "stopped" for f in report["findings"])


def test_ctrl_c_ends_the_programs_that_it_started(tmp_path, monkeypatch):
    started = tmp_path / "started"
    (tmp_path / "cyclictest").write_text(f"#!/bin/sh\necho > {started}\nexec sleep 600\n")
    (tmp_path / "cyclictest").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    process = program.start(HIL, "host", "rt", "--floor", "100ms", cwd=tmp_path)
    try:
        wait_for(started.exists, "the program", PATIENCE)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert process.returncode == 130
    wait_for(lambda: not program.our_processes(), "the end of the program")
