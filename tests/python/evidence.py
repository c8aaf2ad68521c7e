"""The folder a run leaves, read without any code of the project."""

import hashlib
import json
import struct
from functools import cached_property
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import jsonschema

from program import ROOT

SCHEMA = json.loads((ROOT / "hil" / "report" / "run.schema.json").read_text())

SUCCESS, OVERWRITE = 0, 1
GOOD, TORN, WRONG_FRAME = 1, 2, 3


class SourceEvent(NamedTuple):
    due: int
    claimed: int
    publishing: int
    published: int
    counter: int
    id: int
    epoch: int


class Call(NamedTuple):
    intended: int
    before: int
    after: int
    counter: int
    id: int
    lost: int
    status: int
    content: int
    waited: int
    opened: int
    timing: int
    asked_newest: int
    frames: int

    @property
    def delivered(self):
        return self.status in (SUCCESS, OVERWRITE)


class Attachment(NamedTuple):
    first: int
    tail: int
    newest_at_end: int
    depth: int
    epoch: int
    cut: int


class Trace(NamedTuple):
    source: list
    readers: dict
    attachments: dict


SOURCE_EVENT = struct.Struct("<4q2QI4x")
CALL = struct.Struct("<3q3Q6BH")
ATTACHMENT = struct.Struct("<3Q3I4x")
SECTION = struct.Struct("<IIQ64s")


def read_trace(path):
    data = Path(path).read_bytes()
    magic, sections = struct.unpack_from("<8sI", data)
    assert magic == b"HILTRC01"
    at, trace = 12, Trace([], {}, {})
    for _ in range(sections):
        kind, size, events, name = SECTION.unpack_from(data, at)
        at += SECTION.size
        record, event = {1: (SOURCE_EVENT, SourceEvent), 2: (CALL, Call),
                         3: (ATTACHMENT, Attachment)}[kind]
        assert size == record.size
        rows = [event(*row) for row in record.iter_unpack(data[at:at + events * size])]
        assert len(rows) == events
        at += events * size
        if kind == 1:
            trace.source.extend(rows)
        else:
            (trace.readers if kind == 2 else trace.attachments)[name.rstrip(b"\0").decode()] = rows
    assert at == len(data)
    return trace


class Evidence:
    def __init__(self, folder):
        self.folder = Path(folder)

    @cached_property
    def run(self):
        return json.loads((self.folder / "run.json").read_text())

    @cached_property
    def junit(self):
        return ElementTree.parse(self.folder / "junit.xml").getroot()

    def case(self, case_id):
        """The last attempt of a case."""
        return [case for case in self.run["cases"] if case["id"] == case_id][-1]

    def only_case(self):
        (case,) = self.run["cases"]
        return case

    def case_folder(self, case_id):
        return self.folder / "cases" / case_id.replace("/", "_")

    def trace(self, case_id):
        return read_trace(self.case_folder(case_id) / "trace.bin")

    def text(self, name):
        return (self.folder / name).read_text()

    def check(self):
        """What holds of every run's folder, whatever its verdict."""
        jsonschema.Draft7Validator(SCHEMA).validate(self.run)
        self.check_sums()
        self.check_junit()
        assert self.text("verdict.txt").startswith(f"VERDICT {self.run['verdict']} ")
        assert json.loads(self.text("host.json")) == self.run["host"]
        assert self.text("seed.txt").splitlines() == [
            f"{case['seed']} {case['id']}" for case in self.run["cases"]]
        assert sum(self.run["counts"].values()) == len({c["id"] for c in self.run["cases"]})
        for case in self.run["cases"]:
            last = case is self.case(case["id"])
            folder = self.case_folder(case["id"])
            if not last:
                folder = folder.with_name(f"{folder.name}.attempt-{case['attempt']}")
            assert json.loads((folder / "result.json").read_text()) == case
        return self

    def check_sums(self):
        sums = {}
        for line in self.text("SHA256SUMS").splitlines():
            digest, name = line.split("  ", 1)
            sums[name] = digest
        files = {str(path.relative_to(self.folder)): path
                 for path in self.folder.rglob("*") if path.is_file()}
        del files["SHA256SUMS"]
        assert set(sums) == set(files)
        for name, path in files.items():
            assert hashlib.sha256(path.read_bytes()).hexdigest() == sums[name], name

    def check_junit(self):
        (suite,) = self.junit.findall("testsuite")
        tests = suite.findall("testcase")
        cases = self.run["cases"]
        assert [test.get("name") for test in tests] == [case["id"] for case in cases]
        outcomes = {"PASS": None, "MARGINAL": None, "FAIL": ("failure", "fail"),
                    "FLAKY": ("failure", "flaky"), "ERROR": ("error", "error"),
                    "ABORTED": ("error", "aborted"), "SKIP": ("skipped", None),
                    "INCONCLUSIVE": ("error", "inconclusive")}
        totals = {"failure": 0, "error": 0, "skipped": 0}
        for test, case in zip(tests, cases):
            children = [child for child in test if child.tag != "properties"]
            wanted = outcomes[case["verdict"]]
            assert [(child.tag, child.get("type")) for child in children] == (
                [wanted] if wanted else [])
            for child in children:
                assert child.get("message") == case["why"]
                totals[child.tag] += 1
            properties = {p.get("name"): p.get("value") for p in test.iter("property")}
            assert properties["attempt"] == str(case["attempt"])
            assert properties["verdict"] == case["verdict"]
            assert set(properties) >= {m["id"] for m in case["measurements"]}
        for element in (self.junit, suite):
            assert int(element.get("tests")) == len(cases)
            assert int(element.get("failures")) == totals["failure"]
            assert int(element.get("errors")) == totals["error"]
            assert int(element.get("skipped")) == totals["skipped"]


def judged(done, folder):
    """The evidence of a finished run, with what must agree between it and the program."""
    evidence = Evidence(folder).check()
    assert done.returncode == evidence.run["exit_code"], done.stdout + done.stderr
    return evidence
