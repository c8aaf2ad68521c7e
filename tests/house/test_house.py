"""The house rules: which folder may include which, and what may lie where.

Every rule is a function from a Tree (path -> text) to a list of complaints, so that each can be
shown a tree that breaks it.
"""

import os
import re
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parents[2]

SOURCES = (".hpp", ".cpp", ".h", ".c")
FOLDERS = ("shm", "simulators", "drivers", "hil", "tools", "tests")

# Which folder may include which of ours; tools/ and tests/ may include all.
MAY_INCLUDE = {
    "shm": ("shm",),
    "simulators": ("simulators",),
    "drivers": ("shm", "simulators", "drivers"),
    "hil": ("shm", "drivers", "hil"),
}

# Headers of others, and the only folders that may know them. Tests look from the outside and may
# map a file of their own.
ONLY_IN = {
    r"(libusb-1\.0/)?libusb\.h": ("drivers/usb/",),
    r"yaml-cpp/.*": ("hil/plan/",),
    r"sys/mman\.h": ("shm/", "tests/"),
    r"CLI/.*": ("tools/",),
}

TOP_LEVEL = {
    "CMakeLists.txt", "CMakePresets.json", "README.md", "LICENSE", "CHANGELOG.md",
    "CONTRIBUTING.md", "cmake", "scenarios", *FOLDERS,
}
NOT_OURS = {"build", "hil-runs", "__pycache__"}  # made by building and running; never tracked

# Put together, so that this file does not contain them.
MACHINE_PATHS = tuple("/" + name + "/" for name in ("work", "home", "root", "Users"))

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


class Tree:
    """The files of a project: path with '/' -> text, or None for one that is not text."""

    def __init__(self, files):
        self.files = files

    @staticmethod
    def of(root):
        files = {}
        for folder, names, leaves in os.walk(root):
            here = Path(folder).relative_to(root)
            names[:] = [n for n in names if n not in NOT_OURS and not n.startswith(".")]
            for leaf in leaves:
                path = (here / leaf).as_posix()
                try:
                    files[path] = (Path(folder) / leaf).read_text(encoding="utf-8")
                except (UnicodeDecodeError, OSError):
                    files[path] = None
        return Tree(files)

    def sources(self):
        for path, text in sorted(self.files.items()):
            if text is not None and path.endswith(SOURCES):
                yield path, text

    def includes(self):
        """(file, header as it stands, header from the root of the project, line)."""
        for path, text in self.sources():
            for match in INCLUDE.finditer(text):
                quote, header = match.groups()
                line = text.count("\n", 0, match.start()) + 1
                yield path, header, self.resolve(path, quote, header), line

    def resolve(self, path, quote, header):
        if quote == "<" or PurePosixPath(header).parts[0] in FOLDERS:
            return header
        beside = os.path.normpath(PurePosixPath(path).parent / header)
        return PurePosixPath(beside).as_posix()


def room(path):
    """The top-level folder of a path."""
    return PurePosixPath(path).parts[0]


def is_ours(header):
    return room(header) in FOLDERS and "/" in header


# ------------------------------------------------------------------------------------- the rules


def arrows(tree):
    """A folder includes only those below it."""
    for path, header, target, line in tree.includes():
        allowed = MAY_INCLUDE.get(room(path))
        if allowed is None or not is_ours(target):
            continue
        if room(target) not in allowed:
            yield f"{path}:{line}: {room(path)}/ must not include {header}"


def hil_knows_interfaces_only(tree):
    """hil/ includes the interfaces of drivers/, no concrete device."""
    for path, header, target, line in tree.includes():
        if room(path) == "hil" and room(target) == "drivers":
            if len(PurePosixPath(target).parts) != 2:
                yield f"{path}:{line}: hil/ must not include the concrete device {header}"


def includes_go_from_the_root(tree):
    """One include root: "shm/writer.hpp", from everywhere."""
    for path, header, _, line in tree.includes():
        if ".." in PurePosixPath(header).parts:
            yield f"{path}:{line}: include {header} from the root of the project"


def libraries_stay_in_their_room(tree):
    for path, header, _, line in tree.includes():
        for pattern, rooms in ONLY_IN.items():
            if re.fullmatch(pattern, header) and not path.startswith(rooms):
                yield f"{path}:{line}: {header} belongs into {' or '.join(rooms)}"


def details_are_private(tree):
    """x/detail/... is for files in x, and for tests."""
    for path, header, target, line in tree.includes():
        parts = PurePosixPath(target).parts
        if not is_ours(target) or "detail" not in parts[:-1]:
            continue
        owner = "/".join(parts[: parts.index("detail")]) + "/"
        if not path.startswith(owner) and room(path) != "tests":
            yield f"{path}:{line}: {header} is private to {owner}"


