"""hil stream: what it says of streams, how it measures them, and what it removes.

The streams are written here as plain bytes, with commit times that are made up: what is measured is
then exact. Every test has a folder and a base name of its own, and names both to the program."""

import itertools
import json
import mmap
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
from pathlib import Path

import pytest

import dao
import program
from program import HIL, SHM, wait_for

DOORBELL, SLEEPERS = 108, 196  # of ours, in padding of slot 0
BEGIN = 1_700_000_000_000_000_000  # ns since 1970
METADATA_BEFORE_FIFO, METADATA_LATER = 4296, 16400
_numbers = itertools.count()


class Place:
    """A folder for streams, and a base name for their semaphores."""

    def __init__(self):
        self.base = f"hil-{os.getpid()}-stream{next(_numbers)}"
        self.folder = SHM / (self.base + ".d")
        self.folder.mkdir()
        self.path = self.folder / (self.base + ".im.shm")

    def semaphores(self):
        return sorted(SHM.glob(f"sem.{self.base}*"))

    def make_semaphores(self):
        for end in [*(f"{n:02}" for n in range(10)), "log"]:
            (SHM / f"sem.{self.base}_sem{end}").write_bytes(bytes(32))

    def remove(self):
        shutil.rmtree(self.folder)
        for file in self.semaphores():
            file.unlink()


@pytest.fixture
def place():
    place = Place()
    yield place
    place.remove()


class Written:
    """A stream's file, mapped: a writer that takes no lock and rings no bell for anybody."""

    def __init__(self, path, size=(4, 6), depth=4, keywords=0):
        path.write_bytes(dao.stream_bytes(path, size, dao.UINT16, depth, keywords))
        self.path = path
        self.map()

    def map(self):
        with open(self.path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 0)
        self.stream = dao.Stream(self.memory)

    def frame(self, counter, time_us, number=0):
        """The next slot gets this counter and was committed then."""
        stream = self.stream
        slot = (stream.get("fifo_last_written") + 1) % stream.depth
        stream.set("write", 1, slot)
        stream.set("secondlong", BEGIN + time_us * 1000, slot)
        stream.set("cnt2", number, slot)
        stream.set("cnt0", counter, slot)
        stream.set("write", 0, slot)
        stream.set("fifo_last_written", slot)
        struct.pack_into("<I", self.memory, DOORBELL, counter & 0xFFFFFFFF)

    def sleeper(self):
        return struct.unpack_from("<I", self.memory, SLEEPERS)[0]

    def wait_for_reader(self):
        """Until one has read everything and says that it goes to sleep. The first time it may have
        looked before the newest frame was there."""
        for _ in range(2):
            struct.pack_into("<I", self.memory, SLEEPERS, 0)
            wait_for(self.sleeper, "a reader that sleeps")

    def close(self):
        self.memory.close()


def succeeds(done):
    assert done.returncode == 0 and done.stderr == "", done.stdout + done.stderr
    return done.stdout


def parsed(done, status=0):
    assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout)


def complaint(done, status):
    assert done.returncode == status and done.stdout == "", done.stdout + done.stderr
    assert done.stderr.startswith("hil: ") and done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def without_metadata(memory, metadata):
    """A stream of depth 1 with metadata of another length, as other versions of the library have."""
    head = bytes(memory[:min(metadata, METADATA_BEFORE_FIFO)])
    return head + bytes(metadata - len(head)) + bytes(memory[dao.METADATA:])


def before_fifo(path):
    return without_metadata(dao.stream_bytes(path, (4, 6), dao.UINT16, 1, 2), METADATA_BEFORE_FIFO)


def later(path):
    memory = bytearray(
        without_metadata(dao.stream_bytes(path, (4, 6), dao.UINT16, 1, 2), METADATA_LATER))
    struct.pack_into("<II", memory, 16392, 1, 0)
    return memory


# ---------------------------------------------------------------------------------------- create


