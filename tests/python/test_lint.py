"""`hil lint`: whatever is wrong with a file is said in lines `file:line: key: ...`, all of it, once,
and quickly. Exit status 2 with a problem, 0 without."""

import json
import re

import pytest

import inputs
import program
from inputs import BENCH, line_of

# Every part of the format that a mistake can be made in. Clean as it stands.
VALID = """\
apiVersion: hil/v1
kind: Scenario
id: lag.lint
title: All kinds of keys
group: lag
severity: mandatory
requirements: [T0]
requires: {features: [wfs], host_class: any, cores: 1}
modes: [sim]
seed: 7
timeouts: {setup: 10s, run: 60s, teardown: 5s}
attempts: {max: 3, on: [ERROR, INCONCLUSIVE]}
matrix:
  N: [8, 16]
  rho: [0.5, 1.5]
  exclude: [{N: 8, rho: 0.5}]
sources:
  - role: wfs
    rate: 500Hz
    pacing: {on_late: skip}
    frame_id: {start: 5, bits: 32}
fifos:
  - name: wfs
    from: wfs
    depth: "${N}"
    perms: "0660"
readers:
  - name: slow
    fifo: wfs
    process: separate
    mode: next
    wait: true
    waiting: hybrid
    copy: zero
    hold: 20us
    on_overwrite: continue
    start: {at: 1ms}
    cpu: {affinity: [0]}
    lag:
      - {kind: constant, rho: "${rho}", phase: 0.25}
      - {kind: periodic, every: 50frames, stall: 20ms, phase: fixed}
      - {kind: burst, reads: 4, idle: 3ms}
      - {kind: gc, rate: 1Hz, median: 8ms, sigma: 0.8, cap: 20ms}
      - {kind: hog, cpus: [0], duty: 10%, for: 1ms, every: 1s}
      - {kind: sigstop, at: 100ms, for: 10ms}
  - {name: past, fifo: wfs, mode: history, history: {n: 2}}
faults:
  - {target: wfs, kind: drop, at: {frames: [10, 11]}}
  - {target: wfs, kind: corrupt, p: 1e-3, bits: 3}
  - {target: wfs, kind: jitter, at: 100ms, for: 10ms, max: 200us}
  - {target: wfs, kind: rate_step, at: 200ms, to: 400Hz}
  - {target: writer, kind: crash, at: {frame: 40}, point: after_index, for: 5ms}
  - {target: fifo, kind: chmod, at: 300ms, mode: "0000"}
  - {target: clock, kind: step, at: 300ms, by: -2s}
  - {target: host, kind: cpu_load, at: 300ms, for: 5ms, level: 10%}
  - {target: past, kind: sigkill, at: 310ms, for: 5ms}
frames: 300
warmup: {frames: 20}
expect:
  - {id: conservation, metric: fifo.wfs.slow.identity, equals: true, tier: A}
  - {id: lost, metric: fifo.wfs.slow.lost, predicted: lost, slack: 2}
  - {id: age, metric: fifo.wfs.slow.age.max, max: 64ms, marginal_max: 60ms, timing: true}
  - {id: rate, metric: source.wfs.rate, within: 100ppm, of: 500Hz}
  - {id: few, metric: fifo.wfs.slow.backlog, in: [0, 1, 2]}
  - {id: model, metric: source.wfs.model, regex: "^s"}
"""

