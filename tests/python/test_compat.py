"""Binary compatibility in both directions: libdao.so against the reference's layout and order of
stores, written down by hand in reference.py, within one process and across processes."""

import ctypes
import hashlib
import itertools
import os
import struct
import subprocess
import time
from contextlib import contextmanager
from ctypes import byref
from pathlib import Path

import pytest

import dao
import program
from compat_writer import frame
from dao import Frame, Image, axes
from program import SHM
from reference import (ELEMENT, KEYWORD, NOTREADY, OVERWRITE, SUCCESS, UNUSED, StructReader,
                       StructWriter, golden, keyword)

_numbers = itertools.count(1)

TYPES = range(1, 13)
SHAPES = [(7,), (3, 5), (2, 3, 4)]
DEPTHS = [1, 2, 3, 8, 100]
KEYWORDS = [keyword("GAIN", -3, "of the detector"), keyword("EXPOSURE", 0.5, "s"), UNUSED,
            keyword("FILTER", "a text of 16 by.", "x" * 79)]


@pytest.fixture
def lib(libdao):
    return dao.load(libdao)


@pytest.fixture
def path(libdao):
    name = SHM / f"hil-{os.getpid()}-m{next(_numbers)}.im.shm"
    yield name
    program.remove_stream(name)


def size_of(shape, atype):
    elements = 1
    for axis in shape:
        elements *= axis
    return elements * ELEMENT[atype]


@contextmanager
def opened(lib, path):
    image = Image()
    assert lib.daoShmShm2Img(bytes(path), byref(image)) == SUCCESS, lib.daoLastError()
    yield image
    assert lib.daoShmCloseShm(byref(image)) == SUCCESS


def create(lib, path, shape, atype, depth, keywords=0):
    """A stream as our library makes it."""
    image = Image()
    assert lib.daoShmImageCreate_FIFO(byref(image), bytes(path), len(shape), axes(*shape), atype, 1,
                                      keywords, depth) == SUCCESS, lib.daoLastError()
    assert lib.daoShmCloseShm(byref(image)) == SUCCESS


def field(memory, offset, code, slot=0):
    return struct.unpack_from("<" + code, memory, slot * 4304 + offset)[0]


def settled(memory, depth, ours=True):
    """The bytes without what no two runs have in common, after a look at that: the times, and what
    a writer of ours notes in two words of padding of slot 0."""
    memory = bytearray(memory)
    now = time.time()
    created = field(memory, 112, "d")
    for slot in range(depth):
        assert field(memory, 112, "d", slot) == field(memory, 120, "d", slot) == created
        assert created == 1e9 or now - 600 < created < now + 1
        written = field(memory, 136, "q", slot)
        assert (written != 0) == (field(memory, 152, "Q", slot) != 0)
        assert written == 0 or now - 600 < written * 1e-9 < now + 1
        struct.pack_into("<dd", memory, slot * 4304 + 112, 1e9, 1e9)
        struct.pack_into("<q", memory, slot * 4304 + 136, 0)
    if ours:
        struct.pack_into("<I", memory, 108, 0)
        struct.pack_into("<I", memory, 196, 0)
    return bytes(memory)


def assert_same(found, wanted):
    """As ==, naming the first byte that differs rather than both files."""
    assert len(found) == len(wanted)
    if found != wanted:
        at = next(i for i, (a, b) in enumerate(zip(found, wanted)) if a != b)
        raise AssertionError(f"byte {at} is {found[at]} instead of {wanted[at]}")


# ------------------------------------------------------------------------------ the golden files


SUMS = {
    ((7,), 1, 1, False):
        "a8a7633984ef6a078662163d40feb6dd488922cb6fec44d99758b4f3c30fdbd3",
    ((3, 5), 3, 1, True):
        "263d77ad379eb9cbff8d7c702885fd02fe0b0f32c94432e6f5328d670fdd2028",
    ((3, 5), 9, 8, False):
        "5cd464b90e25a2369a7d45a82ebea5c98507a08d1290ffb15873ffbbaeb8fb2e",
    ((2, 3, 4), 12, 3, True):
        "9b0b7f9d5172cf4d5200c68eeeb9f14dfb4eedc888dd4a8bd8b3f0ac215d5719",
    ((2, 3, 4), 8, 100, False):
        "b538ec94da1215572c78d5ece26d99d6a852fad5e98dd6dee0e8023ac741f6fe",
    ((240, 240), 3, 2, True):
        "592b1baef26ed6fcb5c1673e0c55ebe83b5735391167db1c6f47146b88f69f4a",
}


