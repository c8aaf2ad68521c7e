"""The C interface against the layout and the protocol of DAO streams, byte by byte."""

import ctypes
import mmap
import os
import stat
import struct
import threading
import time
from ctypes import byref
from itertools import count
from pathlib import Path

import pytest

import dao
import program
from dao import (ERROR, FLOAT, IMAGE, KEYWORD, METADATA, NOTREADY, OVERWRITE, SUCCESS, TIMEOUT,
                 UINT16, Frame, Image, Stream, Timespec, axes, stream_bytes)
from dao_hostile import CALLS
from program import ROOT, SHM

_numbers = count(1)


@pytest.fixture
def lib(libdao):
    return dao.load(libdao)


@pytest.fixture
def path(libdao):
    """A name for a stream; it and its semaphores are removed, as the library never does."""
    name = SHM / f"hil-{os.getpid()}-c{next(_numbers)}.im.shm"
    yield name
    program.remove_stream(name)


@pytest.fixture
def created(lib, path):
    """create(size, atype, depth, keywords): an open IMAGE and its bytes."""
    images = []

    def create(size=(2, 3), atype=UINT16, depth=4, keywords=0):
        image = Image()
        assert lib.daoShmImageCreate_FIFO(byref(image), bytes(path), len(size), axes(*size), atype,
                                          1, keywords, depth) == SUCCESS, lib.daoLastError()
        images.append(image)
        return image, Stream(mapped(path))

    yield create
    for image in images:
        if image.used:
            assert lib.daoShmCloseShm(byref(image)) == SUCCESS


def mapped(path):
    with open(path, "r+b") as file:
        return mmap.mmap(file.fileno(), 0)


def pixels(n, elements=6):
    return struct.pack(f"<{elements}H", *[(n * 1000 + i) % 65536 for i in range(elements)])