# A text, what replaces it, and words of the complaint.
MUTATIONS = [
    # keys of every map
    ("apiVersion: hil/v1", "apiVersoin: hil/v1", ["'apiVersoin'", "did you mean 'apiVersion'"]),
    ("kind: Scenario", "knid: Scenario", ["'knid'", "did you mean 'kind'"]),
    ("\nid: lag.lint", "\ndi: lag.lint", ["unknown key 'di'", "did you mean 'id'"]),
    ("title: All", "tilte: All", ["'tilte'", "did you mean 'title'"]),
    ("group: lag", "gruop: lag", ["'gruop'", "did you mean 'group'"]),
    ("severity: m", "serverity: m", ["'serverity'", "'severity'"]),
    ("requirements:", "requirments:", ["'requirments'", "'requirements'"]),
    ("requires:", "requiers:", ["'requiers'", "'requires'"]),
    ("{features: [wfs]", "{feature: [wfs]", ["requires", "'feature'", "'features'"]),
    ("host_class: any", "hostclass: any", ["requires", "'hostclass'", "'host_class'"]),
    ("modes: [sim]", "mods: [sim]", ["'mods'", "'modes'"]),
    ("seed: 7", "sede: 7", ["'sede'", "'seed'"]),
    ("{setup: 10s", "{setpu: 10s", ["timeouts", "'setpu'", "'setup'"]),
    ("{max: 3", "{maxx: 3", ["attempts", "'maxx'", "'max'"]),
    ("    rate: 500Hz", "    rat: 500Hz", ["source 'wfs'", "'rat'", "'rate'"]),
    ("{on_late: skip}", "{onlate: skip}", ["pacing", "'onlate'", "'on_late'"]),
    ("start: 5, bits", "begin: 5, bits", ["frame_id", "'begin'", "allowed: start, bits"]),
    ("    from: wfs", "    form: wfs", ["fifo 'wfs'", "'form'", "'from'"]),
    ("    depth: ", "    dept: ", ["fifo 'wfs'", "'dept'", "'depth'"]),
    ("    perms: ", "    prems: ", ["fifo 'wfs'", "'prems'", "'perms'"]),
    ("    fifo: wfs\n    process", "    fiof: wfs\n    process", ["'slow'", "'fiof'", "'fifo'"]),
    ("    waiting: hy", "    wiating: hy", ["reader 'slow'", "'wiating'", "'waiting'"]),
    ("    hold: 20us", "    hodl: 20us", ["reader 'slow'", "'hodl'", "'hold'"]),
    ("    start: {at", "    strat: {at", ["reader 'slow'", "'strat'", "'start'"]),
    ("start: {at: 1ms}", "start: {att: 1ms}", ["'slow': start", "'att'", "'at'"]),
    ("{affinity: [0]}", "{afinity: [0]}", ["'slow': cpu", "'afinity'", "'affinity'"]),
    ("phase: 0.25", "phaes: 0.25", ["lag[0]", "'phaes'", "'phase'"]),
    ("stall: 20ms", "stal: 20ms", ["lag[1]", "'stal'", "'stall'"]),
    ("reads: 4", "raeds: 4", ["lag[2]", "'raeds'", "'reads'"]),
    ("median: 8ms", "medain: 8ms", ["lag[3]", "'medain'", "'median'"]),
    ("duty: 10%", "dutty: 10%", ["lag[4]", "'dutty'", "'duty'"]),
    ("sigstop, at: 100ms", "sigstop, aat: 100ms", ["lag[5]", "'aat'", "'at'"]),
    ("bits: 3}\n  - {target: wfs, kind: j", "bit: 3}\n  - {target: wfs, kind: j",
     ["faults[1]", "'bit'", "'bits'"]),
    ("point: after_index", "pont: after_index", ["faults[4]", "'pont'", "'point'"]),
    ("level: 10%", "leval: 10%", ["faults[7]", "'leval'", "'level'"]),
    ("warmup: {frames", "warmup: {frame", ["warmup", "'frame'", "'frames'"]),
    ("equals: true", "eqals: true", ["expect 'conservation'", "'eqals'", "'equals'"]),
    ("slack: 2", "slak: 2", ["expect 'lost'", "'slak'", "'slack'"]),
    ("timing: true", "timming: true", ["expect 'age'", "'timming'", "'timing'"]),
    # words
    ("apiVersion: hil/v1", "apiVersion: hil/v2", ["'hil/v2'", "hil/v1"]),
    ("kind: Scenario", "kind: Scenarios", ["'Scenarios'", "Scenario"]),
    ("group: lag", "group: lags", ["'lags'", "did you mean 'lag'"]),
    ("severity: mandatory", "severity: mandatroy", ["'mandatroy'", "'mandatory'"]),
    ("host_class: any", "host_class: desktpo", ["host_class", "'desktpo'", "'desktop'"]),
    ("modes: [sim]", "modes: [smi]", ["modes[0]", "'smi'", "'sim'"]),
    ("[ERROR, INC", "[EROR, INC", ["attempts: on[0]", "'EROR'", "'ERROR'"]),
    ("[ERROR, INC", "[FAIL, INC", ["attempts: on[0]", "FAIL is never retried"]),
    ("on_late: skip", "on_late: skp", ["on_late", "'skp'", "'skip'"]),
    ("process: separate", "process: seperate", ["process", "'seperate'", "separate"]),
    ("mode: next", "mode: nxet", ["mode", "'nxet'", "'next'"]),
    ("waiting: hybrid", "waiting: hibrid", ["waiting", "'hibrid'", "'hybrid'"]),
    ("copy: zero", "copy: zreo", ["copy", "'zreo'", "'zero'"]),
    ("on_overwrite: continue", "on_overwrite: contniue", ["'contniue'", "'continue'"]),
    ("kind: constant", "kind: constnat", ["lag[0]: kind", "'constnat'", "'constant'"]),
    ("phase: fixed", "phase: fixd", ["lag[1]: phase", "'fixd'", "'fixed'"]),
    ("kind: drop", "kind: dorp", ["faults[0]: kind", "'dorp'", "'drop'"]),
    ("after_index", "after_indx", ["point", "'after_indx'", "'after_index'"]),
    ("kind: chmod", "kind: chmd", ["kind", "'chmd'", "'chmod'"]),
    ("kind: step", "kind: stpe", ["kind", "'stpe'", "'step'"]),
    ("kind: cpu_load", "kind: cpuload", ["kind", "'cpuload'", "'cpu_load'"]),
    ("tier: A", "tier: D", ["tier", "'D'", "A, B, C"]),
    # values
    ("seed: 7", "seed: -7", ["seed", "'-7'"]),
    ("seed: 7", "seed: 7.5", ["seed", "'7.5'"]),
    ("cores: 1", "cores: 0", ["cores", "0 is outside 1 to 4096"]),
    ("setup: 10s", "setup: 10", ["setup", "'10'", "add a unit"]),
    ("run: 60s", "run: 0s", ["run", "longer than nothing"]),
    ("{max: 3", "{max: 101", ["max", "101 is outside 1 to 100"]),
    ("{max: 3", "{max: many", ["max", "'many'"]),
    ("rate: 500Hz\n", "rate: 500\n", ["rate", "'500'", "add a unit"]),
    ("rate: 500Hz\n", "rate: 0Hz\n", ["rate", "'0Hz'"]),
    ("rate: 500Hz\n", "rate: [500Hz]\n", ["rate", "a list"]),
    ("bits: 32", "bits: 65", ["bits", "65 is outside 8 to 64"]),
    ("start: 5, b", "start: 5s, b", ["frame_id: start", "'5s'"]),
    ('perms: "0660"', "perms: 0660", ["perms", "'0660'", "quoted"]),
    ('perms: "0660"', 'perms: "0990"', ["perms", "'0990'"]),
    ("wait: true", "wait: yes", ["wait", "'yes'", "true or false"]),
    ("hold: 20us", "hold: 20 us", ["hold", "'20 us'"]),
    ("hold: 20us", "hold: -20us", ["hold", "'-20us'"]),
    ("affinity: [0]", "affinity: [-1]", ["affinity[0]", "'-1'"]),
    ("affinity: [0]", "affinity: []", ["affinity", "no core"]),
    ("every: 50frames", "every: 50", ["every", "'50'", "frames"]),
    ("every: 50frames", "every: 0frames", ["every", "at least 1frame"]),
    ("rate: 1Hz", "rate: 1s", ["lag[3]: rate", "'1s'"]),
    ("sigma: 0.8", "sigma: 8", ["sigma", "at most 5"]),
    ("cap: 20ms", "cap: 2ms", ["cap", "shorter than the median"]),
    ("duty: 10%", "duty: 110%", ["duty"]),
    ("{n: 2}", "{n: two}", ["history: n", "'two'"]),
    ("[10, 11]", "[10, x]", ["frames[1]", "'x'"]),
    ("p: 1e-3", "p: 2", ["faults[1]: p", "'2'", "probability"]),
    ("max: 200us", "max: fast", ["faults[2]: max", "'fast'"]),
    ("to: 400Hz", "to: 400", ["faults[3]: to", "'400'"]),
    ("at: {frame: 40}", "at: 40ms", ["faults[4]: at", "strikes in a frame"]),
    ('mode: "0000"', 'mode: "0008"', ["faults[5]: mode", "'0008'"]),
    ("by: -2s", "by: back", ["faults[6]: by", "'back'"]),
    ("\nframes: 300\n", "\nframes: 3s\n", ["frames", "'3s'"]),
    ("\nframes: 300\n", "\nframes: 0\n", ["frames", "0 is outside"]),
    ("warmup: {frames: 20}", "warmup: {frames: 301}", ["warmup", "301 is outside 0 to 300"]),
    ("equals: true", "equals: 1", ["equals", "'1'", "true or false"]),
    ("slack: 2", "slack: lots", ["slack", "'lots'"]),
    (" max: 64ms", " max: 64", ["expect 'age': max", "'64'", "add a unit"]),
    ("marginal_max: 60ms", "marginal_max: 70ms", ["marginal_max", "outside the limit"]),
    ("of: 500Hz", "of: 500", ["expect 'rate': of", "'500'"]),
    ("in: [0, 1, 2]", "in: [0, one]", ["in[1]", "'one'"]),
    ("in: [0, 1, 2]", "in: []", ["in", "nothing would do"]),
    ('regex: "^s"', 'regex: "["', ["regex"]),
    # references
    ("- role: wfs", "- role: wsf", ["role", "'wsf'", "'wfs'"]),
    ("    from: wfs", "    from: dm", ["from", "'dm'", "'wfs'"]),
    ("    fifo: wfs\n    process", "    fifo: dm\n    process", ["fifo", "'dm'", "'wfs'"]),
    ("target: past", "target: pats", ["target", "'pats'", "'past'"]),
    ("slow.identity", "slow.identiy", ["metric", "'fifo.wfs.slow.identity'"]),
    ("wfs.slow.lost", "wfs.fast.lost", ["metric", "'fifo.wfs.fast.lost'"]),
    ("source.wfs.rate", "source.dm.rate", ["metric", "'source.wfs.rate'"]),
    ("predicted: lost", "predicted: losses", ["predicted", "'losses'", "'lost'"]),
    ("predicted: lost", "predicted: lossless", ["lossless predicts", "a count"]),
    ('"${rho}"', '"${rhi}-${rho}"', ["'rhi'", "did you mean 'rho'"]),
    ('"${N}"', '"${N}${N"', ["without '}'"]),
    ("exclude: [{N: 8,", "exclude: [{M: 8,", ["exclude[0]", "'M'", "allowed: N, rho"]),
    ("exclude: [{N: 8,", "exclude: [{N: 9,", ["exclude[0]", "'9'", "'N'"]),
    ("  rho: [0.5, 1.5]", "  rho: [0.5, 0.5]", ["matrix: rho[1]", "twice"]),
    ("  N: [8, 16]", "  N: []", ["matrix: N", "empty"]),
    ("{id: few", "{id: age", ["id 'age'", "already"]),
    # what does not go together
    ("copy: zero", "copy: copy", ["hold", "copy: zero"]),
    ("    wait: true", "    wait: false", ["waiting", "a reader that waits"]),
    ("\nframes: 300\n", "\nframes: 300\nduration: 1s\n", ["exactly one of frames and duration"]),
    ("stall: 20ms,", "stall: 20ms, rho: 2,", ["lag[1]", "exactly one of stall"]),
    ("phase: 0.25}", "phase: 0.25, delay: 1ms}", ["lag[0]", "exactly one of rho"]),
    ("p: 1e-3", "p: 1e-3, every: 5frames", ["faults[1]", "exactly one of at"]),
    ("equals: true", "equals: true, not_equals: false", ["second operator"]),
    ("timing: true", "slack: 1ms", ["slack", "belongs to predicted"]),
    ("\nframes: 300\n", "\nframes: 300\nuntil: [x]\n", ["`until`", "not run it yet"]),
    # what is not there
    ("title: All kinds of keys\n", "", ["'title' is missing"]),
    ("modes: [sim]\n", "", ["'modes' is missing"]),
    ("{name: past, ", "{", ["'name' is missing"]),
    ("history: {n: 2}", "copy: copy", ["'history' is missing"]),
    ("kind: sigstop, at: 100ms", "kind: sigstop", ["lag[5]", "'at' is missing"]),
    ("point: after_index, ", "", ["faults[4]", "'point' is missing"]),
    ("equals: true, ", "", ["claims nothing"]),
    # YAML
    ("  - role: wfs", "\t- role: wfs", ["not valid YAML", "tab"]),
    ("{setup: 10s", "{setup: [10s", ["not valid YAML"]),
    ('"0660"', '"0660', ["not valid YAML"]),
    ("seed: 7", "seed: 7\nseed: 8", ["'seed'", "already in line 10"]),
    ("seed: 7", "seed: &s 7", ["anchors"]),
    ("seed: 7", "seed: !!int 7", ["tag"]),
    ("seed: 7", "seed: {a: [1}", ["not valid YAML"]),
    ("seed: 7", "---\nseed: 7", ["second YAML document"]),
    ("seed: 7", "? [a]\n: 7", ["keys are plain words"]),
]