def golden_example(shape, atype, depth, keywords):
    frames = [frame(k, size_of(shape, atype)) for k in range(1, depth + 2)]
    return golden("/tmp/golden.im.shm", shape, atype, depth, KEYWORDS if keywords else (), frames,
                  times=[10**18 + k for k in range(len(frames))])


@pytest.mark.parametrize("example", SUMS, ids=str)
def test_the_golden_files_are_those_of_the_day_they_were_checked(example):
    assert hashlib.sha256(golden_example(*example)).hexdigest() == SUMS[example]


def test_a_golden_file_read_off_byte_by_byte():
    """The fields by their offsets, as numbers: the other way to write the layout down."""
    frames = [frame(k, 48) for k in range(1, 5)]
    memory = golden("/tmp/g.im.shm", (2, 3, 4), 3, 3, KEYWORDS, frames, created=1.5, times=[5] * 4)
    assert len(memory) == 3 * (4304 + 48) + 4 * 120
    for slot in range(3):
        begin = slot * 4304
        wanted = bytearray(4304)
        wanted[0:13] = b"/tmp/g.im.shm"
        wanted[80] = 3
        wanted[84:96] = bytes([2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0])
        wanted[96] = 24
        wanted[104] = 3
        wanted[112:120] = wanted[120:128] = bytes([0, 0, 0, 0, 0, 0, 0xf8, 0x3f])  # 1.5
        wanted[136] = 5
        wanted[144] = 1
        wanted[148] = 10 if slot == 0 else 0
        wanted[152] = [4, 2, 3][slot]
        wanted[178] = 4
        if slot == 0:
            wanted[4296] = 3
            wanted[4300] = 0  # frame 4 lies in slot 0
        assert_same(memory[begin:begin + 4304], wanted)
        pixels = 3 * 4304 + slot * 48
        assert memory[pixels:pixels + 48] == frames[[4, 2, 3][slot] - 1]
    record = memory[3 * (4304 + 48):][:120]
    assert record == (b"GAIN".ljust(16, b"\0") + b"L" + bytes(7) + b"\xfd" + b"\xff" * 7 + bytes(8)
                      + b"of the detector".ljust(80, b"\0"))
    unused = memory[-240:-120]
    assert unused == bytes(16) + b"N" + bytes(103)


# ------------------------------------------------------------------------------------- our library


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_stream_created_by_the_library_is_the_golden_file(lib, path, shape, depth):
    for atype, keywords in itertools.product(TYPES, (0, 1, 5)):
        create(lib, path, shape, atype, depth, keywords)
        found = path.read_bytes()
        wanted = golden(str(path), shape, atype, depth, [UNUSED] * keywords)
        assert_same(settled(found, depth, ours=False), wanted)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_library_reads_and_continues_a_golden_file(lib, path, shape, depth):
    """With no frame in it, some, exactly a ring full, and more."""
    for atype, written in itertools.product(TYPES, sorted({0, 1, depth, depth + 1, 2 * depth + 1})):
        size = size_of(shape, atype)
        frames = [frame(k, size) for k in range(1, written + 3)]
        times = [time.time_ns()] * len(frames)
        before = golden(str(path), shape, atype, depth, KEYWORDS, frames[:written],
                        times=times[:written])
        path.write_bytes(before)
        with opened(lib, path) as image:
            newest = Frame()
            lib.daoShmGetNewestSegment(byref(image), *newest.outputs)
            assert newest.place == ((written - 1) % depth, written)
            assert newest.bytes(size) == (frames[written - 1] if written else bytes(size))
            got = Frame()
            assert lib.daoShmGetNextSegment(byref(image), *got.outputs) == NOTREADY
            records = ctypes.string_at(image.kw, len(KEYWORDS) * 120)
            assert records == b"".join(KEYWORD.pack(*record) for record in KEYWORDS)
            assert_same(path.read_bytes(), before)  # reading leaves no trace

            StructWriter(path).write(frames[written])
            assert lib.daoShmGetNextSegment(byref(image), *got.outputs) == SUCCESS
            assert got.place == (written % depth, written + 1)
            assert got.bytes(size) == frames[written]

            elements = size // ELEMENT[atype]
            assert lib.daoShmImage2Shm(frames[written + 1], elements, byref(image)) == SUCCESS
        assert_same(settled(path.read_bytes(), depth),
                    golden(str(path), shape, atype, depth, KEYWORDS, frames))


