"""Scenarios that look at the host: their verdicts, their place in a run, what they mean for it."""

import json
import os

import inputs
import program
from evidence import judged

HOST = """\
apiVersion: hil/v1
kind: Scenario
id: host.test
title: The host copies memory
group: host
modes: [sim]
checks: [memory]
expect:
  - {id: bandwidth, metric: host.memory.stream_ratio, min: 0.001}
"""

# No host does that: 10^18 times what the camera sends.
HOPELESS = ("min: 0.001", "min: 1e18")


def run(hil, tmp_path, *files, **options):
    done = hil("run", *files, "--bench", inputs.bench(tmp_path), "--out", "out", **options)
    return judged(done, tmp_path / "out")


def test_a_host_that_holds_passes_and_leaves_evidence(hil, tmp_path):
    evidence = run(hil, tmp_path, inputs.write(tmp_path, "host.yaml", HOST))
    case = evidence.only_case()
    assert case["verdict"] == "PASS" and case["group"] == "host" and "source" not in case
    assert case["metrics"]["host.memory.stream_ratio"] > 0.001
    facts = json.loads((tmp_path / "out" / "host.json").read_text())
    assert facts["class"] == "desktop (not measured)"


def test_it_can_be_run_again_from_its_evidence(hil, tmp_path):
    run(hil, tmp_path, inputs.write(tmp_path, "host.yaml", HOST))
    done = hil("rerun", "out", "--out", "again")
    assert done.returncode == 0, done.stderr
    assert judged(done, tmp_path / "again").only_case()["verdict"] == "PASS"


def test_in_virtual_time_there_is_no_host(hil, tmp_path):
    done = hil("run", inputs.write(tmp_path, "host.yaml", HOST), "--bench", inputs.bench(tmp_path),
               "--mode", "virtual", "--out", "out")
    assert done.returncode == 0
    assert judged(done, tmp_path / "out").only_case()["verdict"] == "SKIP"


def test_a_host_that_fails_comes_first_and_spoils_timing_alone(hil, tmp_path):
    """The lines of identities are judged as ever; the one about time is not believed."""
    host = inputs.write(tmp_path, "z.yaml", inputs.edited(HOST, HOPELESS))
    timing = "  - {id: soon, metric: fifo.wfs.slow.age.max, max: 1ns, timing: true}\n"
    exact = "  - {id: none, metric: fifo.wfs.slow.delivered, equals: 0}\n"
    text = inputs.SCENARIO[:inputs.SCENARIO.index("expect:")] + "expect:\n"
    late = inputs.write(tmp_path, "a.yaml", text + timing)
    wrong = inputs.write(tmp_path, "b.yaml",
                         text.replace("lag.test", "lag.wrong") + timing + exact)
    evidence = run(hil, tmp_path, late, wrong, host)
    cases = {case["scenario"]: case for case in evidence.run["cases"]}
    assert list(cases) == ["host.test", "lag.test", "lag.wrong"]
    assert cases["host.test"]["verdict"] == "FAIL"
    assert cases["lag.test"]["verdict"] == "INCONCLUSIVE"
    # Either the host paused in it, or the gate says why.
    why = cases["lag.test"]["why"]
    assert "host.test FAIL" in why or "held the actors up" in why or cases["lag.test"]["health"]
    assert cases["lag.wrong"]["verdict"] == "FAIL" and "delivered" in cases["lag.wrong"]["why"]
    assert evidence.run["exit_code"] == 1


def test_a_tool_that_is_not_installed_is_a_skip_with_the_way_out(tmp_path):
    text = inputs.edited(HOST, ("[memory]", "[rt]\nduration: 100ms"),
                         ("host.memory.stream_ratio, min: 0.001",
                          "host.rt.cyclictest.max_us, max: 1e9"))
    bare = tmp_path / "bare"  # of a $PATH; sbin is looked at anyway
    bare.mkdir()
    if any(os.access(f"{folder}/cyclictest", os.X_OK) for folder in ("/usr/sbin", "/sbin")):
        import pytest
        pytest.skip("cyclictest is in sbin, which is looked at whatever PATH says")
    file = inputs.write(tmp_path, "host.yaml", text)
    done = program.run("/usr/bin/env", f"PATH={bare}", program.HIL, "run", file, "--bench",
                       inputs.bench(tmp_path), "--out", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    case = judged(done, tmp_path / "out").only_case()
    assert case["verdict"] == "SKIP" and "apt install rt-tests" in case["why"]


def test_the_shipped_ones_are_a_group(hil):
    done = hil("list", "host", "--json")
    assert {s["id"] for s in json.loads(done.stdout)} == {"host.rt", "host.tuning", "host.memory",
                                                          "host.usb"}