def test_a_stream_is_created_as_asked_for(hil, place):
    out = succeeds(hil("stream", "create", place.path, "--shape", "240x120", "--type", "u16",
                       "--depth", "3", "--keywords", "2", "--mode", "0660"))
    assert str(place.path) in out and "240x120 u16" in out
    wanted = dao.stream_bytes(place.path, (240, 120), dao.UINT16, 3, 2)
    found = bytearray(place.path.read_bytes())
    for memory in (wanted, found):  # when it was made is up to the clock
        for slot in range(3):
            dao.Stream(memory).set("creation_time", 0, slot)
            dao.Stream(memory).set("last_access", 0, slot)
    assert found == wanted
    assert place.path.stat().st_mode & 0o7777 == 0o660
    assert len(place.semaphores()) == 11


def test_create_says_what_it_made_as_json(hil, place):
    made = parsed(hil("stream", "create", place.path, "--shape", "7", "--type", "f64", "--json"))
    assert made == {"path": str(place.path), "frame": "7 f64", "depth": 1, "keywords": 0,
                    "file_bytes": 4304 + 56}


def test_create_keeps_what_exists_unless_told(hil, place):
    arguments = ["stream", "create", place.path, "--shape", "4x4", "--type", "u8"]
    place.path.write_bytes(b"precious")
    text = complaint(hil(*arguments), 4)
    assert str(place.path) in text and "--replace" in text
    assert place.path.read_bytes() == b"precious"
    succeeds(hil(*arguments, "--replace"))
    assert place.path.stat().st_size == 4304 + 16


@pytest.mark.parametrize("arguments", [
    [], ["bogus"], ["ls", "--bogus"], ["info"], ["hz"], ["create"], ["unlink"],
    ["create", "PATH", "--type", "u16"], ["create", "PATH", "--shape", "4x4"],
    *(["create", "PATH", "--type", "u16", "--shape", shape]
      for shape in ["", "x", "4x", "x4", "4x0", "4x-1", "4x4x4x4", "4.5", "99999999999", "4 x 4"]),
    *(["create", "PATH", "--shape", "4x4", "--type", name] for name in ["", "u17", "U16", "float"]),
    *(["create", "PATH", "--shape", "4x4", "--type", "u16", *more] for more in [
        ["--depth", "0"], ["--depth", "-1"], ["--depth", "1000001"], ["--depth", "x"],
        ["--keywords", "-1"], ["--keywords", "65536"], ["--mode", "8"], ["--mode", "7777"],
        ["--mode", ""], ["--mode", "rw"]]),
    ["create", "/dev/shm/" + 80 * "x" + ".im.shm", "--shape", "4x4", "--type", "u16"],
    *(["hz", "PATH", *more] for more in [
        ["--seconds", "0"], ["--seconds", "-1"], ["--seconds", "nan"], ["--seconds", "inf"],
        ["--frames", "0"], ["--frames", "-1"], ["--frames", "1.5"], ["--timeout", "0"],
        ["--seconds", "1", "--frames", "1"]]),
], ids=lambda arguments: " ".join(arguments)[-40:] or "nothing")
def test_wrong_usage_is_refused(hil, place, arguments):
    done = hil("stream", *(str(place.path) if word == "PATH" else word for word in arguments))
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stdout == "" and done.stderr.strip()
    assert list(place.folder.iterdir()) == [] and place.semaphores() == []


# ---------------------------------------------------------------------------------------- ls, info


def four_files(place):
    """One stream, one of each other version, one that is none; all of one base."""
    stream = Written(place.path, keywords=2)
    for k in range(1, 7):
        stream.frame(k, k * 250, 100 + k)
    stream.close()
    paths = {"fifo": place.path}
    for name, content in [("before-fifo", before_fifo(place.path)), ("later", later(place.path)),
                          ("none", b"nothing but text")]:
        paths[name] = place.folder / f"{place.base}.{name}.im.shm"
        paths[name].write_bytes(content)
    (place.folder / "dark.fits").write_bytes(b"x")
    return paths


def test_ls_tells_streams_and_versions(hil, place):
    paths = four_files(place)
    done = hil("stream", "ls", place.folder)
    assert done.returncode == 0
    assert re.fullmatch(r"hil: 1 file named \*\.im\.shm is no stream of DAO; --all says why\n",
                        done.stderr)
    text = re.sub(r"\n  /", " /", done.stdout)
    header, *rows = (line.split() for line in text.splitlines())
    assert header == ["shape", "type", "depth", "frames", "rate", "[Hz]", "age", "writer", "layout",
                      "path"]
    found = {row[7]: row for row in rows}
    assert set(found) == {"fifo", "before-fifo", "later"}
    for name, row in found.items():
        assert row[:2] == ["4x6", "u16"] and row[-1] == str(paths[name])
    assert found["fifo"][2:5] == ["4", "6", "4000.0"]
    assert re.fullmatch(r"\d+d", found["fifo"][5])
    assert found["later"][2:6] == ["1", "0", "-", "-"]
    assert all(row[6] == "no" for row in rows)