def test_keywords_written_through_the_image_are_the_golden_records(lib, path):
    create(lib, path, (3, 5), 3, 2, len(KEYWORDS))
    with opened(lib, path) as image:
        ctypes.memmove(image.kw, b"".join(KEYWORD.pack(*record) for record in KEYWORDS), 4 * 120)
    assert_same(settled(path.read_bytes(), 2), golden(str(path), (3, 5), 3, 2, KEYWORDS))


# ------------------------------------------------------------- who creates, who writes, who reads


class OurWriter:
    def __init__(self, lib, path, atype):
        self.lib, self.image, self.atype = lib, Image(), atype
        assert lib.daoShmShm2Img(bytes(path), byref(self.image)) == SUCCESS

    def write(self, pixels):
        assert self.lib.daoShmImage2Shm(pixels, len(pixels) // ELEMENT[self.atype],
                                        byref(self.image)) == SUCCESS

    def close(self):
        assert self.lib.daoShmCloseShm(byref(self.image)) == SUCCESS


class OurReader:
    """The calls of StructReader by our library."""

    def __init__(self, lib, path, size):
        self.lib, self.image, self.size = lib, Image(), size
        assert lib.daoShmShm2Img(bytes(path), byref(self.image)) == SUCCESS
        self.last = Frame()

    def next(self):
        status = self.lib.daoShmGetNextSegment(byref(self.image), *self.last.outputs)
        return (status, None, None) if status == NOTREADY else (status, *self.last.place)

    def frame(self, _):
        return self.last.bytes(self.size)

    def check(self):
        return self.lib.daoShmCheckSegmentOverwrite(byref(self.image))

    def close(self):
        assert self.lib.daoShmCloseShm(byref(self.image)) == SUCCESS


SIDES = ["ours", "struct"]


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("reader", SIDES)
@pytest.mark.parametrize("writer", SIDES)
@pytest.mark.parametrize("creator", SIDES)
def test_any_creator_with_any_writer_and_any_reader(lib, path, creator, writer, reader, depth):
    shape = (3, 5)
    for atype in TYPES:
        size = size_of(shape, atype)
        if creator == "ours":
            create(lib, path, shape, atype, depth)
        else:
            path.write_bytes(golden(str(path), shape, atype, depth))
        out = StructWriter(path) if writer == "struct" else OurWriter(lib, path, atype)
        back = StructReader(path) if reader == "struct" else OurReader(lib, path, size)
        frames = []

        def write(number):
            for _ in range(number):
                frames.append(frame(len(frames) + 1, size))
                out.write(frames[-1])

        assert back.next()[0] == NOTREADY
        read = 0
        for burst in (1, depth, max(1, depth - 1), depth):
            write(burst)
            while read < len(frames):
                read += 1
                assert back.next() == (SUCCESS, (read - 1) % depth, read)
                assert back.frame((read - 1) % depth) == frames[read - 1]
                assert back.check() == SUCCESS
            assert back.next()[0] == NOTREADY
        write(depth + 1)
        assert back.next() == (OVERWRITE, (len(frames) - 1) % depth, len(frames))
        assert back.frame((len(frames) - 1) % depth) == frames[-1]
        assert back.check() == SUCCESS
        write(depth)
        assert back.check() == OVERWRITE

        ours = writer == "ours" or reader == "ours"  # a reader of ours may announce its sleep
        assert_same(settled(path.read_bytes(), depth, ours),
                    golden(str(path), shape, atype, depth, (), frames))
        for side in (out, back):
            if isinstance(side, (OurWriter, OurReader)):
                side.close()
            elif isinstance(side, StructWriter):
                side.semaphores.close()


