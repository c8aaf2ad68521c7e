"""hil report: one page of a run's evidence."""

import hashlib
import json
import os
import re
import struct
import sys
import time
from html.parser import HTMLParser

import pytest

import inputs
import program
from evidence import ATTACHMENT, CALL, SECTION, SOURCE_EVENT

sys.path.insert(0, str(program.ROOT / "hil" / "report" / "page"))
import power  # noqa: E402

PLACES = {"src", "href", "xlink:href", "srcset", "action", "data"}


class Page(HTMLParser):
    """The text of a page, and whatever would fetch or run something."""

    def __init__(self, path):
        super().__init__()
        self.path, self.heading, self.words, self.svgs, self.open = path, "", [], 0, []
        self.feed(path.read_text("utf-8"))
        self.text = re.sub(r"\s+", " ", " ".join(self.words))

    def handle_starttag(self, tag, attributes):
        assert tag not in ("script", "link", "iframe", "img", "object", "embed"), tag
        for name, value in attributes:
            assert not name.startswith("on"), name
            assert name not in PLACES or value.startswith("#"), (name, value)
        self.svgs += tag == "svg"
        if tag not in ("meta", "br", "wbr", "col"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, text):
        if "style" in self.open:
            assert "url(http" not in text and "@import" not in text
            return
        self.words.append(text)
        if self.open and self.open[-1] == "h1":
            self.heading += text


def reported(hil, folder, *options):
    done = hil("report", folder, *options)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return Page(folder / "report.html")


def squeezed(text):
    return re.sub(r"\s+", "", text)


def run_one(hil, tmp_path, *changes, mode="virtual", out="o", bench=()):
    file = inputs.scenario(tmp_path, *changes)
    hil("run", file, "--bench", inputs.bench(tmp_path, *bench), "--mode", mode, "--out", out)
    return tmp_path / out


def sum_again(folder):
    """SHA256SUMS of the folder as it now is: damage that the sums cannot show."""
    lines = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "SHA256SUMS":
            lines.append(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  "
                         f"{path.relative_to(folder)}\n")
    (folder / "SHA256SUMS").write_text("".join(lines))


# ------------------------------------------------------------------------------------ what it says


@pytest.fixture(scope="module")
def page(everything, tmp_path_factory):
    out = tmp_path_factory.mktemp("page") / "page.html"
    begin = time.monotonic()
    done = program.run(program.HIL, "report", everything.evidence.folder, "--out", out,
                       cwd=out.parent)
    assert (done.returncode, done.stderr) == (0, "")
    # Two cores shared with others; it takes 3 s on one of its own.
    assert time.monotonic() - begin < 60
    return Page(out)


def test_the_page_says_what_the_evidence_says(page, everything):
    run = everything.evidence.run
    assert page.heading == run["verdict"]
    text = squeezed(page.text)
    for case in run["cases"]:
        several = sum(c["scenario"] == case["scenario"] and c["bench"] == case["bench"]
                      and "/" not in c["id"] for c in run["cases"]) > 1
        label = ", ".join(f"{name} = {value}" for name, value in case["variables"].items())
        wanted = label if several and "/" not in case["id"] else case["id"]
        assert squeezed(wanted) in text, case["id"]
        for m in case["measurements"]:
            assert squeezed(m["metric"]) in text
            if "prediction" in m:
                assert squeezed(m["prediction"]["formula"]) in text
        if case["verdict"] == "SKIP":
            assert squeezed(case["why"]) in text
    for name, value in run["host"].items():
        assert name in text and squeezed(value) in text
    assert run["started"] in text and squeezed(run["command"]) in text


def test_numbers_of_cases_stand_in_its_tables(page, everything):
    case = everything.evidence.case("lag.constant[N=8,rho=1.5]@ocam2k")
    observed = {m["id"]: m["observed"] for m in case["measurements"]}
    assert re.search(rf"N = 8, rho = 1\.5 +{observed['overwrites']} +.*? {observed['lost']} ",
                     page.text)


def test_drawings_are_bounded_and_said_to_be(page):
    # One on the first page, eight below, of five kinds of scenario and bench that ran.
    assert 2 <= page.svgs <= 9
    assert "In virtual time latency and interval are what the scenario says" in page.text


def test_virtual_time_claims_no_statistics(page):
    assert "Real time: every case ran under a virtual clock" in page.text
    assert "is excluded (95 %" not in page.text


def test_the_same_evidence_gives_the_same_page(hil, tmp_path):
    folder = run_one(hil, tmp_path)
    pages = [reported(hil, folder).path.read_bytes() for _ in range(2)]
    assert pages[0] == pages[1]