# Mistakes that are several.
MORE = [
    ("modes: [sim]", "modes: [virtual, sim]", ["real time only"]),
    ("{name: past", "{name: slow", ["'slow' already", "unique"]),
    ("matrix:\n", "matrix: [\n", ["not valid YAML"]),
    ("readers:\n", "raeders:\n", ["'raeders'", "'readers'"]),
]


def lint(hil, *arguments, status):
    done = hil("lint", *arguments, timeout=20)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout.splitlines()


def place(file, line):
    """The line number of `file:line: ...`."""
    match = re.match(re.escape(str(file)) + r":(\d+): \S", line)
    assert match, line
    return int(match[1])


@pytest.fixture
def bench(tmp_path):
    return inputs.write(tmp_path / "benches", "default.yaml", BENCH)


def mutated(folder, old, new):
    assert VALID.count(old) == 1, old
    text = VALID.replace(old, new)
    return inputs.write(folder, "x.yaml", text), text


def test_the_valid_file_is_clean(hil, tmp_path, bench):
    assert lint(hil, inputs.write(tmp_path, "x.yaml", VALID), bench, status=0) == []


def test_there_are_more_than_a_hundred_mistakes():
    assert len({new for _, new, _ in MUTATIONS}) >= 100


@pytest.mark.parametrize("old, new, words", MUTATIONS,
                         ids=[f"{i}-{new.strip()[:30]}" for i, (_, new, _) in enumerate(MUTATIONS)])