def test_ls_all_gives_the_reason(hil, place):
    paths = four_files(place)
    out = succeeds(hil("stream", "ls", place.folder, "--all"))
    assert f"{paths['none']}\n  the file has 16 bytes" in out
    assert "dark.fits" not in out


def test_ls_fits_100_columns_and_cuts_no_path(hil, place):
    paths = [place.folder / f"{place.base}.{'x' * n}.im.shm" for n in (1, 20, 60, 120)]
    for path in paths:
        path.write_bytes(dao.stream_bytes(place.path, (2048, 2048, 1), 1, 1))
    lines = succeeds(hil("stream", "ls", place.folder)).splitlines()
    assert all(len(line) <= 100 or line.strip() in map(str, paths) for line in lines)
    words = [word for line in lines for word in line.split()]
    assert all(str(path) in words for path in paths)


def test_ls_as_json(hil, place):
    paths = four_files(place)
    listed = {entry["path"]: entry
              for entry in parsed(hil("stream", "ls", place.folder, "--all", "--json"))}
    assert set(listed) == set(map(str, paths.values()))
    stream = listed[str(paths["fifo"])]
    age = stream.pop("age_s")
    assert age > 0
    assert stream == {
        "path": str(place.path), "layout": "fifo", "readable": True,
        "file_bytes": 4 * (4304 + 48) + 240, "mode": stream["mode"], "owner": os.getuid(),
        "writer": "no", "holders": [],
        "semaphores": {"present": 0, "surplus": 0, "log": False, "shared_with": []},
        "shape": [4, 6], "type": "u16",
        "depth": 4, "metadata_bytes": 4304, "name": str(place.path),
        "created": "2001-09-09T01:46:40Z",
        "newest": {"slot": 1, "counter": 6, "frame_id": 106, "time_ns": BEGIN + 1_500_000,
                   "state": "whole"},
        "rate_hz": 4000.0,
        "keywords": 2 * [{"name": "", "type": "N", "value": "", "comment": ""}]}
    for name in ("before-fifo", "later", "none"):
        entry = listed[str(paths[name])]
        assert entry["readable"] is False and entry["reason"]
        assert entry["layout"] == (None if name == "none" else name)


def test_ls_of_no_folder_is_an_error(hil, place):
    assert "missing" in complaint(hil("stream", "ls", place.folder / "missing"), 4)


def test_ls_without_a_folder_takes_milks(place, tmp_path):
    stream = Written(place.path)
    stream.close()
    environment = {**program.environment(), "MILK_SHM_DIR": str(place.folder)}
    done = subprocess.run([HIL, "stream", "ls", "--json"], env=environment, cwd=tmp_path,
                          capture_output=True, text=True, timeout=60, check=True)
    assert str(place.path) in [entry["path"] for entry in json.loads(done.stdout)]


def test_info_says_all(hil, place):
    place.make_semaphores()
    stream = Written(place.path, keywords=2)
    at = len(stream.memory) - 2 * dao.KEYWORD
    struct.pack_into("<16sc7xd8x80s", stream.memory, at, b"EXPTIME", b"D", 0.25, b"\x1b[31m seconds")
    stream.frame(1, 0, 900)
    out = succeeds(hil("stream", "info", place.path, "--slots"))
    for text in [str(place.path), "4x6 u16", "4304 bytes of metadata", "2023-11-14T22:13:20Z",
                 "2001-09-09T01:46:40Z", "10 of 10, and the log", "maybe", f"{os.getpid()} ",
                 "EXPTIME", "0.25", "?[31m seconds"]:
        assert text in out, text
    assert "\x1b" not in out
    assert re.search(rf"^ *0 +1 +900 +{BEGIN}  whole$", out, re.MULTILINE)
    assert len(re.findall("never written", out)) == 3
    stream.close()

    described = parsed(hil("stream", "info", place.path, "--json", "--slots"))
    assert described["keywords"][0] == {"name": "EXPTIME", "type": "D", "value": "0.25",
                                        "comment": "\x1b[31m seconds"}
    assert [slot["counter"] for slot in described["slots"]] == [1, 0, 0, 0]
    assert described["semaphores"] == {"present": 10, "surplus": 0, "log": True, "shared_with": []}
    assert "slots" not in parsed(hil("stream", "info", place.path, "--json"))


