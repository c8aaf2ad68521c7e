"""The folder of evidence that a run leaves, read as it stands: hil/README.md, "Evidence"."""

import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

SCHEMA = "dao-hil/run/1"

SUCCESS, OVERWRITE = 0, 1

# In the order of severity, as the judge has it.
VERDICTS = ["SKIP", "PASS", "MARGINAL", "INCONCLUSIVE", "FLAKY", "FAIL", "ERROR", "ABORTED"]


class Damaged(Exception):
    """The folder is not the evidence of a run, or not whole; one line that names the file."""


@dataclass
class Trace:
    source: np.ndarray
    readers: dict


@dataclass
class Case:
    """One attempt of one case, or a sweep."""
    data: dict
    folder: Path
    last: bool  # no later attempt replaced it

    def __getattr__(self, name):
        try:
            return self.data[name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def why(self):
        return self.data.get("why", "")

    @property
    def source(self):
        return self.data.get("source")

    @property
    def group_id(self):
        """Cases of one scenario on one bench; a sweep stands for itself."""
        return self.id if self.is_sweep else f"{self.scenario}@{self.bench}"

    @property
    def is_sweep(self):
        return self.id.startswith(self.scenario + "/")

    @property
    def real_time(self):
        return self.mode != "virtual" and not self.is_sweep

    @property
    def rank(self):
        return VERDICTS.index(self.verdict)

    @property
    def trace_file(self):
        return self.folder / "trace.bin"

    def has_trace(self):
        return self.trace_file.is_file()

    def trace(self):
        return read_trace(self.trace_file)


@dataclass
class Run:
    folder: Path
    data: dict
    cases: list
    files: int  # whose sums were found right
    base_seeds: list = field(default_factory=list)

    @property
    def results(self):
        """What counts: the last attempt of each case, and the sweeps."""
        return [case for case in self.cases if case.last]


_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def _printable(value):
    """Text that HTML and UTF-8 can hold: a path may be any bytes, and JSON any surrogate."""
    if isinstance(value, str):
        return _UNPRINTABLE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_printable(item) for item in value]
    if isinstance(value, dict):
        return {_printable(key): _printable(item) for key, item in value.items()}
    return value


def _bytes_of(path):
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise Damaged(f"{path}: is missing; name the folder that 'hil run' left, whole") from None
    except OSError as error:
        raise Damaged(f"{path}: cannot be read: {error.strerror}") from None


def _json_of(path):
    try:
        return _printable(json.loads(_bytes_of(path).decode("utf-8", "replace")))
    except (ValueError, RecursionError) as error:
        raise Damaged(f"{path}: is not JSON: {error}") from None


def _check_sums(folder):
    """Each file is what it was when the run ended: a report on anything else would be a forgery."""
    path = folder / "SHA256SUMS"
    lines = _bytes_of(path).decode("utf-8", "surrogateescape").splitlines()
    for number, line in enumerate(lines, 1):
        digest, gap, name = line.partition("  ")
        if not re.fullmatch("[0-9a-f]{64}", digest) or not gap or not name:
            raise Damaged(f"{path}: line {number} is not '<sha256>  <file>'")
        summed = hashlib.sha256()
        try:
            with open(folder / name, "rb") as file:
                while block := file.read(1 << 20):
                    summed.update(block)
        except OSError as error:
            raise Damaged(f"{folder / name}: cannot be read, but SHA256SUMS lists it: "
                          f"{error.strerror}") from None
        if summed.hexdigest() != digest:
            raise Damaged(f"{folder / name}: is not what SHA256SUMS says; it was changed after the "
                          "run")
    return len(lines)


# What the page cannot do without, and of which type.
_RUN_FIELDS = {"verdict": str, "exit_code": int, "started": str, "elapsed_s": (int, float),
               "command": str, "version": str, "counts": dict, "host": dict, "cases": list}
_CASE_FIELDS = {"id": str, "scenario": str, "title": str, "bench": str, "mode": str,
                "requirements": list, "seed": int, "depth": int, "frames": int, "attempt": int,
                "verdict": str, "headline": str, "elapsed_s": (int, float), "health": dict,
                "measurements": list, "metrics": dict}
_MEASUREMENT_FIELDS = {"id": str, "metric": str, "limit": str, "tier": str, "verdict": str}