def test_one_mistake_is_one_line(hil, tmp_path, bench, old, new, words):
    """It says file, line and key; what follows from it is not complained of."""
    file, text = mutated(tmp_path, old, new)
    lines = lint(hil, file, status=2)
    assert len(lines) == 1, lines
    assert all(word in lines[0] for word in words), lines
    assert 1 <= place(file, lines[0]) <= text.count("\n") + 1


@pytest.mark.parametrize("old, new, words", MORE, ids=[new for _, new, _ in MORE])
def test_a_mistake_with_consequences(hil, tmp_path, bench, old, new, words):
    file, _ = mutated(tmp_path, old, new)
    lines = lint(hil, file, status=2)
    assert any(all(word in line for word in words) for line in lines), lines
    for line in lines:
        place(file, line)


def test_all_mistakes_are_named_at_once(hil, tmp_path, bench):
    """One from each part of the file, at their lines and in their order."""
    changes = [("group: lag", "group: lags"), ("run: 60s", "run: 60"),
               ("rate: 500Hz\n", "rate: 5\n"), ('perms: "0660"', "perms: 0660"),
               ("mode: next", "mode: nxet"), ("reads: 4", "reads: four"),
               ("kind: drop", "kind: dorp"), ("by: -2s", "by: back"),
               ("slow.identity", "slow.identiy"), ("predicted: lost", "predicted: losses"),
               ("of: 500Hz", "of: 500")]
    text = inputs.edited(VALID, *changes)
    file = inputs.write(tmp_path, "x.yaml", text)
    found = [place(file, line) for line in lint(hil, file, status=2)]
    assert found == [line_of(text, new) for _, new in changes]
    # `hil run` says the same, and runs nothing.
    done = hil("run", file, "--out", "out")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == len(changes)
    assert not (tmp_path / "out").exists()