def test_info_names_other_versions(hil, place):
    for content, version, reason in [(before_fifo(place.path), "before-fifo", "before the FIFO"),
                                     (later(place.path), "later", "later version")]:
        place.path.write_bytes(content)
        out = succeeds(hil("stream", "info", place.path))
        assert version in out and reason in out and "4x6 u16" in out


def test_info_of_what_is_no_stream(hil, place):
    place.path.write_bytes(bytes(20_000))
    text = complaint(hil("stream", "info", place.path), 4)
    assert str(place.path) in text and "naxis" in text
    assert "No such file" in complaint(hil("stream", "info", place.folder / "missing"), 4)
    assert "not a regular file" in complaint(hil("stream", "info", place.folder), 4)


# --------------------------------------------------------------------------------------------- hz


@pytest.fixture
def hz(place, tmp_path):
    """hz(arguments...): the program, asleep for the first frame of the stream."""
    started = []

    def begin(stream, *arguments, **options):
        process = program.start(HIL, "stream", "hz", stream.path, *arguments, cwd=tmp_path,
                                **options)
        started.append(process)
        wait_for(stream.sleeper, "a reader that sleeps")
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def finished(process):
    out, err = process.communicate(timeout=60)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def test_hz_measures_by_the_commit_times(place, hz):
    stream = Written(place.path, depth=64)
    process = hz(stream, "--frames", "41", "--json")
    for k in range(1, 42):
        stream.frame(k, k * 500, 7 * k if k > 40 else k)
    found = parsed(finished(process))
    assert found == {
        "path": str(place.path), "ended_by": "frames", "frames": 41, "lost": 0, "gaps": 0,
        "duplicates": 0, "rewinds": 0, "recreated": 0, "time_steps": 0,
        "device_lost": 41 * 7 - 41, "device_repeated": 0, "rate_hz": 2000.0, "times": "commit",
        "interval_us": {"count": 40, "min": 500.0, "mean": 500.0, "median": 500.0, "p99": 500.0,
                        "p99.9": 500.0, "max": 500.0, "of_every": 1}}
    stream.close()


def test_hz_shows_a_table(place, hz):
    stream = Written(place.path, depth=8)
    process = hz(stream, "--frames", "3")
    for k, time in [(1, 0), (2, 100), (3, 400)]:
        stream.frame(k, time)
    out = succeeds(finished(process))
    assert f"{place.path}\n" in out and "3 observed, 0 lost in 0 gaps" in out
    assert "5000.000 Hz" in out and "commit times" in out
    assert "min 100.0  median 100.0  mean 200.0  p99 300.0  p99.9 300.0  max 300.0 us" in out
    stream.close()


def test_hz_counts_what_it_never_saw(place, hz):
    stream = Written(place.path)
    process = hz(stream, "--frames", "4", "--json")
    for counter in (1, 2, 12):
        stream.frame(counter, counter * 100)
    stream.wait_for_reader()  # with 13 there too it would be thrown to that one
    stream.frame(13, 1300)
    found = parsed(finished(process))
    assert (found["frames"], found["lost"], found["gaps"]) == (4, 9, 1)
    assert found["interval_us"]["count"] == 2
    assert found["rate_hz"] == 10_000.0
    stream.close()


def test_hz_follows_a_stream_that_is_replaced(place, hz):
    old = Written(place.path)
    process = hz(old, "--frames", "5", "--json")
    old.frame(1, 0)
    old.frame(2, 100)
    new = Written(place.folder / "new", size=(8, 8))
    for counter in (1, 2, 3):
        new.frame(counter, 10**6 + counter * 100)
    os.rename(new.path, place.path)
    found = parsed(finished(process))
    assert (found["frames"], found["recreated"], found["rewinds"]) == (5, 1, 0)
    assert (found["lost"], found["rate_hz"]) == (0, 10_000.0)
    old.close()
    new.close()