def _check_fields(path, where, value, fields):
    if not isinstance(value, dict):
        raise Damaged(f"{path}: {where} is not an object")
    for name, kind in fields.items():
        if not isinstance(value.get(name), kind):
            raise Damaged(f"{path}: {where}: '{name}' is missing or of another type")
    if value["verdict"] not in VERDICTS:  # of a measurement, a case, or the run
        raise Damaged(f"{path}: {where}: verdict '{value['verdict']:.40}' is none of "
                      f"{', '.join(VERDICTS)}")


def load_run(folder):
    """@raises Damaged"""
    folder = Path(folder)
    if not folder.is_dir():
        raise Damaged(f"{folder}: is no folder; name the one that 'hil run' left")
    path = folder / "run.json"
    data = _json_of(path)
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise Damaged(f"{path}: schema is not '{SCHEMA}': not the evidence of this program")
    _check_fields(path, "the run", data, _RUN_FIELDS)
    files = _check_sums(folder)
    cases = []
    for i, entry in enumerate(data["cases"]):
        where = f"cases[{i}]"
        _check_fields(path, where, entry, _CASE_FIELDS)
        for j, measurement in enumerate(entry["measurements"]):
            _check_fields(path, f"{where}.measurements[{j}]", measurement, _MEASUREMENT_FIELDS)
        later = data["cases"][i + 1] if i + 1 < len(data["cases"]) else {}
        last = not (isinstance(later, dict) and later.get("id") == entry["id"]
                    and later.get("attempt", 0) > entry["attempt"])
        name = entry["id"].replace("/", "_") + ("" if last else f".attempt-{entry['attempt']}")
        cases.append(Case(entry, folder / "cases" / name, last))
    if not cases:
        raise Damaged(f"{path}: cases is empty")
    run = Run(folder, data, cases, files)
    run.base_seeds = _base_seeds(cases)
    return run


def _base_seeds(cases):
    seeds = set()
    for case in cases:
        try:
            text = (case.folder / "scenario.resolved.yaml").read_text("utf-8", "replace")
        except OSError:
            continue
        seeds.update(re.findall(r"^seed: (\d+)$", text, re.MULTILINE))
    return sorted(seeds, key=int)


# trace.hpp. A later version may append fields to an event, and sections of other kinds.
_SOURCE = [("due", "<i8"), ("claimed", "<i8"), ("publishing", "<i8"), ("published", "<i8"),
           ("counter", "<u8"), ("id", "<u8")]
_CALL = [("intended", "<i8"), ("before", "<i8"), ("after", "<i8"), ("counter", "<u8"),
         ("id", "<u8"), ("lost", "<u8"), ("status", "u1"), ("content", "u1"), ("waited", "u1")]
_SECTION = np.dtype([("kind", "<u4"), ("size", "<u4"), ("events", "<u8"), ("name", "S64")])


def read_trace(path):
    """Mapped, not read: a night's trace is larger than memory. @raises Damaged"""
    try:
        data = np.memmap(path, np.uint8, "r")
    except (OSError, ValueError) as error:
        raise Damaged(f"{path}: cannot be read: {error}") from None
    if len(data) < 12 or bytes(data[:8]) != b"HILTRC01":
        raise Damaged(f"{path}: is not a trace")
    sections, at = int(data[8:12].view("<u4")[0]), 12
    trace = Trace(np.empty(0, _SOURCE), {})
    for number in range(1, sections + 1):
        if at + _SECTION.itemsize > len(data):
            raise Damaged(f"{path}: is cut short before section {number} of {sections}")
        head = data[at:at + _SECTION.itemsize].view(_SECTION)[0]
        at += _SECTION.itemsize
        kind, size, events = int(head["kind"]), int(head["size"]), int(head["events"])
        name = head["name"].decode("utf-8", "replace")
        if size * events > len(data) - at:
            raise Damaged(f"{path}: is cut short: section '{name}' says {events} events of {size} "
                          "bytes")
        if kind in (1, 2):
            fields = _SOURCE if kind == 1 else _CALL
            offsets = np.cumsum([0] + [np.dtype(code).itemsize for _, code in fields])
            if size < offsets[-1]:
                raise Damaged(f"{path}: section '{name}' has events of {size} bytes, which is too "
                              "few")
            dtype = np.dtype({"names": [n for n, _ in fields], "formats": [c for _, c in fields],
                              "offsets": offsets[:-1].tolist(), "itemsize": size})
            rows = np.ndarray(events, dtype, data, at) if events else np.empty(0, dtype)
            if kind == 1:
                trace.source = rows
            else:
                trace.readers[_printable(name)] = rows
        at += size * events
    return trace
