"""scenarios/schema.json accepts every file that ships and refuses the common mistakes."""

import copy
import json
import pathlib
import re

import pytest

yaml = pytest.importorskip("yaml")
jsonschema = pytest.importorskip("jsonschema")

SCENARIOS = pathlib.Path(__file__).resolve().parents[3] / "scenarios"
FILES = sorted(SCENARIOS.glob("*.yaml")) + sorted(SCENARIOS.glob("benches/*.yaml"))


class Loader(yaml.SafeLoader):
    """YAML 1.2 truth values: in 1.1 the key `on` would be the value true."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


def load(text):
    return yaml.load(text, Loader=Loader)  # a SafeLoader


@pytest.fixture(scope="module")
def validator():
    schema = json.loads((SCENARIOS / "schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.name)
def test_shipped_files_are_valid(validator, file):
    errors = [f"{list(e.absolute_path)}: {e.message}" for e in validator.iter_errors(load(file.read_text()))]
    assert errors == []


def test_there_are_files():
    assert {"lag.constant.yaml", "ocam2k.yaml", "default.yaml"} <= {f.name for f in FILES}


def test_example_of_the_readme_is_valid(validator):
    blocks = re.findall(r"```yaml\n(.*?)```", (SCENARIOS / "README.md").read_text(), re.S)
    assert blocks
    for block in blocks:
        assert list(validator.iter_errors(load(block))) == []


def put(path, value):
    def change(tree):
        for step in path[:-1]:
            tree = tree[step]
        tree[path[-1]] = value
    return change


def drop(path):
    def change(tree):
        for step in path[:-1]:
            tree = tree[step]
        del tree[path[-1]]
    return change


@pytest.mark.parametrize("change", [
    put(["dept"], 8),
    put(["faults"], [{"kind": "drop"}]),
    put(["faults"], [{"target": "wfs", "kind": "dorp"}]),
    put(["faults"], [{"target": "wfs", "kind": "drop", "at": 5}]),
    put(["faults"], [{"target": "wfs", "kind": "drop", "bit": 1}]),
    put(["faults"], [{"target": "writer", "kind": "crash", "point": "after_indes"}]),
    put(["duration"], 3),
    put(["duration"], "3 s"),
    put(["frames"], 100),                       # and a duration
    drop(["duration"]),
    drop(["expect"]),
    put(["group"], "lags"),
    put(["modes"], ["virtual", "virtual"]),
    put(["attempts", "on"], ["FAIL"]),
    put(["sources", 0, "rate"], 2067),
    put(["sources", 0, "rate"], "fast"),
    put(["sources", 0, "driver"], {"kind": "replay"}),
    put(["sources", 0, "driver"], {"kind": "stamped", "file": "a.fits"}),
    put(["fifos", 0, "perms"], 432),
    put(["fifos", 0, "depth"], 0),
    put(["readers", 0, "lag", 0], {"kind": "constant"}),
    put(["readers", 0, "lag", 0], {"kind": "constant", "rho": 1.5, "delay": "1ms"}),
    put(["readers", 0, "lag", 0], {"kind": "periodic", "every": 500, "stall": "1ms"}),
    put(["readers", 0, "lag", 0], {"kind": "sigstop"}),
    put(["readers", 0, "mode"], "histroy"),
    put(["readers", 0, "history"], {}),
    put(["readers", 0, "lang"], "rust"),
    put(["readers", 0, "start"], {"at": "1s", "frames": 3}),
    put(["readers", 0, "lag", 0], {"kind": "burst", "reads": 0, "idle": "1ms"}),
    put(["readers", 0, "lag", 0], {"kind": "gc", "rate": "1Hz", "median": "1ms"}),
    put(["expect", 0, "of"], 1),                # without within
    put(["expect", 0, "min"], 1),               # a second operator
    drop(["expect", 0, "equals"]),
    put(["expect", 0, "metric"], "fifo.wfs.slow.identiy"),
    put(["expect", 0, "slack"], 1),             # without predicted
    put(["matrix", "N"], 8),
    put(["matrix", "N"], [1, 1]),
])
def test_mistakes_are_refused(validator, change):
    tree = load((SCENARIOS / "lag.constant.yaml").read_text())
    assert validator.is_valid(copy.deepcopy(tree))
    change(tree)
    assert not validator.is_valid(tree)


@pytest.mark.parametrize("change", [
    put(["name"], "a b"),
    put(["roles"], {}),
    put(["safety"], {}),
    put(["roles", "wfs", "driver"], "gige"),
    put(["roles", "wfs", "sha256"], "aa"),
    drop(["roles", "wfs", "file"]),
])
def test_mistakes_of_benches_are_refused(validator, change):
    tree = load((SCENARIOS / "benches" / "shwfs20.yaml").read_text())
    change(tree)
    assert not validator.is_valid(tree)