def test_hz_waits_for_a_stream_that_comes_back(place, hz):
    old = Written(place.path)
    process = hz(old, "--frames", "2", "--json", "--timeout", "60")
    old.frame(1, 0)
    old.wait_for_reader()
    place.path.unlink()
    old.wait_for_reader()  # it has looked, found nothing and waits on
    new = Written(place.folder / "new")
    new.frame(1, 10**6)
    os.rename(new.path, place.path)
    found = parsed(finished(process))
    assert (found["frames"], found["recreated"]) == (2, 1)
    old.close()
    new.close()


def test_hz_notices_a_stream_made_anew_in_its_file(place, hz):
    stream = Written(place.path)
    process = hz(stream, "--frames", "5", "--json")
    for counter in (1, 2, 3):
        stream.frame(counter, counter * 100)
    stream.wait_for_reader()
    for slot in range(4):
        stream.stream.set("cnt0", 0, slot)
    stream.stream.set("fifo_last_written", 3)
    for counter in (1, 2):
        stream.frame(counter, 10**6 + counter * 100)
    found = parsed(finished(process))
    assert (found["frames"], found["rewinds"], found["recreated"]) == (5, 1, 0)
    assert (found["lost"], found["rate_hz"]) == (0, 10_000.0)
    stream.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_ends_hz_with_the_summary(place, hz, number):
    stream = Written(place.path)
    process = hz(stream)
    for counter in (1, 2, 3):
        stream.frame(counter, counter * 100)
    stream.wait_for_reader()
    process.send_signal(number)
    assert "3 observed" in succeeds(finished(process))
    stream.close()


def test_hz_without_a_frame_says_so(hil, place):
    stream = Written(place.path)
    for arguments, reason in [(["--timeout", "0.1"], "no frame for 0.1 s"),
                              (["--seconds", "0.1"], None)]:
        done = hil("stream", "hz", place.path, *arguments)
        assert done.returncode == 3
        assert "0 observed" in done.stdout
        assert (reason in done.stderr) if reason else done.stderr == ""
    assert parsed(hil("stream", "hz", place.path, "--timeout", "0.1", "--json"), 3)[
        "ended_by"] == "silence"
    stream.close()


def test_hz_of_what_is_no_stream(hil, place):
    place.path.write_bytes(bytes(20_000))
    assert "naxis" in complaint(hil("stream", "hz", place.path), 4)
    assert "No such file" in complaint(hil("stream", "hz", place.folder / "missing"), 4)


def test_hz_survives_a_file_that_is_cut(place, hz):
    """As the reference does when it creates a stream again: an error, not a crash."""
    stream = Written(place.path)
    process = hz(stream, "--timeout", "60")
    os.truncate(place.path, 0)
    done = finished(process)
    assert "cut short" in complaint(done, 4)


def test_hz_shows_a_line_a_second_on_a_terminal(place, hz):
    stream = Written(place.path)
    master, slave = pty.openpty()
    process = hz(stream, "--timeout", "60", stderr=slave)
    os.close(slave)
    for counter in (1, 2, 3):
        stream.frame(counter, counter * 100)
    seen = b""
    while b"Ctrl-C ends" not in seen:
        seen += os.read(master, 4096)
    assert b"10000.0 Hz" in seen and b"3 frames" in seen
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0
    assert "3 observed" in process.stdout.read()
    os.close(master)
    stream.close()


# -------------------------------------------------------------------------------------- clean


def cleaned(hil, place, *arguments, folders=None, status=0):
    folders = [place.folder] if folders is None else folders
    return parsed(hil("stream", "clean", *folders, "--select", place.base, "--json", *arguments),
                  status)


def paths_in(entries):
    return sorted(entry["path"] for entry in entries)


def test_clean_shows_first_and_removes_when_told(hil, place):
    succeeds(hil("stream", "create", place.path, "--shape", "4x4", "--type", "u8"))
    everything = sorted(map(str, [place.path, *place.semaphores()]))
    assert len(everything) == 12
    out = succeeds(hil("stream", "clean", place.folder))
    assert "would remove" in out and str(place.path) in out and "no process has it open" in out
    assert "--yes" in out and out.count("would remove") == 2  # eleven semaphores are one entry
    plan = cleaned(hil, place)
    assert plan["dry_run"] is True and paths_in(plan["would_remove"]) == everything
    assert place.path.exists() and len(place.semaphores()) == 11
    done = cleaned(hil, place, "--yes")
    assert done["dry_run"] is False and paths_in(done["removed"]) == everything
    assert list(place.folder.iterdir()) == [] and place.semaphores() == []
    assert "nothing to remove" in succeeds(hil("stream", "clean", place.folder))