def write(lib, image, data):
    return lib.daoShmImage2Shm(data, len(data) // 2, byref(image))


def next_of(lib, image):
    frame = Frame()
    return lib.daoShmGetNextSegment(byref(image), *frame.outputs), frame


# ------------------------------------------------------------------------------------------ layout


def test_a_created_stream_has_the_bytes_of_the_reference(lib, path, created):
    before = time.time()
    old = os.umask(0o022)
    try:
        image, stream = created((2, 3), UINT16, depth=3, keywords=2)
    finally:
        os.umask(old)
    assert len(stream.memory) == 3 * (METADATA + 12) + 2 * KEYWORD == os.stat(path).st_size
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    for slot in range(3):
        name = bytes(stream.memory[slot * METADATA:slot * METADATA + 80])
        assert name == bytes(path).ljust(80, b"\0")
        wanted = {"naxis": 2, "size": (2, 3, 0), "nelement": 6, "atype": 3, "shared": 1, "NBkw": 2,
                  "sem": 10 if slot == 0 else 0, "fifo_size": 3 if slot == 0 else 0,
                  "fifo_last_written": 2 if slot == 0 else 0}
        wanted |= dict.fromkeys(["firstlong", "secondlong", "status", "logflag", "cnt0", "cnt1",
                                 "cnt2", "write", "lastPos", "lastNb", "packetNb",
                                 "packetTotal"], 0)
        assert {field: stream.get(field, slot) for field in wanted} == wanted
        assert before - 1 < stream.get("creation_time", slot) < time.time() + 1
        assert stream.get("last_access", slot) == stream.get("creation_time", slot)
        known = {108, 196, *range(80)}
        for offset, code in dao.FIELDS.values():
            known |= set(range(offset, offset + struct.calcsize("<" + code)))
        known |= set(range(108, 112)) | set(range(196, 200))  # padding that is ours to use
        rest = [slot * METADATA + i for i in range(METADATA) if i not in known]
        assert not any(stream.memory[i] for i in rest)
    assert not any(stream.memory[3 * METADATA:3 * (METADATA + 12)])
    records = bytes(stream.memory[3 * (METADATA + 12):])
    assert records == (b"\0" * 16 + b"N" + b"\0" * 103) * 2

    base = path.name.split(".")[0]
    assert {p.name for p in SHM.glob(f"sem.{base}_*")} == {
        f"sem.{base}_sem{i:02d}" for i in range(10)} | {f"sem.{base}_semlog"}
    assert (image.used, image.memsize) == (1, len(stream.memory))
    assert (image.fifo_last_read, image.fifo_last_read_cnt0) == (2, 0)


def test_an_image_shows_the_mapping(lib, path, created):
    image, stream = created((2, 3), UINT16, depth=3, keywords=1)
    assert ctypes.string_at(image.md, 80) == bytes(stream.memory[:80])
    assert image.array - image.md == 3 * METADATA
    assert image.kw - image.md == 3 * (METADATA + 12)
    assert write(lib, image, pixels(1)) == SUCCESS
    assert ctypes.string_at(image.array, 12) == pixels(1)


def test_the_c_structures_are_those_of_the_reference(tmp_path, libdao):
    offsets = {field: offset for field, (offset, _) in dao.FIELDS.items()
               if field not in ("firstlong", "secondlong")}
    image = {name: getattr(Image, name).offset for name, _ in Image._fields_}
    checks = [f'sizeof(IMAGE_METADATA) == {METADATA}', f'sizeof(IMAGE_KEYWORD) == {KEYWORD}',
              f'sizeof(IMAGE) == {IMAGE}', 'sizeof(int_fast8_t) == 1',
              'offsetof(IMAGE_METADATA, atime.tsfixed.secondlong) == 136',
              'offsetof(IMAGE_METADATA, lastNbArray) == 200',
              'offsetof(IMAGE_KEYWORD, type) == 16', 'offsetof(IMAGE_KEYWORD, value) == 24',
              'offsetof(IMAGE_KEYWORD, comment) == 40']
    checks += [f"offsetof(IMAGE_METADATA, {f}) == {o}" for f, o in offsets.items()]
    checks += [f"offsetof(IMAGE, {f}) == {o}" for f, o in image.items()]
    lines = [f'_Static_assert({check}, "{check}");' for check in checks]
    (tmp_path / "layout.c").write_text("#include <dao.h>\n#include <stddef.h>\n" + "\n".join(lines))
    done = compile_c(tmp_path / "layout.c", "-c", "-o", tmp_path / "layout.o")
    assert done.returncode == 0, done.stderr


def test_a_stream_of_depth_one_is_the_classic_one(lib, path):
    image = Image()
    assert lib.daoShmImageCreate(byref(image), bytes(path), 1, axes(4), FLOAT, 1, 0) == SUCCESS
    stream = Stream(mapped(path))
    assert (stream.depth, stream.get("naxis"), stream.get("size")) == (1, 1, (4, 0, 0))
    for n in (1, 2, 3):
        data = struct.pack("<4f", n, 0, 0, 0)
        assert lib.daoShmImage2Shm(data, 4, byref(image)) == SUCCESS
        assert (stream.get("cnt0"), stream.get("fifo_last_written")) == (n, 0)
        assert bytes(stream.memory[stream.pixels(0)]) == data
    assert lib.daoShmCloseShm(byref(image)) == SUCCESS


# ------------------------------------------------------------------------- the library as a writer


def test_frames_written_by_the_library_are_there_as_bytes(lib, created):
    image, stream = created(depth=4)
    for n in range(1, 11):
        earliest = time.clock_gettime_ns(time.CLOCK_REALTIME)
        assert write(lib, image, pixels(n)) == SUCCESS
        latest = time.clock_gettime_ns(time.CLOCK_REALTIME)
        slot = (n - 1) % 4
        assert stream.get("fifo_last_written") == slot
        assert (stream.get("cnt0", slot), stream.get("write", slot)) == (n, 0)
        assert stream.get("firstlong", slot) == 0
        assert earliest <= stream.get("secondlong", slot) <= latest
        assert bytes(stream.memory[stream.pixels(slot)]) == pixels(n)
        # The others keep what they held.
        held = {s: stream.get("cnt0", s) for s in range(4)}
        assert held == {s: max([k for k in range(1, n + 1) if (k - 1) % 4 == s], default=0)
                        for s in range(4)}
    assert lib.daoShmGetCounter(byref(image)) == 10


def test_less_than_a_frame_leaves_the_rest_of_the_slot(lib, created):
    image, stream = created(depth=1)
    assert write(lib, image, pixels(1)) == SUCCESS
    assert lib.daoShmImage2Shm(pixels(2), 2, byref(image)) == SUCCESS
    assert bytes(stream.memory[stream.pixels(0)]) == pixels(2)[:4] + pixels(1)[4:]
    assert stream.get("cnt0") == 2


def test_the_frame_id_of_the_application_is_kept(lib, created):
    image, stream = created(depth=2)
    stream.set("cnt2", 12345, slot=0)
    assert write(lib, image, pixels(1)) == SUCCESS
    assert stream.get("cnt2", 0) == 12345


def test_each_write_posts_each_semaphore_up_to_one(lib, created):
    image, _ = created()
    for _ in range(3):
        assert write(lib, image, pixels(1)) == SUCCESS
    for number in range(10):
        first, second = (lib.daoShmWaitForSemaphoreTimeout(byref(image), number,
                                                           byref(Timespec.after(0)))
                         for _ in range(2))
        assert (first, second) == (SUCCESS, TIMEOUT), number


def test_a_stream_is_taken_over_when_its_writer_is_gone(lib, path, created):
    image, stream = created(depth=4)
    for n in (1, 2):
        write(lib, image, pixels(n))
    second = Image()
    assert lib.daoShmShm2Img(bytes(path), byref(second)) == SUCCESS
    assert lib.daoShmCloseShm(byref(image)) == SUCCESS
    assert write(lib, second, pixels(3)) == SUCCESS
    assert (stream.get("fifo_last_written"), stream.get("cnt0", 2)) == (2, 3)
    assert lib.daoShmCloseShm(byref(second)) == SUCCESS


# ------------------------------------------------------------------------- the library as a reader


@pytest.fixture
def foreign(lib, path):
    """open(depth): a stream that this test writes by bytes, as the reference library would, opened
    by ours."""
    images = []

    def open_it(depth=4, size=(2, 3), atype=UINT16, keywords=0):
        path.write_bytes(stream_bytes(path, size, atype, depth, keywords))
        image = Image()
        assert lib.daoShmShm2Img(bytes(path), byref(image)) == SUCCESS, lib.daoLastError()
        images.append(image)
        return image, Stream(mapped(path))

    yield open_it
    for image in images:
        assert lib.daoShmCloseShm(byref(image)) == SUCCESS


def test_nothing_new_leaves_the_outputs_alone(lib, foreign):
    image, stream = foreign()
    status, frame = next_of(lib, image)
    assert (status, frame.place) == (NOTREADY, (77, 77))
    stream.write(pixels(1))
    assert next_of(lib, image)[0] == SUCCESS
    assert next_of(lib, image)[0] == NOTREADY


def test_frames_come_in_order(lib, foreign):
    image, stream = foreign(depth=4)
    n = 0
    for burst in (1, 2, 3, 1, 3, 2):
        first = n + 1
        for n in range(first, first + burst):
            stream.write(pixels(n))
        for k in range(first, n + 1):
            status, frame = next_of(lib, image)
            assert (status, frame.place) == (SUCCESS, ((k - 1) % 4, k))
            assert frame.bytes(12) == pixels(k)
            assert (image.fifo_last_read, image.fifo_last_read_cnt0) == frame.place
            assert lib.daoShmCheckSegmentOverwrite(byref(image)) == SUCCESS


@pytest.mark.parametrize("depth", [1, 2, 3, 8])
def test_the_threshold_of_an_overwrite_is_exact(lib, foreign, depth):
    image, stream = foreign(depth=depth)
    n = tail = 0
    for unread in [*range(1, depth + 1), depth + 1, 1, depth + 2, depth, 3 * depth + 1]:
        while n < tail + unread:
            n += 1
            stream.write(pixels(n))
        status, frame = next_of(lib, image)
        wanted = (SUCCESS, tail + 1) if unread <= depth else (OVERWRITE, n)
        assert (status, frame.counter.value) == wanted, unread
        assert frame.index.value == (wanted[1] - 1) % depth
        assert frame.bytes(12) == pixels(wanted[1])
        lib.daoShmResetTail(byref(image), None, None)
        tail = n


def test_the_newest_moves_no_tail(lib, foreign):
    image, stream = foreign(depth=4)
    for n in (1, 2, 3):
        stream.write(pixels(n))
    frame = Frame()
    assert lib.daoShmGetNewestSegment(byref(image), *frame.outputs) == SUCCESS
    assert frame.place == (2, 3) and frame.bytes(12) == pixels(3)
    assert lib.daoShmGetCounter(byref(image)) == 3
    assert next_of(lib, image)[1].place == (0, 1)
    # Each output may be left out.
    assert lib.daoShmGetNewestSegment(byref(image), None, None, None) == SUCCESS


def test_a_late_reader_begins_with_nothing_new(lib, path, foreign):
    _, stream = foreign(depth=4)
    for n in range(1, 7):
        stream.write(pixels(n))
    late = Image()
    assert lib.daoShmShm2Img(bytes(path), byref(late)) == SUCCESS
    assert (late.fifo_last_read, late.fifo_last_read_cnt0) == (1, 6)
    assert next_of(lib, late)[0] == NOTREADY
    stream.write(pixels(7))
    assert next_of(lib, late)[1].place == (2, 7)
    assert lib.daoShmCloseShm(byref(late)) == SUCCESS


def test_the_tail_can_be_reset_and_moved(lib, foreign):
    image, stream = foreign(depth=4)
    for n in range(1, 4):
        stream.write(pixels(n))
    index, counter = ctypes.c_uint32(), ctypes.c_uint64()
    assert lib.daoShmResetTail(byref(image), byref(index), byref(counter)) == SUCCESS
    assert (index.value, counter.value) == (2, 3)
    assert next_of(lib, image)[0] == NOTREADY
    # Programs move their tail in the IMAGE itself.
    image.fifo_last_read, image.fifo_last_read_cnt0 = 0, 1
    assert next_of(lib, image)[1].place == (1, 2)


def test_any_slot_can_be_looked_at(lib, foreign):
    image, stream = foreign(depth=4)
    for n in range(1, 7):
        stream.write(pixels(n))
    for index in (0, 1, 2, 3, 4, 7, 2**40 + 1):
        segment = ctypes.c_void_p()
        assert lib.daoShmGetArbitrarySegment(byref(image), byref(segment), index) == SUCCESS
        held = max(n for n in range(1, 7) if (n - 1) % 4 == index % 4)
        assert ctypes.string_at(segment.value, 12) == pixels(held)


def test_a_frame_that_was_overwritten_is_said_so(lib, foreign):
    image, stream = foreign(depth=2)
    stream.write(pixels(1))
    assert next_of(lib, image)[0] == SUCCESS
    stream.write(pixels(2))
    assert lib.daoShmCheckSegmentOverwrite(byref(image)) == SUCCESS  # the other slot
    stream.set("write", 1, slot=0)  # the next frame begins
    assert lib.daoShmCheckSegmentOverwrite(byref(image)) == OVERWRITE
    stream.write(pixels(3))
    assert lib.daoShmCheckSegmentOverwrite(byref(image)) == OVERWRITE
    lib.daoShmGetNewestSegment(byref(image), *Frame().outputs)
    assert lib.daoShmCheckSegmentOverwrite(byref(image)) == SUCCESS  # of the frame returned last


def test_a_reader_writes_nothing(lib, foreign):
    image, stream = foreign(depth=3, keywords=2)
    for n in (1, 2):
        stream.write(pixels(n))
    before = bytes(stream.memory)
    next_of(lib, image)
    lib.daoShmGetNewestSegment(byref(image), *Frame().outputs)
    lib.daoShmCheckSegmentOverwrite(byref(image))
    lib.daoShmResetTail(byref(image), None, None)
    lib.daoShmGetCounter(byref(image))
    assert bytes(stream.memory) == before


def test_counters_beyond_32_bits(lib, path):
    path.write_bytes(stream_bytes(path, (2, 3), UINT16, 2))
    stream = Stream(mapped(path))
    stream.set("cnt0", 2**32 - 2, slot=0)
    stream.set("cnt0", 2**32 - 1, slot=1)
    image = Image()
    assert lib.daoShmShm2Img(bytes(path), byref(image)) == SUCCESS
    for n in range(2**32, 2**32 + 3):
        stream.write(pixels(n))
        status, frame = next_of(lib, image)
        assert (status, frame.counter.value, frame.bytes(12)) == (SUCCESS, n, pixels(n))
    assert lib.daoShmCloseShm(byref(image)) == SUCCESS


# ------------------------------------------------------------------------------------------ waits


def waiting(call):
    """`call` in a thread that waits in the library; result(): what it returned, soon."""
    results = []
    # A daemon: a wait that never ends must not keep the tests from ending.
    thread = threading.Thread(target=lambda: results.append(call()), daemon=True)
    thread.start()
    time.sleep(0.05)  # long enough to be asleep most times; both ways must work

    def result():
        thread.join(timeout=10)
        assert results, "still waiting"
        return results[0]

    return result


@pytest.mark.parametrize("wait", ["next", "counter", "target"])
@pytest.mark.parametrize("writer", ["ours", "foreign"])
def test_waiting_readers_get_the_frame(lib, path, created, wait, writer):
    """A foreign writer rings no bell; it must be noticed all the same."""
    image, stream = created(depth=4)
    reader, frame = Image(), Frame()
    assert lib.daoShmShm2Img(bytes(path), byref(reader)) == SUCCESS
    result = waiting({
        "next": lambda: lib.daoShmWaitForNextSegment(byref(reader)),
        "counter": lambda: lib.daoShmWaitForCounter(byref(reader)),
        "target": lambda: lib.daoShmWaitForTargetCounter(byref(reader), 1)}[wait])
    if writer == "ours":
        assert write(lib, image, pixels(1)) == SUCCESS
    else:
        stream.write(pixels(1))
    assert result() == SUCCESS
    assert lib.daoShmGetNextSegment(byref(reader), *frame.outputs) == SUCCESS  # the tail stayed
    assert frame.place == (0, 1) and frame.bytes(12) == pixels(1)
    assert lib.daoShmCloseShm(byref(reader)) == SUCCESS


def test_a_counter_that_is_reached_is_not_waited_for(lib, created):
    image, _ = created()
    for n in (1, 2, 3):
        write(lib, image, pixels(n))
    assert [lib.daoShmWaitForTargetCounter(byref(image), n) for n in (0, 2, 3)] == [SUCCESS] * 3


def test_a_wait_for_a_semaphore_ends_in_time(lib, path, created):
    image, _ = created()
    reader = Image()  # an IMAGE is used by one thread at a time
    assert lib.daoShmShm2Img(bytes(path), byref(reader)) == SUCCESS
    begin = time.monotonic()
    until = Timespec.after(0.05)
    assert lib.daoShmWaitForSemaphoreTimeout(byref(image), 3, byref(until)) == TIMEOUT
    assert time.monotonic() - begin >= 0.045
    until = Timespec(0, 0)
    assert lib.daoShmWaitForSemaphoreTimeout(byref(image), 3, byref(until)) == TIMEOUT
    result = waiting(lambda: lib.daoShmWaitForSemaphore(byref(reader), 3))
    assert write(lib, image, pixels(1)) == SUCCESS
    assert result() == SUCCESS
    assert lib.daoShmCloseShm(byref(reader)) == SUCCESS


def test_a_stream_without_semaphores_is_read_but_not_waited_for_by_them(lib, foreign):
    image, stream = foreign()
    stream.write(pixels(1))
    assert next_of(lib, image)[0] == SUCCESS
    assert lib.daoShmWaitForSemaphoreTimeout(byref(image), 0, byref(Timespec.after(0))) == ERROR
    assert b"semaphore 0" in lib.daoLastError()


# ---------------------------------------------------------------------------------- hostile callers


def hostile(libdao, path, name):
    done = program.run("/usr/bin/python3", Path(__file__).with_name("dao_hostile.py"), libdao, path,
                       name, cwd="/", timeout=30)
    assert done.returncode == 0, f"died of {done.returncode}: {done.stderr}"
    code, text = done.stdout.split("\n", 1)
    return int(code), text.strip()


@pytest.mark.parametrize("name", [name for name in CALLS if name != "open"])
def test_a_hostile_call_is_an_error_with_a_message(libdao, path, name):
    code, text = hostile(libdao, path, name)
    assert code == ERROR
    assert text.startswith("dao") and "\n" not in text
    value = name.rpartition("-")[2]
    if value.isdigit() and "name" not in name:
        assert value in text, text


def with_field(field, value, slot=0, **options):
    def make(path):
        memory = stream_bytes(path, (2, 3), UINT16, 4, **options)
        Stream(memory).set(field, value, slot)
        return memory
    return make


def cut(length):
    return lambda path: stream_bytes(path, (2, 3), UINT16, 4)[:length]


def of_before_the_fifo(path):
    memory = stream_bytes(path, (2, 3), UINT16, 1)
    return memory[:4296] + memory[METADATA:]


HOSTILE_FILES = {
    "no bytes": (cut(0), "0 bytes"),
    "one byte": (cut(1), "1 bytes"),
    "less than one slot": (cut(4303), "4303"),
    "one slot of four": (cut(4304), "4304"),
    "last byte missing": (cut(-1), str(4 * (METADATA + 12) - 1)),
    "one byte more": (lambda path: stream_bytes(path, (2, 3), UINT16, 4) + b"x",
                      str(4 * (METADATA + 12) + 1)),
    "text": (lambda path: b"not a stream " * 1000, "naxis"),
    "zeros": (lambda path: bytes(20000), "naxis"),
    "ones": (lambda path: b"\xff" * 20000, "naxis"),
    "old layout": (of_before_the_fifo, "fifo_size"),
    "naxis 0": (with_field("naxis", 0), "naxis is 0"),
    "naxis 4": (with_field("naxis", 4), "naxis is 4"),
    "axis 0": (with_field("size", (2, 0, 0)), "size[1]"),
    "axes that overflow": (with_field("size", (2**32 - 1, 2**32 - 1, 2**32 - 1)), "size"),
    "nelement 0": (with_field("nelement", 0), "nelement is 0"),
    "nelement max": (with_field("nelement", 2**64 - 1), f"nelement is {2**64 - 1}"),
    "atype 0": (with_field("atype", 0), "atype is 0"),
    "atype 77": (with_field("atype", 77), "atype is 77"),
    "atype of wider pixels": (with_field("atype", 12), "bytes"),
    "NBkw 60000": (with_field("NBkw", 60000), "60000"),
    "fifo_size 0": (with_field("fifo_size", 0), "fifo_size is 0"),
    "fifo_size 10^6": (with_field("fifo_size", 10**6), "1000000"),
    "fifo_size max": (with_field("fifo_size", 2**32 - 1), str(2**32 - 1)),
    "fifo_size 5": (with_field("fifo_size", 5), "fifo_size 5"),
    "last_written 4": (with_field("fifo_last_written", 4), "fifo_last_written is 4"),
    "last_written max": (with_field("fifo_last_written", 2**32 - 1), str(2**32 - 1)),
    "200 semaphores": (with_field("sem", 200), "sem is 200"),
    "another slot of another size": (with_field("nelement", 7, slot=2), "slot 2"),
}


@pytest.mark.parametrize("make, word", HOSTILE_FILES.values(), ids=HOSTILE_FILES.keys())
def test_a_hostile_file_is_refused_by_field_and_value(libdao, path, make, word):
    path.write_bytes(make(path))
    code, text = hostile(libdao, path, "open")
    assert code == ERROR and str(path) in text and word in text, text


def test_a_named_pipe_is_not_waited_for(libdao, path):
    os.mkfifo(path)
    code, text = hostile(libdao, path, "open")
    assert code == ERROR and "not a regular file" in text


def test_errors_can_be_heard_or_not(lib, capfd):
    for level, heard in ((1, True), (0, True), (-1, False)):
        lib.daoSetLogLevel(level)
        assert lib.daoGetLogLevel() == level
        assert lib.daoShmShm2Img(b"/dev/shm/hil-none.im.shm", byref(Image())) == ERROR
        assert ("hil-none.im.shm" in capfd.readouterr().err) is heard
    assert b"hil-none.im.shm" in lib.daoLastError()


# ------------------------------------------------------------------------------------- a C program

PROGRAM = """
#include <dao.h>
#include <stdio.h>
#include <string.h>

#define CHECK(what) do { if (!(what)) { fprintf(stderr, "%s: %s\\n", #what, daoLastError()); \\
                                        return 1; } } while (0)

int main(int argc, char **argv) {
  IMAGE writer, reader;
  uint32_t size[2] = {4, 5}, index = 0;
  uint64_t counter = 0;
  uint16_t frame[20];
  void *segment = NULL;
  if (argc != 2) return 2;
  memset(&writer, 0, sizeof writer);
  memset(&reader, 0, sizeof reader);
  CHECK(daoShmImageCreate_FIFO(&writer, argv[1], 2, size, _DATATYPE_UINT16, 1, 0, 8)
        == DAO_SUCCESS);
  CHECK(daoShmShm2Img(argv[1], &reader) == DAO_SUCCESS);
  CHECK(daoShmGetNextSegment(&reader, &segment, &index, &counter) == DAO_NOTREADY);
  for (int n = 1; n <= 3; ++n) {
    for (int i = 0; i < 20; ++i) frame[i] = (uint16_t)(100 * n + i);
    CHECK(daoShmImage2Shm(frame, 20, &writer) == DAO_SUCCESS);
  }
  for (int n = 1; n <= 3; ++n) {
    CHECK(daoShmGetNextSegment(&reader, &segment, &index, &counter) == DAO_SUCCESS);
    CHECK(counter == (uint64_t)n && index == (uint32_t)(n - 1));
    CHECK(((uint16_t *)segment)[19] == 100 * n + 19);
    CHECK(reader.array.UI16[20 * index] == 100 * n && reader.md[index].cnt0 == counter);
    CHECK(daoShmCheckSegmentOverwrite(&reader) == DAO_SUCCESS);
  }
  for (int n = 0; n < 9; ++n) CHECK(daoShmImage2Shm(frame, 20, &writer) == DAO_SUCCESS);
  CHECK(daoShmGetNextSegment(&reader, &segment, &index, &counter) == DAO_OVERWRITE);
  CHECK(counter == 12);
  CHECK(daoShmCloseShm(&reader) == DAO_SUCCESS && reader.used == 0 && reader.md == NULL);
  CHECK(daoShmCloseShm(&writer) == DAO_SUCCESS);
  puts("good");
  return 0;
}
"""


def compile_c(source, *arguments):
    """As users do; with every warning, since the header stands in their code."""
    return program.run("gcc", "-std=c11", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Wextra",
                       "-Wpedantic", "-Werror", f"-I{ROOT / 'shm'}", source, *arguments,
                       cwd=source.parent)


@pytest.mark.parametrize("language", ["c11", "c99", "c++17"])
def test_a_c_program_is_compiled_linked_and_run(libdao, path, tmp_path, language):
    source = tmp_path / "program.c"
    source.write_text(PROGRAM)
    done = program.run("gcc", *(["-x", "c++"] if "++" in language else []), f"-std={language}",
                       "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Wextra", "-Werror",
                       f"-I{ROOT / 'shm'}", source, "-o", tmp_path / "program",
                       f"-L{libdao.parent}", "-ldao", f"-Wl,-rpath,{libdao.parent}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    done = program.run(tmp_path / "program", path, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "good\n"), done.stderr


def test_the_library_shows_the_c_names_only(libdao):
    done = program.run("nm", "-D", "--defined-only", libdao, cwd="/")
    names = {line.split()[-1].partition("@")[0] for line in done.stdout.splitlines()}
    assert names == {*dao.ARGUMENTS, "daoShmGetCounter", "daoLastError", "daoSetPatience",
                     "daoBaseGetTimeStamp", "daoBaseIp2Int", "daoLogLevel", "daoSetLogLevel",
                     "daoGetLogLevel", "daoLog", "daoLogSetLevel",
                     *(f"daoLog{kind}" for kind in ("Error", "Print", "Warning", "Info", "Debug",
                                                    "Trace"))}