def only_known_entries_at_the_top(names):
    for name in sorted(names):
        if not name.startswith(".") and name not in TOP_LEVEL | NOT_OURS:
            yield f"{name}: not an entry of the top level"


def no_machine_paths(tree):
    """Nothing depends on where somebody keeps the project."""
    pattern = re.compile(r"(?<![\w.$}~/-])(" + "|".join(map(re.escape, MACHINE_PATHS)) + r")\w")
    for path, text in sorted(tree.files.items()):
        for number, line in enumerate((text or "").splitlines(), 1):
            found = pattern.search(line)
            if found:
                yield f"{path}:{number}: {found.group(1)} is a path of one machine"


def public_headers_are_guarded(tree):
    """#pragma once before anything else; a C header may have a guard that every compiler knows."""
    comment = re.compile(r"\s*(/\*.*?\*/|//[^\n]*\n)", re.DOTALL)
    for path, text in tree.sources():
        parts = PurePosixPath(path).parts
        if parts[0] not in ("shm", "drivers") or "detail" in parts:
            continue
        if path.endswith(".hpp") and not text.startswith("#pragma once\n"):
            yield f"{path}: does not start with #pragma once"
        if path.endswith(".h"):
            code = text
            while match := comment.match(code):
                code = code[match.end():]
            if not re.match(r"\s*#(pragma once|ifndef \w+_H_?)\n", code):
                yield f"{path}: begins with neither #pragma once nor a guard"


RULES = [
    arrows,
    hil_knows_interfaces_only,
    includes_go_from_the_root,
    libraries_stay_in_their_room,
    details_are_private,
    no_machine_paths,
    public_headers_are_guarded,
]


# ------------------------------------------------------------------------------- the project itself


@pytest.fixture(scope="module")
def project():
    return Tree.of(ROOT)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_project_obeys(rule, project):
    assert list(rule(project)) == []


def test_the_top_level_holds_only_what_is_known():
    assert list(only_known_entries_at_the_top(os.listdir(ROOT))) == []


def test_the_project_was_found(project):
    assert "shm/reader.hpp" in project.files
    assert len(list(project.includes())) > 100
    assert not any(room(path) in NOT_OURS for path in project.files)


# ------------------------------------------------------------------------ the rules see a violation

WORK = MACHINE_PATHS[0]

VIOLATIONS = [
    (arrows, "shm/a.cpp", '#include "drivers/camera.hpp"'),
    (arrows, "shm/a.cpp", '#include "simulators/random.hpp"'),
    (arrows, "shm/a.hpp", '#include <hil/trace.hpp>'),
    (arrows, "shm/a.cpp", '  #  include "../drivers/camera.hpp"'),
    (arrows, "simulators/a.cpp", '#include "shm/time.hpp"'),
    (arrows, "simulators/devices/a.cpp", '#include "drivers/camera.hpp"'),
    (arrows, "drivers/usb/a.cpp", '#include "hil/trace.hpp"'),
    (arrows, "drivers/a.h", '#include "tools/x.hpp"'),
    (arrows, "hil/run/a.cpp", '#include "simulators/random.hpp"'),
    (arrows, "hil/judge/a.cpp", '#include "tools/x.hpp"'),
    (arrows, "hil/judge/a.cpp", '#include "tests/shm/support.hpp"'),
    (hil_knows_interfaces_only, "hil/run/a.cpp", '#include "drivers/sim/sim_camera.hpp"'),
    (hil_knows_interfaces_only, "hil/a.cpp", '#include "drivers/usb/transport.hpp"'),
    (includes_go_from_the_root, "hil/run/a.cpp", '#include "../plan/plan.hpp"'),
    (libraries_stay_in_their_room, "drivers/a.cpp", "#include <libusb.h>"),
    (libraries_stay_in_their_room, "drivers/sim/a.cpp", "#include <libusb-1.0/libusb.h>"),
    (libraries_stay_in_their_room, "hil/run/a.cpp", "#include <yaml-cpp/yaml.h>"),
    (libraries_stay_in_their_room, "drivers/a.cpp", "#include <sys/mman.h>"),
    (libraries_stay_in_their_room, "hil/a.cpp", "#include <CLI/CLI.hpp>"),
    (details_are_private, "drivers/a.cpp", '#include "shm/detail/atomic.hpp"'),
    (details_are_private, "tools/a.cpp", '#include "shm/detail/atomic.hpp"'),
    (details_are_private, "drivers/a.cpp", '#include "drivers/usb/detail/x.hpp"'),
    (no_machine_paths, "README.md", f"cd {WORK}main"),
    (no_machine_paths, "tools/x.py", f'open("{MACHINE_PATHS[1]}me/x")'),
    (no_machine_paths, "CMakeLists.txt", f"set(A {WORK}x)"),
    (public_headers_are_guarded, "shm/a.hpp", "// comment first\n#pragma once\n"),
    (public_headers_are_guarded, "shm/dao.h", "/* DAO */\n#include <stdint.h>\n#ifndef DAO_H\n"),
    (public_headers_are_guarded, "drivers/usb/a.hpp", ""),
]