def test_clean_keeps_what_somebody_maps(hil, place):
    stream = Written(place.path)
    done = cleaned(hil, place, "--yes")
    assert done["removed"] == []
    (kept,) = done["kept"]
    assert kept["path"] == str(place.path) and str(os.getpid()) in kept["why"]
    assert place.path.exists()
    stream.close()
    assert paths_in(cleaned(hil, place, "--yes")["removed"]) == [str(place.path)]


def test_clean_takes_the_stream_of_a_killed_process(hil, place, hz):
    stream = Written(place.path)
    process = hz(stream, "--timeout", "60")
    stream.close()
    assert cleaned(hil, place)["would_remove"] == []
    process.kill()
    process.wait()
    assert paths_in(cleaned(hil, place)["would_remove"]) == [str(place.path)]


def test_clean_keeps_what_is_no_stream(hil, place):
    paths = four_files(place)
    done = cleaned(hil, place, "--yes")
    assert paths_in(done["removed"]) == sorted(
        str(paths[name]) for name in ("fifo", "before-fifo", "later"))
    (kept,) = done["kept"]
    assert kept["path"] == str(paths["none"]) and "no stream" in kept["why"]
    assert paths["none"].read_bytes() == b"nothing but text"
    assert (place.folder / "dark.fits").exists()


def test_clean_removes_orphan_semaphores_of_their_folder(hil, place):
    place.make_semaphores()
    assert cleaned(hil, place)["would_remove"] == []
    folders = [place.folder, SHM]
    plan = cleaned(hil, place, folders=folders)
    assert paths_in(plan["would_remove"]) == sorted(map(str, place.semaphores()))
    stream = Written(place.path)
    assert cleaned(hil, place, "--yes", folders=folders)["removed"] == []
    stream.close()
    place.path.unlink()
    assert len(cleaned(hil, place, "--yes", folders=folders)["removed"]) == 11
    assert place.semaphores() == []


def test_clean_removes_unfinished_files_of_the_dead(hil, place):
    dead = program.start("true", cwd="/")
    dead.communicate()
    files = {pid: Path(f"{place.path}.new-{pid}-0") for pid in (dead.pid, os.getpid())}
    for file in files.values():
        file.write_bytes(bytes(10))
    done = cleaned(hil, place, "--yes")
    assert paths_in(done["removed"]) == [str(files[dead.pid])]
    assert done["kept"] == [{"path": str(files[os.getpid()]),
                             "why": f"its creator, process {os.getpid()}, lives"}]


def test_clean_of_no_folder_is_an_error(hil, place):
    assert "missing" in complaint(hil("stream", "clean", place.folder / "missing"), 4)


# ---------------------------------------------------------------------------------------- unlink


def test_unlink_removes_a_stream_and_its_semaphores(hil, place):
    place.make_semaphores()
    Written(place.path).close()
    everything = sorted(map(str, [place.path, *place.semaphores()]))
    removed = parsed(hil("stream", "unlink", place.path, "--json"))
    assert sorted(removed["removed"]) == everything
    assert list(place.folder.iterdir()) == [] and place.semaphores() == []
    assert "No such file" in complaint(hil("stream", "unlink", place.path), 4)


def test_unlink_wants_force_for_what_is_in_use(hil, place):
    stream = Written(place.path)
    assert str(os.getpid()) in complaint(hil("stream", "unlink", place.path), 4)
    assert place.path.exists()
    succeeds(hil("stream", "unlink", place.path, "--force"))
    assert not place.path.exists()
    stream.close()


def test_unlink_never_removes_what_is_no_stream(hil, place):
    place.path.write_bytes(b"precious")
    for force in ([], ["--force"]):
        assert "no stream" in complaint(hil("stream", "unlink", place.path, *force), 4)
    assert place.path.read_bytes() == b"precious"