def test_json_has_what_could_stand_there(hil, tmp_path, bench):
    text = inputs.edited(VALID, ("mode: next", "mode: nxet"), ("    hold:", "    hodl:"))
    file = inputs.write(tmp_path, "x.yaml", text)
    done = hil("lint", file, "--json")
    assert done.returncode == 2
    report = json.loads(done.stdout)
    assert report["files"] == 1
    mode, hold = report["problems"]
    assert mode["file"] == str(file) and mode["line"] == line_of(text, "mode: nxet")
    assert mode["column"] == len("    mode: ") + 1
    assert mode["key"] == "reader 'slow': mode" and mode["value"] == "nxet"
    assert mode["allowed"] == ["next", "newest", "arbitrary", "mixed", "history"]
    assert mode["nearest"] == "next" and "'nxet'" in mode["message"]
    assert hold["line"] == line_of(text, "hodl") and hold["column"] == 5
    assert hold["value"] == "hodl" and hold["nearest"] == "hold" and "poll" in hold["allowed"]


def test_benches_are_checked_too(hil, tmp_path):
    bench = inputs.bench(tmp_path, ("driver: stamped", "driver: stampd"), ("rate: 1kHz", "rate: 1"))
    lines = lint(hil, bench, status=2)
    assert [place(bench, line) for line in lines] == [6, 6]
    assert "did you mean 'stamped'" in lines[0] and "add a unit" in lines[1]