HARMLESS = [
    (arrows, "shm/a.cpp", '#include "shm/reader.hpp"\n#include <drivers>\n#include "beside.hpp"'),
    (arrows, "shm/a.cpp", '// #include "drivers/camera.hpp"'),
    (arrows, "drivers/a.cpp", '#include "shm/reader.hpp"\n#include "simulators/random.hpp"'),
    (arrows, "hil/a.cpp", '#include "drivers/camera.hpp"\n#include "hil/trace.hpp"'),
    (arrows, "tests/a.cpp", '#include "hil/trace.hpp"\n#include "simulators/random.hpp"'),
    (arrows, "tools/a.cpp", '#include "hil/trace.hpp"\n#include "drivers/usb/x.hpp"'),
    (hil_knows_interfaces_only, "hil/a.cpp", '#include "drivers/camera.hpp"'),
    (libraries_stay_in_their_room, "drivers/usb/a.cpp", "#include <libusb.h>"),
    (libraries_stay_in_their_room, "hil/plan/a.cpp", "#include <yaml-cpp/yaml.h>"),
    (libraries_stay_in_their_room, "shm/segment.cpp", "#include <sys/mman.h>"),
    (libraries_stay_in_their_room, "tools/hil.cpp", "#include <CLI/CLI.hpp>"),
    (details_are_private, "shm/a.cpp", '#include "shm/detail/atomic.hpp"'),
    (details_are_private, "shm/detail/b.cpp", '#include "shm/detail/atomic.hpp"'),
    (details_are_private, "tests/shm/a.cpp", '#include "shm/detail/atomic.hpp"'),
    (no_machine_paths, "README.md", f"https://example.org{WORK}x and a{WORK}x, $HOME{WORK}x"),
    (public_headers_are_guarded, "shm/a.hpp", "#pragma once\n"),
    (public_headers_are_guarded, "shm/dao.h", "/* DAO\n * in C */\n\n#ifndef DAO_H\n"),
    (public_headers_are_guarded, "hil/a.hpp", ""),
]


@pytest.mark.parametrize("rule, path, text", VIOLATIONS)
def test_a_violation_is_reported(rule, path, text):
    complaints = list(rule(Tree({path: text})))
    assert len(complaints) == 1
    assert complaints[0].startswith(path + ":")


@pytest.mark.parametrize("rule, path, text", HARMLESS)
def test_what_is_allowed_is_not_reported(rule, path, text):
    assert list(rule(Tree({path: text}))) == []


def test_every_rule_is_shown_a_violation():
    assert {rule for rule, _, _ in VIOLATIONS} == set(RULES)


@pytest.mark.parametrize("name", ["src", "notes.txt", "Makefile", "build2"])
def test_an_unknown_entry_at_the_top_is_reported(name):
    assert list(only_known_entries_at_the_top([name])) == [
        f"{name}: not an entry of the top level"]


@pytest.mark.parametrize("name", ["shm", "tests", ".ci", ".clang-format", "build", "LICENSE"])
def test_a_known_entry_at_the_top_is_not_reported(name):
    assert list(only_known_entries_at_the_top([name])) == []


def test_a_tree_on_disk_is_read(tmp_path):
    (tmp_path / "shm" / "detail").mkdir(parents=True)
    (tmp_path / "build").mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / "shm" / "detail" / "a.hpp").write_text('#include "hil/x.hpp"\n')
    (tmp_path / "build" / "b.hpp").write_text('#include "hil/x.hpp"\n')
    (tmp_path / ".git" / "c.hpp").write_text("")
    (tmp_path / "shm" / "picture.png").write_bytes(b"\x89PNG\xff\xfe")
    tree = Tree.of(tmp_path)
    assert set(tree.files) == {"shm/detail/a.hpp", "shm/picture.png"}
    assert list(arrows(tree)) == ["shm/detail/a.hpp:1: shm/ must not include hil/x.hpp"]