@pytest.mark.parametrize("depth", DEPTHS)
def test_between_any_two_stores_of_the_reference_every_frame_is_read_once(lib, path, depth):
    size = size_of((3, 5), 3)
    path.write_bytes(golden(str(path), (3, 5), 3, depth))
    writer, reader = StructWriter(path), OurReader(lib, path, size)
    read = 0
    for k in range(1, 3 * depth + 3):
        for _ in writer.steps(frame(k, size)):
            status, slot, counter = reader.next()
            assert status in (SUCCESS, NOTREADY)
            if status == SUCCESS:
                read += 1
                assert (slot, counter) == ((read - 1) % depth, read)
                assert reader.frame(slot) == frame(read, size)
        assert read == k
    reader.close()


def test_the_struct_writer_posts_our_semaphores_up_to_one(lib, path):
    create(lib, path, (3, 5), 3, 4)
    with opened(lib, path) as image:
        writer = StructWriter(path)
        assert len(writer.semaphores.handles) == 11
        for k in range(3):
            writer.write(frame(k, 30))
        for number in range(10):
            taken = [lib.daoShmWaitForSemaphoreTimeout(byref(image), number,
                                                       byref(dao.Timespec.after(0)))
                     for _ in range(2)]
            assert taken == [dao.SUCCESS, dao.TIMEOUT], number
        writer.semaphores.close()


# --------------------------------------------------------------------------------- two processes


@contextmanager
def writing(side, path, frames, credit):
    """compat_writer.py as a process; ends well only if it has written all its frames."""
    process = program.start("/usr/bin/python3", Path(__file__).with_name("compat_writer.py"), side,
                            path, frames, credit, cwd="/", text=False, stdin=subprocess.PIPE)
    try:
        yield process
        process.stdin.close()
        process.stdin = None
        _, complaints = process.communicate(timeout=60)
        assert process.returncode == 0, complaints.decode()
    finally:
        process.kill()
        process.communicate()


def next_frame(reader, process):
    """What next() says when it says something, with a limit for tests that fail."""
    deadline = time.monotonic() + 60
    while True:
        answer = reader.next()
        if answer[0] != NOTREADY:
            return answer
        assert time.monotonic() < deadline, "no frame"
        assert process.poll() in (None, 0), process.stderr.read().decode()
        time.sleep(0)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("direction", ["struct writes", "ours writes"])
def test_every_frame_arrives_in_another_process(lib, libdao, path, direction, depth):
    """The writer runs ahead as far as the ring allows. The check after use is never a false alarm,
    since the slot of an unread frame is never claimed."""
    shape, atype = {1: ((7,), 10), 2: ((3, 5), 3), 3: ((2, 3, 4), 12), 8: ((64, 64), 3),
                    100: ((16, 16), 9)}[depth]
    size = size_of(shape, atype)
    frames = 1500
    create(lib, path, shape, atype, depth)
    if direction == "struct writes":
        side, reader = "struct", OurReader(lib, path, size)
    else:
        side, reader = libdao, StructReader(path)
    with writing(side, path, frames, depth) as process:
        for k in range(1, frames + 1):
            assert next_frame(reader, process) == (SUCCESS, (k - 1) % depth, k)
            assert reader.frame((k - 1) % depth) == frame(k, size)
            assert reader.check() == SUCCESS
            if k <= frames - depth:
                os.write(process.stdin.fileno(), b"+")
    last = [frame(k, size) for k in range(1, frames + 1)]
    assert_same(settled(path.read_bytes(), depth), golden(str(path), shape, atype, depth, (), last))
    if direction == "struct writes":
        reader.close()


@pytest.mark.parametrize("depth", [1, 2, 8])
def test_a_reference_reader_overrun_by_our_writer_is_told(lib, libdao, path, depth):
    """Flat out: counters never go back, no skip goes unsaid, and a frame that the check after use
    calls good is good."""
    shape, atype, frames = (64, 64), 3, 6000
    size = size_of(shape, atype)
    create(lib, path, shape, atype, depth)
    reader = StructReader(path)
    with writing(libdao, path, frames, frames) as process:
        last = good = 0
        while last < frames:
            status, slot, counter = next_frame(reader, process)
            pixels = reader.frame(slot)
            assert counter == last + 1 if status == SUCCESS else counter > last
            last = counter
            if reader.check() == SUCCESS:
                good += 1
                assert pixels == frame(counter, size), counter
    assert good > 0