def test_a_folder_is_searched_below(hil, tmp_path, bench):
    inputs.write(tmp_path / "suite", "good.yaml", VALID)
    bad = inputs.write(tmp_path / "suite" / "more", "bad.yaml",
                       VALID.replace("group: lag", "group: lags"))
    lines = lint(hil, tmp_path / "suite", "--bench", bench, status=2)
    assert [place(bad, line) for line in lines] == [5]


def test_what_is_shipped_is_clean(hil):
    assert lint(hil, program.SCENARIOS, status=0) == []


def test_without_a_bench_that_of_the_program_is_taken(hil, tmp_path):
    assert lint(hil, inputs.write(tmp_path, "x.yaml", VALID), status=0) == []


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi"))

HOSTILE = {
    "empty": b"",
    "blank": b"   \n\n",
    "a word": b"scenario\n",
    "a list": b"- a\n- b\n",
    "null": b"~\n",
    "bytes": bytes(range(256)) * 100,
    "zero bytes": VALID.encode() + b"\0" * 10,
    "latin-1": "title: \u00e9\n".encode("latin-1"),
    "utf-16": VALID.encode("utf-16"),
    "utf-32": VALID.encode("utf-32"),
    "cut in a character": "title: \u00e9".encode()[:-1],
    "a program": b"\x7fELF" + b"\0" * 100,
    "only brackets": b"[" * 500_000,
    "only braces": b"{" * 500_000,
    "deep list": b"a: " + b"[" * 5000 + b"]" * 5000,
    "deep map": b"{a: " * 200_000,
    "deep lines": b"".join(b" " * i + b"a:\n" for i in range(1000)),
    "deep dashes": b"- " * 300_000 + b"x",
    "deep questions": b"? " * 300_000 + b"x",
    "anchor bomb": BOMB.encode(),
    "anchor to itself": b"a: &a [*a]\n",
    "merge key": b"a: &a {b: 1}\nc: {<<: *a}\n",
    "unknown alias": b"a: *b\n",
    "many keys": b"".join(b"k%d: 1\n" % i for i in range(90_000)),
    "quote without end": b'title: "' + b"x" * 100_000,
    "two documents": VALID.encode() + b"---\n" + VALID.encode(),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_file_is_one_located_line(hil, tmp_path, content):
    file = tmp_path / "x.yaml"
    file.write_bytes(content)
    lines = lint(hil, file, status=2)
    assert len(lines) == 1, lines
    place(file, lines[0])
    assert len(lines[0]) < 1000


def test_100_mb_are_not_read(hil, tmp_path):
    file = tmp_path / "x.yaml"
    with file.open("wb") as out:
        out.truncate(100_000_000)
    lines = lint(hil, file, status=2)
    assert len(lines) == 1 and "1 MiB" in lines[0]


@pytest.mark.parametrize("name", ["gone.yaml", "/dev/zero", "."])
def test_what_is_no_file_is_one_line(hil, name):
    lines = lint(hil, name, status=2)
    assert len(lines) == 1
    place(name, lines[0])
