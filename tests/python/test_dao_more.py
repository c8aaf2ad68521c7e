"""The C names beyond whole frames: parts, quiet writes, sums, semaphores, private images, logs,
waits whose writer dies."""

import ctypes
import os
import re
import signal
import struct
import subprocess
import threading
import time
from ctypes import byref

import pytest

import dao
import program
from dao import ERROR, FLOAT, NOTREADY, SUCCESS, TIMEOUT, UINT16, Frame, Image, Stream, Timespec, axes
from test_dao_c import created, lib, mapped, next_of, path, pixels, write  # noqa: F401 (fixtures)


def opened(lib, path):
    image = Image()
    assert lib.daoShmShm2Img(bytes(path), byref(image)) == SUCCESS
    return image


def part(lib, image, data, position, packet, of=3, frame=7):
    return lib.daoShmImagePart2Shm(data, len(data) // 2, byref(image), position, packet, of, frame)


# ---------------------------------------------------------------------------------------- in parts


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_packets_are_one_frame_and_marked_until_it_is_whole(lib, path, created, depth):
    image, stream = created(depth=depth)
    reader = opened(lib, path)
    data = pixels(1)
    for packet in range(3):
        assert part(lib, image, data[4 * packet:4 * packet + 4], 2 * packet, packet) == SUCCESS
        # The reference clears the mark between packets, so that a half frame looks whole.
        assert stream.get("write") == 1 and stream.get("cnt0") == 0
        assert [stream.get(name) for name in ("lastPos", "lastNb", "packetNb", "packetTotal")] == [
            2 * packet, 2, packet, 3]
        assert struct.unpack_from("<Q", stream.memory, 200 + 8 * packet) == (7,)
        status, _ = next_of(lib, reader)
        assert status == NOTREADY
    assert lib.daoShmImagePart2ShmFinalize(byref(image)) == SUCCESS
    assert stream.get("write") == 0 and stream.get("cnt0") == 1
    status, frame = next_of(lib, reader)
    assert status == SUCCESS and frame.place == (0, 1) and frame.bytes(12) == data
    lib.daoShmCloseShm(byref(reader))


@pytest.mark.parametrize("depth", [1, 3])
def test_a_quiet_write_is_published_by_the_next_finalize(lib, path, created, depth):
    image, stream = created(depth=depth)
    reader = opened(lib, path)
    for n in (1, 2, 3, 4):
        assert lib.daoShmImage2ShmQuiet(pixels(n), 6, byref(image)) == SUCCESS
        assert next_of(lib, reader)[0] == NOTREADY
        assert lib.daoShmImagePart2ShmFinalize(byref(image)) == SUCCESS
        status, frame = next_of(lib, reader)
        assert status == SUCCESS and frame.place == ((n - 1) % depth, n)
        assert frame.bytes(12) == pixels(n)
    lib.daoShmCloseShm(byref(reader))


def test_finalize_alone_publishes_what_the_caller_has_stored(lib, path, created):
    """Old programs store into image->array and then finalize."""
    image, stream = created(depth=1)
    reader = opened(lib, path)
    for n in (1, 2):
        ctypes.memmove(image.array, pixels(n), 12)
        assert lib.daoShmImagePart2ShmFinalize(byref(image)) == SUCCESS
        status, frame = next_of(lib, reader)
        assert status == SUCCESS and frame.place == (0, n) and frame.bytes(12) == pixels(n)
    lib.daoShmCloseShm(byref(reader))


def test_timestamp_counts_at_depth_1_and_restamps_deeper(lib, created):
    image, stream = created(depth=1)
    write(lib, image, pixels(1))
    first = stream.get("secondlong")
    assert lib.daoShmTimestampShm(byref(image)) == SUCCESS
    assert stream.get("cnt0") == 2 and stream.get("secondlong") > first


def test_timestamp_restamps_the_newest(lib, created):
    image, stream = created(depth=3)
    write(lib, image, pixels(1))
    write(lib, image, pixels(2))
    times = [stream.get("secondlong", slot) for slot in (0, 1)]
    assert lib.daoShmTimestampShm(byref(image)) == SUCCESS
    assert stream.get("secondlong", 0) == times[0] and stream.get("secondlong", 1) > times[1]
    assert [stream.get("cnt0", slot) for slot in (0, 1, 2)] == [1, 2, 0]


# -------------------------------------------------------------------------------------------- sums


@pytest.mark.parametrize("atype, code", [(1, "B"), (2, "b"), (3, "H"), (4, "h"), (5, "I"), (6, "i"),
                                         (7, "Q"), (8, "q"), (9, "f"), (10, "d"), (11, "ff"),
                                         (12, "dd")])
def test_the_sum_of_the_newest_frames(lib, tmp_path, atype, code):
    images, streams = [], []
    size = struct.calcsize(f"<{code}")
    numbers = len(code) * 4

    def data(values):
        return struct.pack(f"<{numbers}{code[0]}", *values)

    try:
        for n in range(4):
            stream = program.SHM / f"hil-{os.getpid()}-sum{n}.im.shm"
            streams.append(stream)
            image = Image()
            assert lib.daoShmImageCreate_FIFO(byref(image), bytes(stream), 1, axes(4), atype, 1, 0,
                                              n + 1) == SUCCESS
            images.append(image)
        for n, image in enumerate(images[:3]):
            for scale in (9, 1):  # the newest counts
                frame = data([scale * (n + 1 + k) for k in range(numbers)])
                assert lib.daoShmImage2Shm(frame, 4, byref(image)) == SUCCESS
        cube = (ctypes.POINTER(Image) * 3)(*(ctypes.pointer(image) for image in images[:3]))
        assert lib.daoShmCombineShm2Shm(cube, byref(images[3]), 3, 4) == SUCCESS
        status, frame = next_of(lib, images[3])
        assert status == SUCCESS and frame.place == (0, 1)
        assert frame.bytes(4 * size) == data([6 + 3 * k for k in range(numbers)])
        # A part of the elements: the rest of the slot keeps what it held.
        assert lib.daoShmCombineShm2Shm(cube, byref(images[3]), 1, 1) == SUCCESS
    finally:
        for image in images:
            lib.daoShmCloseShm(byref(image))
        for stream in streams:
            program.remove_stream(stream)


def test_types_are_not_mixed_in_a_sum(lib, path, created):
    image, _ = created()
    other = Image()
    name = program.SHM / f"hil-{os.getpid()}-mixed.im.shm"
    assert lib.daoShmImageCreate(byref(other), bytes(name), 2, axes(2, 3), FLOAT, 1, 0) == SUCCESS
    cube = (ctypes.POINTER(Image) * 1)(ctypes.pointer(other))
    assert lib.daoShmCombineShm2Shm(cube, byref(image), 1, 6) == ERROR
    assert b"f32" in lib.daoLastError() and b"u16" in lib.daoLastError()
    lib.daoShmCloseShm(byref(other))
    program.remove_stream(name)


# -------------------------------------------------------------------------- creating, in other ways


def test_init_1d_is_a_float_column(lib, path):
    images = ctypes.POINTER(Image)()
    assert lib.daoShmInit1D(bytes(path), 5, byref(images)) == SUCCESS
    stream = Stream(mapped(path))
    assert (stream.get("atype"), stream.get("naxis"), stream.get("size")) == (FLOAT, 2, (5, 1, 0))
    assert [images[n].used for n in range(10)] == [1] + [0] * 9
    assert lib.daoShmCloseShm(byref(images[0])) == SUCCESS
    ctypes.CDLL(None).free(images)
    program.remove_stream(path)


def test_a_private_image_has_the_same_functions_and_no_file(lib, path):
    before = set(os.listdir("/dev/shm"))
    image, frame = Image(), Frame()
    assert lib.daoShmImageCreate_FIFO(byref(image), bytes(path), 2, axes(2, 3), UINT16, 0, 2,
                                      3) == SUCCESS
    assert set(os.listdir("/dev/shm")) == before
    for n in range(1, 6):
        assert write(lib, image, pixels(n)) == SUCCESS
    assert lib.daoShmGetNewestSegment(byref(image), *frame.outputs) == SUCCESS
    assert frame.place == (1, 5) and frame.bytes(12) == pixels(5)
    assert next_of(lib, image)[0] == dao.OVERWRITE
    assert lib.daoShmGetCounter(byref(image)) == 5
    assert lib.daoShmWaitForSemaphore(byref(image), 0) == ERROR
    assert lib.daoShmCloseShm(byref(image)) == SUCCESS


def test_the_images_of_one_process_write_in_turn(lib, path, created):
    first, stream = created(depth=3)
    second = opened(lib, path)
    reader = opened(lib, path)
    for n in range(1, 8):
        assert write(lib, (first, second)[n % 2], pixels(n)) == SUCCESS
        status, frame = next_of(lib, reader)
        assert status == SUCCESS and frame.place == ((n - 1) % 3, n) and frame.bytes(12) == pixels(n)
    for image in (second, reader):
        assert lib.daoShmCloseShm(byref(image)) == SUCCESS


def test_who_creates_is_not_yet_the_writer(lib, libdao, path, created):
    """A set-up script creates, the camera's process writes."""
    created(depth=2)
    code = ("import sys, ctypes; sys.path.insert(0, sys.argv[3]); import dao; lib = dao.load(sys.argv[1])\n"
            "image = dao.Image(); assert lib.daoShmShm2Img(sys.argv[2].encode(), image) == 0\n"
            "assert lib.daoShmImage2Shm(b'x' * 12, 6, image) == 0, lib.daoLastError()")
    done = program.run("/usr/bin/python3", "-c", code, libdao, path, program.ROOT / "tests/python",
                       cwd="/")
    assert done.returncode == 0, done.stderr
    assert Stream(mapped(path)).get("cnt0") == 1


def test_created_anew_by_the_same_process(lib, path, created):
    first, _ = created(depth=2)
    write(lib, first, pixels(1))
    second, stream = created(depth=3)
    assert write(lib, first, pixels(2)) == ERROR
    assert b"created it anew" in lib.daoLastError()
    assert write(lib, second, pixels(1)) == SUCCESS and stream.get("cnt0") == 1


def test_the_writer_of_a_removed_stream_is_told_once(lib, path, created, capfd):
    image, _ = created(depth=2)
    reader = opened(lib, path)
    assert write(lib, image, pixels(1)) == SUCCESS
    lib.daoSetLogLevel(0)  # warnings
    os.unlink(path)
    said, give_up = "", time.monotonic() + 20
    while "has been replaced or removed" not in said:
        assert time.monotonic() < give_up, said
        assert write(lib, image, pixels(2)) == SUCCESS  # for those who have it open
        said += capfd.readouterr().err
        time.sleep(0.01)
    assert str(path) in said and next_of(lib, reader)[0] != NOTREADY
    give_up = time.monotonic() + 2.5  # looks come once a second
    while time.monotonic() < give_up:
        write(lib, image, pixels(3))
        time.sleep(0.01)
    assert capfd.readouterr().err == ""
    lib.daoSetLogLevel(-1)
    lib.daoShmCloseShm(byref(reader))


# -------------------------------------------------------------------------------------- semaphores


def test_semaphores_are_posted_up_to_1(lib, created):
    image, _ = created()
    for _ in range(3):
        assert lib.daoSemPost(byref(image), 3) == SUCCESS
    soon = Timespec.after(0.01)
    assert lib.daoShmWaitForSemaphoreTimeout(byref(image), 3, byref(soon)) == SUCCESS
    assert lib.daoShmWaitForSemaphoreTimeout(byref(image), 3, byref(soon)) == TIMEOUT
    assert lib.daoShmWaitForSemaphoreTimeout(byref(image), 4, byref(soon)) == TIMEOUT
    assert lib.daoSemPostAll(byref(image)) == SUCCESS
    for number in range(10):
        assert lib.daoShmWaitForSemaphoreTimeout(byref(image), number, byref(soon)) == SUCCESS
    assert lib.daoSemLogPost(byref(image)) == SUCCESS


def test_semaphores_can_be_made_again(lib, path, created):
    image, stream = created()
    base = path.name.split(".")[0]
    for number in range(10):
        os.unlink(f"/dev/shm/sem.{base}_sem{number:02}")
    assert lib.daoImageCreateSem(byref(image), 4) == SUCCESS
    assert stream.get("sem") == 4
    assert all(os.path.exists(f"/dev/shm/sem.{base}_sem{number:02}") for number in range(10))
    assert lib.daoSemPost(byref(image), 0) == SUCCESS


# ------------------------------------------------------------------------------------ a dead writer

WRITER = """
import sys, time
sys.path.insert(0, sys.argv[3])
import dao
lib = dao.load(sys.argv[1])
image = dao.Image()
assert lib.daoShmShm2Img(sys.argv[2].encode(), image) == 0
assert lib.daoShmImage2Shm(b"y" * 12, 6, image) == 0, lib.daoLastError()
print("wrote", flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("wait", ["next", "counter", "target", "semaphore"])
def test_nobody_waits_for_ever_on_a_writer_that_died(lib, libdao, path, created, wait):
    image, _ = created(depth=2)
    reader = opened(lib, path)
    writer = program.start("/usr/bin/python3", "-c", WRITER, libdao, path,
                           program.ROOT / "tests/python", cwd="/", stderr=subprocess.DEVNULL)
    assert writer.stdout.readline() == "wrote\n"
    next_of(lib, reader)
    if wait == "semaphore":
        lib.daoShmWaitForSemaphore(byref(reader), 0)
    lib.daoSetPatience(0.2)
    results = []
    calls = {"next": lambda: lib.daoShmWaitForNextSegment(byref(reader)),
             "counter": lambda: lib.daoShmWaitForCounter(byref(reader)),
             "target": lambda: lib.daoShmWaitForTargetCounter(byref(reader), 99),
             "semaphore": lambda: lib.daoShmWaitForSemaphore(byref(reader), 0)}

    def waiting():
        results.append((calls[wait](), lib.daoLastError()))

    thread = threading.Thread(target=waiting, daemon=True)
    thread.start()
    # It sees a living writer first: the wait looks at once and every 100 ms.
    thread.join(timeout=0.5)
    assert not results
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    thread.join(timeout=20)
    assert results and results[0][0] == ERROR and b"its writer has gone" in results[0][1]
    # Who takes over goes on counting, and the reader with it.
    assert write(lib, image, pixels(2)) == SUCCESS
    status, frame = next_of(lib, reader)
    assert status == SUCCESS and frame.place == (1, 2)
    lib.daoSetPatience(1)
    lib.daoShmCloseShm(byref(reader))


def test_at_depth_1_the_next_is_waited_for_until_it_is_whole(lib, path, created):
    """Counted, but in the slot that is being rewritten: a caller would be sent round in circles."""
    image, stream = created(depth=1)
    reader = opened(lib, path)
    write(lib, image, pixels(1))
    assert part(lib, image, pixels(2), 0, 0) == SUCCESS  # the unread frame 1 is gone
    results = []
    thread = threading.Thread(target=lambda: results.append(lib.daoShmWaitForNextSegment(
        byref(reader))), daemon=True)
    thread.start()
    thread.join(timeout=0.2)
    assert not results
    assert lib.daoShmImagePart2ShmFinalize(byref(image)) == SUCCESS
    thread.join(timeout=20)
    assert results == [SUCCESS]
    status, frame = next_of(lib, reader)
    assert status == dao.OVERWRITE and frame.place == (0, 2)
    lib.daoShmCloseShm(byref(reader))


def test_a_replaced_stream_is_not_waited_for(lib, path, created):
    image, _ = created(depth=2)
    reader = opened(lib, path)
    created(depth=4)
    assert lib.daoShmWaitForNextSegment(byref(reader)) == ERROR
    assert b"replaced" in lib.daoLastError()
    lib.daoShmCloseShm(byref(reader))


# -------------------------------------------------------------------------------------------- logs

LOGS = r"""
#include <dao.h>
int main(void) {
  daoError("e %d\n", 1);
  daoWarning("w %s\n", "two");
  daoInfo("i\n");
  daoDebug("d\n");
  daoPrint("p %d\n", 3);
  daoSetLogLevel(DAO_TRACE);
  daoDebug("d2\n");
  daoTrace("t\n");
  daoLog(LOG_LEVEL_INFO, "f %d %s\n", 4, "four");
  daoLogInfo("g %d\n", 5);
  daoLogDebug("hidden\n");
  daoLogSetLevel(LOG_LEVEL_DEBUG);
  daoLogDebug("h %d\n", 6);
  daoLogTrace("hidden\n");
  printf("%u %u\n", daoBaseIp2Int("10.0.0.1"), daoBaseIp2Int("10.0.x"));
  return 0;
}
"""


@pytest.mark.parametrize("compiler", [["gcc", "-std=gnu11"], ["g++", "-x", "c++", "-std=c++17"]],
                         ids=["c", "c++"])
def test_macros_and_functions_log(libdao, tmp_path, compiler):
    source = tmp_path / "logs.c"
    source.write_text(LOGS)
    # Two files of one program may include the header: nothing is defined in it.
    second = tmp_path / "second.c"
    second.write_text("#include <dao.h>\nint unused(void) { return daoLogLevel; }\n")
    done = program.run(*compiler, "-Wall", f"-I{program.ROOT / 'shm'}", source, second, "-o",
                       tmp_path / "logs", f"-L{libdao.parent}", "-ldao",
                       f"-Wl,-rpath,{libdao.parent}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    done = program.run(tmp_path / "logs", cwd=tmp_path)
    out = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    err = re.sub(r"\x1b\[[0-9;]*m", "", done.stderr)
    stamp = r"\d{4}-\d\d-\d\d_\d\d:\d\d:\d\d:\d{6}"
    assert re.fullmatch(stamp + r" \[error\] logs\.c:main:4: e 1\n", err), err
    assert re.fullmatch(
        stamp + r" \[warning\] logs\.c:main:5: w two\n" + stamp + r" \[info\] logs\.c:main:6: i\n"
        r"main:8: p 3\n" + stamp + r" \[debug\] logs\.c:main:10: d2\n" + stamp
        + r" \[trace\] logs\.c:main:11: t\n\[" + stamp + r"\] \[INFO\] f 4 four\n\[" + stamp
        + r"\] \[INFO\] g 5\n\[" + stamp + r"\] \[DEBUG\] h 6\n167772161 1\n", out), out


def test_a_program_with_a_log_level_of_its_own(libdao, tmp_path):
    """One that was compiled with the reference's header, which defines the variable."""
    source = tmp_path / "own.c"
    source.write_text("int daoLogLevel = 1;\nvoid daoSetLogLevel(int);\nint daoGetLogLevel(void);\n"
                      "int main(void) { daoSetLogLevel(3); return daoLogLevel != 3 || "
                      "daoGetLogLevel() != 3; }\n")
    done = program.run("gcc", source, "-o", tmp_path / "own", f"-L{libdao.parent}", "-ldao",
                       f"-Wl,-rpath,{libdao.parent}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert program.run(tmp_path / "own", cwd=tmp_path).returncode == 0