def test_a_run_in_real_time_has_its_power_stated(hil, tmp_path):
    folder = run_one(hil, tmp_path, ("rho: 1.5", "rho: 0.5"), ("frames: 600", "frames: 400"),
                     mode="sim")
    page = reported(hil, folder)
    run = json.loads((folder / "run.json").read_text())
    metrics = run["cases"][-1]["metrics"]
    good, bad = (metrics[f"fifo.wfs.slow.content_{kind}"] for kind in ("good", "bad"))
    assert bad == 0 and f"in {good} frames delivered that prove their content" in page.text
    mantissa = f"{3 / good:.1e}".split("e")[0]
    assert re.search(rf"a rate above {re.escape(mantissa)}.{{1,12}} is excluded \(95 %, 3/n\)",
                     page.text)
    # 400 calls carry p99, whose bound needs 299, and nothing beyond.
    waited = sum(call.waited for call in program_trace(folder).readers["slow"])
    assert waited >= 299 and f"n={waited}:median" in squeezed(page.text)
    assert "p99.9:n<2995," in squeezed(page.text) and "p99.99:n<29956," in squeezed(page.text)


def program_trace(folder):
    from evidence import read_trace
    return read_trace(folder / "cases" / "lag.test@small" / "trace.bin")


def test_what_was_not_tested_has_its_reason_and_attempts_are_shown(hil, tmp_path):
    folder = run_one(hil, tmp_path, ("group: lag", "group: lag\nattempts: {max: 2, on: "
                                     "[INCONCLUSIVE]}"), ("frames: 600", "frames: 20000"),
                     mode="sim", bench=[("[64, 64]", "[1024, 1024]"), ("1kHz", "100kHz")])
    page = reported(hil, folder)
    run = json.loads((folder / "run.json").read_text())
    assert page.heading == "INCONCLUSIVE" and len(run["cases"]) == 2
    for case in run["cases"]:
        assert squeezed(case["why"]) in squeezed(page.text)
    assert "the last attempt counts" in page.text


def test_a_failure_is_shown_in_full(hil, tmp_path):
    folder = run_one(hil, tmp_path, ("content_bad, equals: 0", "content_bad, equals: 1"))
    page = reported(hil, folder)
    (case,) = json.loads((folder / "run.json").read_text())["cases"]
    assert page.heading == "FAIL"
    assert case["why"] in page.text and squeezed(case["rerun"]) in squeezed(page.text)
    assert str(case["seed"]) in page.text


def test_names_are_text_and_never_markup(hil, tmp_path):
    """Page refuses any script; broken bytes of a file's name are shown, not stumbled over."""
    title = "5 < 6 & \"quotes\" </title><script>alert(1)</script> \u2264 \u00b5s"
    text = inputs.edited(inputs.SCENARIO, ("title: A slow reader", f"title: {json.dumps(title)}"),
                         ("content_bad, equals: 0", "content_bad, equals: 1"))
    file = os.fsencode(tmp_path) + b"/sc\xff<b>.yaml"
    with open(file, "w") as out:
        out.write(text)
    hil("run", os.fsdecode(file), "--bench", inputs.bench(tmp_path), "--mode", "virtual", "--out",
        "o", errors="surrogateescape")
    page = reported(hil, tmp_path / "o")
    assert re.sub(r"\s+", " ", title) in page.text and "<b>.yaml" in page.text


# -------------------------------------------------------------------------------------- statistics


def test_sizes_of_samples_are_those_of_wilks():
    """S. S. Wilks 1941: so many observations, for the largest and second largest to bound p."""
    assert [power.frames_needed(p) for p in (0.95, 0.99, 0.999, 0.9999)] == [59, 299, 2995, 29956]
    for p, first, second in ((0.95, 59, 93), (0.99, 299, 473)):
        assert power.quantile_bound(list(range(first - 1)), p) is None
        assert power.quantile_bound(list(range(first)), p) == first - 1
        assert power.quantile_bound(list(range(second - 1)), p) == second - 2
        assert power.quantile_bound(list(range(second)), p) == second - 2


def test_a_bound_lies_above_its_quantile_for_any_size():
    for n in (1000, 30_000, 200_000, 1_000_000):
        for p in (0.99, 0.999):
            values = range(n)
            bound = power.quantile_bound(values, p)
            if bound is not None:
                # The sampling error of a rank is sqrt(n p (1 - p)); the bound is 1.64 of it above.
                distance = bound - power.quantile(values, p)
                assert 0 < distance < 2.5 * (n * p * (1 - p)) ** 0.5 + 3


