"""What is wrong is said in one line that names the file, the value and the way out, and nothing
is run. Exit status 2: the files are wrong; 4: the device or recording is."""

import os
import re
from io import BytesIO

import numpy
import pytest

import inputs
from evidence import judged
from inputs import BENCH, REPLAY, REPLAY_BENCH, SCENARIO, line_of

VERBS = ["run", "plan"]


def complaint(done, status):
    """The one line of a refused command."""
    assert done.returncode == status, done.stdout + done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("hil: ")
    assert done.stderr.endswith("\n") and done.stderr.count("\n") == 1, done.stderr
    return done.stderr[len("hil: "):-1]


def refused(hil, tmp_path, verb, status, *arguments):
    before = set(tmp_path.rglob("*"))
    out = ["--out", "out"] if verb == "run" else []
    text = complaint(hil(verb, *arguments, "--mode", "virtual", *out, timeout=30), status)
    assert set(tmp_path.rglob("*")) == before
    return text


# -------------------------------------------------------------------------------------- scenarios

WRONG_SCENARIOS = {
    "unclosed bracket": ("- {role: wfs}", "- {role: wfs", None, ["YAML"]),
    "tab": ("    fifo: wfs", "\tfifo: wfs", None, ["YAML"]),
    "stray text": ("readers:", "readers: [", None, ["YAML"]),
    "variable without quotes": ("depth: 8", "depth: ${N}", None, ["YAML", '"${N}"']),
    "unknown key": ("depth: 8", "dept: 8", "dept: 8", ["'dept'", "did you mean 'depth'"]),
    "swapped letters": ("    mode: next", "    mdoe: next", "mdoe", ["'mdoe'", "'mode'"]),
    "unknown key at the top": ("frames: 600", "frmaes: 600", "frmaes", ["'frmaes'", "'frames'"]),
    "key twice": ("    mode: next", "    mode: next\n    mode: newest", "mode: newest", ["'mode'"]),
    "bare rate": ("{role: wfs}", "{role: wfs, rate: 2000}", "rate", ["'2000'", "rate", "kHz"]),
    "rate of nothing": ("{role: wfs}", "{role: wfs, rate: 0Hz}", "rate", ["'0Hz'"]),
    "rate in a time": ("{role: wfs}", "{role: wfs, rate: 3ms}", "rate", ["'3ms'", "Hz"]),
    "bare duration": ("frames: 600", "duration: 3", "duration", ["'3'", "ms"]),
    "frames and duration": ("frames: 600", "frames: 600\nduration: 1s", None, ["exactly one"]),
    "neither": ("frames: 600\n", "", None, ["frames", "duration"]),
    "depth in words": ("depth: 8", "depth: deep", "depth", ["depth", "'deep'"]),
    "depth 0": ("depth: 8", "depth: 0", "depth", ["depth", "0"]),
    "depth too large": ("depth: 8", "depth: 1000001", "depth", ["depth", "1000001"]),
    "negative frames": ("frames: 600", "frames: -3", "frames: -3", ["frames", "-3"]),
    "half a frame": ("frames: 600", "frames: 1.5", "frames: 1.5", ["frames", "1.5"]),
    "list for a map": ("{role: wfs}", "[wfs]", "[wfs]", ["list"]),
    "number for a list": ("modes: [virtual, sim]", "modes: 3", "modes", ["modes", "list"]),
    "yes for true": ("wait: true", "wait: yes", "wait", ["wait", "'yes'"]),
    "unknown mode": ("virtual, sim", "virtaul, sim", "virtaul", ["'virtaul'", "'virtual'"]),
    "unknown lag": ("constant", "konstant", "konstant", ["'konstant'", "'constant'"]),
    "negative rho": ("rho: 1.5", "rho: -1.5", "rho", ["rho", "-1.5"]),
    "unknown fifo": ("    fifo: wfs", "    fifo: wsf", "wsf", ["'wsf'", "'wfs'"]),
    "unknown metric": ("slow.content_bad", "slow.content_bat", "content_bat",
                       ["content_bat", "'fifo.wfs.slow.content_bad'"]),
    "unknown prediction": ("predicted: lost", "predicted: losses", "losses", ["'losses'", "lost"]),
    "nothing claimed": ("violations, equals: 0, tier: B}", "violations}", "id: oracle",
                        ["oracle", "equals"]),
    "nothing expected": (SCENARIO[SCENARIO.index("expect:"):], "expect: []\n", "expect",
                         ["expect", "empty"]),
    "undefined variable": ("depth: 8", 'depth: "${M}"', "depth", ["'M'", "matrix"]),
    "unused variable": ("frames: 600", "frames: 600\nmatrix: {N: [1, 2]}", "matrix", ["'N'"]),
    "not run yet": ("frames: 600", "frames: 600\nuntil: []", "until",
                    ["until", "not run it yet"]),
    "another version": ("hil/v1", "hil/v9", "hil/v9", ["'hil/v9'", "hil/v1"]),
    "another kind": ("kind: Scenario", "kind: Bench", "kind", ["'Bench'", "Scenario"]),
    "retry of a FAIL": ("frames: 600", "frames: 600\nattempts: {max: 2, on: [FAIL]}", "attempts",
                        ["FAIL"]),
    "anchor": ("depth: 8", "depth: &d 8", "depth", ["&"]),
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("old, new, place, words", WRONG_SCENARIOS.values(),
                         ids=WRONG_SCENARIOS.keys())
def test_a_wrong_scenario(hil, tmp_path, verb, old, new, place, words):
    file = inputs.scenario(tmp_path, (old, new))
    text = refused(hil, tmp_path, verb, 2, file, "--bench", inputs.bench(tmp_path))
    line = f"{line_of(file.read_text(), place)}:" if place else ""
    assert text.startswith(f"{file}:{line}"), text
    assert all(word in text for word in words), text


NOT_SCENARIOS = {
    "empty": (b"", "empty"),
    "comment only": (b"# nothing\n", "empty"),
    "a word": (b"scenario\n", "map"),
    "zero bytes": (SCENARIO.encode() + b"\0" * 10, "0x00"),
    "latin-1": (SCENARIO.replace("A slow", "Un lent\u00e9").encode("latin-1"), "0xe9"),
    "FITS": (inputs.fits_bytes(inputs.cube_of("u16"), "u16"), ""),
    "2 MiB": (b"#" * (2 << 20), "1 MiB"),
    "deep": (b"a: " + b"[" * 5000 + b"]" * 5000, "32"),
    "two documents": (SCENARIO.encode() + b"---\n" + SCENARIO.encode(), "second"),
}


@pytest.mark.parametrize("content, word", NOT_SCENARIOS.values(), ids=NOT_SCENARIOS.keys())
def test_a_file_that_is_no_scenario(hil, tmp_path, content, word):
    file = tmp_path / "scenario.yaml"
    file.write_bytes(content)
    text = refused(hil, tmp_path, "run", 2, file)
    assert text.startswith(f"{file}:") and word in text


@pytest.mark.parametrize("verb", [*VERBS, "list"])
def test_a_missing_scenario(hil, verb):
    assert complaint(hil(verb, "gone.yaml"), 2).startswith("gone.yaml:1: no such file")


def test_a_folder_without_scenarios(hil, tmp_path):
    inputs.write(tmp_path / "folder", "notes.txt", "nothing")
    text = refused(hil, tmp_path, "run", 2, "folder")
    assert text.startswith("folder:1:") and "*.yaml" in text


def test_a_named_pipe_is_not_waited_for(hil, tmp_path):
    os.mkfifo(tmp_path / "pipe.yaml")
    assert "not a regular file" in refused(hil, tmp_path, "run", 2, "pipe.yaml")


def test_one_wrong_scenario_among_good_ones_runs_none(hil, tmp_path):
    inputs.write(tmp_path / "folder", "a.yaml", SCENARIO)
    inputs.write(tmp_path / "folder", "b.yaml", SCENARIO)
    text = refused(hil, tmp_path, "run", 2, "folder", "--bench", inputs.bench(tmp_path))
    assert text.startswith("folder/b.yaml:") and "'lag.test'" in text and "folder/a.yaml" in text


# ---------------------------------------------------------------------------------------- benches

WRONG_BENCHES = {
    "role missing": ("  wfs: {", "  wsf: {", ["has no role 'wfs'", "'wsf'"]),
    "unknown driver": ("driver: stamped", "driver: stampd", ["'stampd'", "'stamped'"]),
    "unknown key": ("dtype: u16", "dtpye: u16", ["'dtpye'", "'dtype'"]),
    "bare rate": ("rate: 1kHz", "rate: 1000", ["'1000'", "kHz"]),
    "unknown type": ("dtype: u16", "dtype: u12", ["'u12'", "u16"]),
    "axis 0": ("[64, 64]", "[64, 0]", ["shape", "0"]),
    "too many axes": ("[64, 64]", "[4, 4, 4, 4]", ["shape", "4"]),
    "frame beyond all memory": ("[64, 64]", "[4294967295, 4294967295, 4294967295]", ["4294967295"]),
    "file of a camera without": ("rate: 1kHz", "rate: 1kHz, file: x.fits", ["stamped", "file"]),
    "not run yet": ("features:", "isolation: {}\nfeatures:", ["isolation"]),
    "kind": ("kind: Bench", "kind: Scenario", ["'Scenario'", "Bench"]),
    "not YAML": ("roles:", "roles: {", ["YAML"]),
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("old, new, words", WRONG_BENCHES.values(), ids=WRONG_BENCHES.keys())
def test_a_wrong_bench(hil, tmp_path, verb, old, new, words):
    bench = inputs.bench(tmp_path, (old, new))
    text = refused(hil, tmp_path, verb, 2, inputs.scenario(tmp_path), "--bench", bench)
    assert str(bench) in text and all(word in text for word in words), text


def test_a_missing_bench(hil, tmp_path):
    text = refused(hil, tmp_path, "run", 2, inputs.scenario(tmp_path), "--bench", "gone.yaml")
    assert text.startswith("gone.yaml:1: no such file")


def test_no_bench_at_all(hil, tmp_path):
    text = refused(hil, tmp_path, "run", 2, inputs.scenario(tmp_path))
    assert "benches/default.yaml" in text


def test_two_benches_of_one_name(hil, tmp_path):
    first = inputs.write(tmp_path / "a", "bench.yaml", BENCH)
    second = inputs.write(tmp_path / "b", "bench.yaml", BENCH)
    text = refused(hil, tmp_path, "run", 2, inputs.scenario(tmp_path), "--bench", first, "--bench",
                   second)
    assert "'small'" in text and str(first) in text and str(second) in text


@pytest.mark.parametrize("name", ["the-night-of-2026-11-23-after-the-wind-had-turned.fits", "."])
def test_a_recording_that_is_not_there(hil, tmp_path, name):
    bench = inputs.bench(tmp_path, ("FILE", name), text=REPLAY_BENCH)
    file = inputs.scenario(tmp_path, text=REPLAY)
    text = refused(hil, tmp_path, "run", 2, file, "--bench", bench)
    assert text.startswith(f"{bench}:6:") and str((tmp_path / name).resolve()) in text


@pytest.mark.parametrize("digest", ["00", "z" * 64, "A" * 64])
def test_a_sum_that_is_none(hil, tmp_path, digest):
    (tmp_path / "cube.fits").write_bytes(GOOD_FITS)
    bench = inputs.bench(tmp_path, ("FILE", f"cube.fits, sha256: {digest}"), text=REPLAY_BENCH)
    file = inputs.scenario(tmp_path, text=REPLAY)
    text = refused(hil, tmp_path, "run", 2, file, "--bench", bench)
    assert text.startswith(f"{bench}:6:") and digest[:60] in text


# ------------------------------------------------------------------------------------- recordings

CUBE = inputs.cube_of("u16")
GOOD_FITS = inputs.fits_bytes(CUBE, "u16")
LARGER_FITS = inputs.fits_bytes(inputs.cube_of("u16", (4, 100, 100)), "u16")


def npy_bytes(array, **options):
    out = BytesIO()
    numpy.save(out, array, **options)
    return out.getvalue()


def header_only(*cards):
    text = "".join(f"{card:<80}" for card in (*cards, "END"))
    return text.encode() + b" " * (-len(text) % 2880)


GOOD_NPY = npy_bytes(CUBE)

WRONG_RECORDINGS = {
    "no bytes": (b"", ""),
    "FITS cut at 1": (LARGER_FITS[:1], "neither FITS"),
    **{f"FITS cut at {n}": (LARGER_FITS[:n], str(n))
       for n in (79, 80, 2879, 2880, 2881, 40000, len(LARGER_FITS) - 2880)},
    "FITS without its last byte": (LARGER_FITS[:-1], str(len(LARGER_FITS) - 1)),
    "text": (b"These are not the pixels you are looking for.\n" * 100, "FITS"),
    "header of text": (b"SIMPLE  =                    T" + b"nonsense " * 1000, ""),
    "binary noise": (bytes(range(256)) * 50, "FITS"),
    "one axis": (inputs.fits_bytes(numpy.arange(9, dtype="<u2"), "u16"), "NAXIS"),
    "four axes": (inputs.fits_bytes(CUBE.reshape(2, 2, 3, 5), "u16"), "NAXIS"),
    "no image": (header_only("SIMPLE  =                    T", "BITPIX  =                   16",
                             "NAXIS   =                    0"), "image"),
    "axis 0": (header_only("SIMPLE  =                    T", "BITPIX  =                   16",
                           "NAXIS   =                    2", "NAXIS1  =                    0",
                           "NAXIS2  =                    5"), "NAXIS1"),
    "negative axis": (header_only("SIMPLE  =                    T",
                                  "BITPIX  =                   16",
                                  "NAXIS   =                    2",
                                  "NAXIS1  =                   -4",
                                  "NAXIS2  =                    5"), ""),
    "a header that lies": (header_only("SIMPLE  =                    T",
                                       "BITPIX  =                   16",
                                       "NAXIS   =                    3",
                                       "NAXIS1  =           2000000000",
                                       "NAXIS2  =           2000000000",
                                       "NAXIS3  =           2000000000"), ""),
    "scaled": (GOOD_FITS.replace(b"BSCALE  =                    1",
                                 b"BSCALE  =                  0.5"), "BSCALE"),
    "npy cut in its magic": (GOOD_NPY[:7], "7"),
    "npy cut in its header": (GOOD_NPY[:60], "60"),
    "npy cut in its pixels": (GOOD_NPY[:-1], str(len(GOOD_NPY) - 1)),
    "npy with more": (GOOD_NPY + b"x", str(len(GOOD_NPY) + 1)),
    "npy of objects": (npy_bytes(numpy.array([[{}]], dtype=object), allow_pickle=True), "|O"),
    "npy in Fortran order": (npy_bytes(numpy.asfortranarray(CUBE)), "Fortran"),
    "npy of one axis": (npy_bytes(numpy.arange(9)), "1 axes"),
    "npy without pixels": (npy_bytes(CUBE[:0]), "axis of 0"),
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("content, word", WRONG_RECORDINGS.values(), ids=WRONG_RECORDINGS.keys())
def test_a_wrong_recording(hil, tmp_path, verb, content, word):
    (tmp_path / "cube.fits").write_bytes(content)
    bench = inputs.bench(tmp_path, ("FILE", "cube.fits"), text=REPLAY_BENCH)
    text = refused(hil, tmp_path, verb, 4, inputs.scenario(tmp_path, text=REPLAY), "--bench", bench)
    path = str(tmp_path / "cube.fits")
    assert path in text
    assert re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text.replace(path, "")), text


MISMATCHES = {
    "type": ("FILE", "cube.fits, dtype: f32", ["f32", "u16"]),
    "shape": ("FILE", "cube.fits, shape: [5, 3]", ["5x3", "3x5"]),
    "sum": ("FILE", f"cube.fits, sha256: {'0' * 64}", ["0" * 64, "recorded", "'wfs'"]),
    "no rate": ("file: FILE, rate: 1kHz", "file: cube.fits", ["rate"]),
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("old, new, words", MISMATCHES.values(), ids=MISMATCHES.keys())
def test_a_recording_other_than_the_bench_says(hil, tmp_path, verb, old, new, words):
    (tmp_path / "cube.fits").write_bytes(GOOD_FITS)
    bench = inputs.bench(tmp_path, (old, new), text=REPLAY_BENCH)
    text = refused(hil, tmp_path, verb, 4, inputs.scenario(tmp_path, text=REPLAY), "--bench", bench)
    assert str(tmp_path / "cube.fits") in text and all(word in text for word in words), text


def test_a_camera_that_cannot_hold_its_stamp(hil, tmp_path):
    bench = inputs.bench(tmp_path, ("[64, 64]", "[2, 2]"))
    text = refused(hil, tmp_path, "run", 4, inputs.scenario(tmp_path), "--bench", bench)
    assert "stamped" in text and "8 bytes" in text


# ------------------------------------------------------- what shows only once the case is running

LOST = "  - {id: lost, metric: fifo.wfs.slow.lost, predicted: lost, tier: C}\n"

IMPOSSIBLE = {
    "stream larger than memory": ([("depth: 8", "depth: 1000000")], "[1024, 1024]", "no room for"),
    "trace larger than any memory": ([("frames: 600", "frames: 100000000000000")], "[64, 64]",
                                     "bytes"),
    "more frames than can be counted": ([("frames: 600", f"frames: {2**63 - 1}")], "[64, 64]", ""),
}


@pytest.mark.parametrize("changes, shape, word", IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
@pytest.mark.parametrize("mode", ["virtual", "sim"])
def test_an_impossible_case_is_an_error_of_the_bench(hil, tmp_path, mode, changes, shape, word):
    # Without the prediction, which would count the frames one by one.
    file = inputs.scenario(tmp_path, (LOST, ""), *changes)
    bench = inputs.bench(tmp_path, ("[64, 64]", shape))
    done = hil("run", file, "--bench", bench, "--mode", mode, "--out", "out", timeout=30)
    assert done.returncode in (2, 4), done.stderr
    if done.returncode == 2:  # refused before it was tried: as good
        assert str(file) in complaint(done, 2)
        return
    case = judged(done, tmp_path / "out").only_case()
    assert case["verdict"] == "ERROR" and word in case["why"]
    assert f"why: {case['why']}\n" in done.stdout and done.stderr == ""


def test_a_case_whose_name_is_too_long_for_a_folder_is_not_lost(hil, tmp_path):
    """Each value may have 64 characters; together they may be more than a file name holds."""
    values = ", ".join(f"{name}: [{'1' * 60}, {'2' * 60}]" for name in "abcd")
    title = "title: ${a}${b}${c}${d}"
    file = inputs.scenario(tmp_path, ("title: A slow reader", title),
                           ("frames: 600", f"frames: 20\nmatrix: {{{values}}}"))
    done = hil("run", file, "--bench", inputs.bench(tmp_path), "--mode", "virtual", "--out", "out")
    if done.returncode == 2:
        assert str(file) in complaint(done, 2)
        return
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "run.json").is_file()