@pytest.mark.parametrize("k, n, bound", [(0, 10, 0.25887), (1, 10, 0.39416), (5, 100, 0.10225),
                                         (10, 1000, 0.016895), (10, 10, 1.0)])
def test_bounds_of_rates(k, n, bound):
    """Clopper and Pearson 1934, one-sided 95 %: the p for which P(at most k of n) is 5 %."""
    assert power.rate_bound(k, n) == pytest.approx(bound, rel=2e-3)


# ------------------------------------------------------------------------------------------ damage


@pytest.fixture
def folder(hil, tmp_path):
    return run_one(hil, tmp_path)


TRACE = "cases/lag.test@small/trace.bin"


def change_run(**fields):
    def change(folder):
        run = json.loads((folder / "run.json").read_text())
        run.update(fields)
        (folder / "run.json").write_text(json.dumps(run))
        sum_again(folder)
    return change


def change_bytes(name, edit, again=False):
    def change(folder):
        (folder / name).write_bytes(edit((folder / name).read_bytes()))
        if again:
            sum_again(folder)
    return change


DAMAGE = {
    "no run.json": (lambda f: (f / "run.json").unlink(), "run.json", "missing"),
    "no sums": (lambda f: (f / "SHA256SUMS").unlink(), "SHA256SUMS", "missing"),
    "no trace": (lambda f: (f / TRACE).unlink(), TRACE, "cannot be read"),
    "not JSON": (change_bytes("run.json", lambda b: b[:-40]), "run.json", "not JSON"),
    "deep JSON": (change_bytes("run.json", lambda b: b"[" * 100_000), "run.json", "not JSON"),
    "no object": (change_bytes("run.json", lambda b: b"[]"), "run.json", "schema"),
    "foreign": (change_run(schema="junit/1"), "run.json", "schema"),
    "verdict": (change_run(verdict="FINE"), "run.json", "FINE"),
    "no cases": (change_run(cases=[]), "run.json", "cases"),
    "wrong type": (change_run(cases=[1]), "run.json", "cases[0]"),
    "changed": (change_bytes(TRACE, lambda b: b[:-1] + b"x"), TRACE, "changed after the run"),
    "sums": (change_bytes("SHA256SUMS", lambda b: b"zz\n" + b), "SHA256SUMS", "line 1"),
    "cut": (change_bytes(TRACE, lambda b: b[:-100], again=True), TRACE, "cut short"),
    "no sections": (change_bytes(TRACE, lambda b: b[:12], again=True), TRACE, "cut short"),
    "no trace at all": (change_bytes(TRACE, lambda b: b"GIF89a" + b, again=True), TRACE,
                        "not a trace"),
    "events too small": (change_bytes(TRACE, lambda b: b[:16] + struct.pack("<IQ", 8, 1) + b[28:],
                                      again=True), TRACE, "too few"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_one_line_that_names_the_file(hil, folder, damage):
    change, file, words = DAMAGE[damage]
    change(folder)
    done = hil("report", folder)
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("hil: ") and file in line and words in line, line
    assert not (folder / "report.html").exists()


def test_what_is_no_folder_of_evidence_is_refused(hil, tmp_path):
    for name in ("nowhere", "."):
        done = hil("report", name)
        assert done.returncode == 2 and len(done.stderr.splitlines()) == 1


def test_a_page_that_cannot_be_written_is_said(hil, folder):
    done = hil("report", folder, "--out", folder / "no" / "page.html")
    assert done.returncode == 2 and "page.html: cannot be written" in done.stderr


def test_a_trace_of_a_later_version_is_read(hil, folder):
    """Longer events and sections of other kinds are what the format may grow by."""
    before = reported(hil, folder).path.read_bytes()
    data = (folder / TRACE).read_bytes()
    sections = struct.unpack_from("<8sI", data)[1]
    at, out = 12, data[:8] + struct.pack("<I", sections + 1)
    out += SECTION.pack(77, 24, 2, b"something new") + bytes(48)
    for _ in range(sections):
        kind, size, events, name = SECTION.unpack_from(data, at)
        at += SECTION.size
        assert size == {1: SOURCE_EVENT, 2: CALL, 3: ATTACHMENT}[kind].size
        out += SECTION.pack(kind, size + 16, events, name)
        for i in range(events):
            out += data[at + i * size:at + (i + 1) * size] + b"\xee" * 16
        at += events * size
    (folder / TRACE).write_bytes(out)
    sum_again(folder)
    # The page is no part of what was run, and counts the files that are.
    (folder / "report.html").unlink()
    sum_again(folder)
    assert reported(hil, folder).path.read_bytes() == before
