"""One call that a program should not make, in a process of its own.

usage: dao_hostile.py LIBRARY STREAM NAME; prints the code and daoLastError()."""

import ctypes
import os
import sys
from ctypes import byref

import dao
from dao import FLOAT, Frame, Image, Timespec, axes


def on_image(call):
    """`call` with no IMAGE, one that was never opened, and one that was closed."""
    def null(lib, _):
        return call(lib, None)

    def zeroed(lib, _):
        return call(lib, byref(Image()))

    def closed(lib, stream):
        image = Image()
        assert lib.daoShmImageCreate(byref(image), stream, 1, axes(4), FLOAT, 1, 0) == 0
        assert lib.daoShmCloseShm(byref(image)) == 0
        return call(lib, byref(image))

    return {"null": null, "zeroed": zeroed, "closed": closed}


FOUR = (ctypes.c_float * 4)(1, 2, 3, 4)
PER_IMAGE = {
    "close": lambda lib, i: lib.daoShmCloseShm(i),
    "write": lambda lib, i: lib.daoShmImage2Shm(FOUR, 4, i),
    "newest": lambda lib, i: lib.daoShmGetNewestSegment(i, *Frame().outputs),
    "next": lambda lib, i: lib.daoShmGetNextSegment(i, *Frame().outputs),
    "wait_next": lambda lib, i: lib.daoShmWaitForNextSegment(i),
    "quiet": lambda lib, i: lib.daoShmImage2ShmQuiet(FOUR, 4, i),
    "finalize": lambda lib, i: lib.daoShmImagePart2ShmFinalize(i),
    "timestamp": lambda lib, i: lib.daoShmTimestampShm(i),
    "create_sem": lambda lib, i: lib.daoShmImageCreateSem(i, 10),
    "post": lambda lib, i: lib.daoSemPost(i, 0),
    "post_all": lambda lib, i: lib.daoSemPostAll(i),
    "post_log": lambda lib, i: lib.daoSemLogPost(i),
    "arbitrary": lambda lib, i: lib.daoShmGetArbitrarySegment(i, byref(ctypes.c_void_p()), 0),
    "check": lambda lib, i: lib.daoShmCheckSegmentOverwrite(i),
    "reset": lambda lib, i: lib.daoShmResetTail(i, None, None),
    "wait_counter": lambda lib, i: lib.daoShmWaitForCounter(i),
    "wait_target": lambda lib, i: lib.daoShmWaitForTargetCounter(i, 1),
    "semaphore": lambda lib, i: lib.daoShmWaitForSemaphore(i, 0),
    "semaphore_timeout": lambda lib, i: lib.daoShmWaitForSemaphoreTimeout(
        i, 0, byref(Timespec.after(0))),
}


def creating(name=None, naxis=2, size=axes(4, 4), atype=FLOAT, shared=1, keywords=0, depth=2):
    def call(lib, stream):
        return lib.daoShmImageCreate_FIFO(byref(Image()), stream if name is None else name, naxis,
                                          size, atype, shared, keywords, depth)
    return call


def opened(call):
    """`call` on an open stream of 4 floats, depth 2."""
    def made(lib, stream):
        image = Image()
        assert lib.daoShmImageCreate_FIFO(byref(image), stream, 1, axes(4), FLOAT, 1, 0, 2) == 0
        return call(lib, byref(image))
    return made


def while_another_process_writes(call):
    def made(lib, stream):
        ready, alive = os.pipe(), os.pipe()
        child = os.fork()
        if child == 0:
            os.close(alive[1])
            image = Image()
            assert lib.daoShmImageCreate(byref(image), stream, 1, axes(4), FLOAT, 1, 0) == 0
            assert lib.daoShmImage2Shm(FOUR, 4, byref(image)) == 0
            os.write(ready[1], b"!")
            os.read(alive[0], 1)  # until the parent is done
            os._exit(0)
        os.read(ready[0], 1)
        try:
            return call(lib, stream)
        finally:
            os.close(alive[1])
            os.waitpid(child, 0)
    return made


def second_writer(lib, stream):
    second = Image()
    assert lib.daoShmShm2Img(stream, byref(second)) == 0
    return lib.daoShmImage2Shm(FOUR, 4, byref(second))


def replacing(lib, stream):
    return lib.daoShmImageCreate(byref(Image()), stream, 1, axes(8), FLOAT, 1, 0)


PART = (ctypes.c_char * 8).from_buffer_copy(b"\0\0\x80?\0\0\0@")


def part(values=2, position=0, packet=0, data=PART):
    return opened(lambda lib, i: lib.daoShmImagePart2Shm(data, values, i, position, packet, 4, 1))


def combining(channels=1, values=4, inputs=None):
    def call(lib, image):
        cube = (ctypes.POINTER(Image) * max(channels, 1))()
        for n in range(len(cube)):
            cube[n] = ctypes.cast(image, ctypes.POINTER(Image)) if inputs is None else inputs
        return lib.daoShmCombineShm2Shm(cube, image, channels, values)
    return opened(call)


CALLS = {f"{name}-{state}": call for name, function in PER_IMAGE.items()
         for state, call in on_image(function).items()}
CALLS |= {
    "create-null-image": lambda lib, s: lib.daoShmImageCreate(None, s, 1, axes(4), FLOAT, 1, 0),
    "create-null-name": lambda lib, s: lib.daoShmImageCreate(
        byref(Image()), None, 1, axes(4), FLOAT, 1, 0),
    "create-null-size": creating(size=None),
    "create-naxis-0": creating(naxis=0),
    "create-naxis-4": creating(naxis=4, size=axes(2, 2, 2, 2)),
    "create-naxis-negative": creating(naxis=-1),
    "create-axis-0": creating(size=axes(4, 0)),
    "create-all-of-memory": creating(naxis=3, size=axes(2**32 - 1, 2**32 - 1, 2**32 - 1)),
    "create-more-than-there-is": creating(naxis=3, size=axes(2**10, 2**10, 2**20)),
    "create-atype-0": creating(atype=0),
    "create-atype-13": creating(atype=13),
    "create-atype-255": creating(atype=255),
    "create-keywords-negative": creating(keywords=-1),
    "create-keywords-65536": creating(keywords=65536),
    "create-depth-0": creating(depth=0),
    "create-depth-1000001": creating(depth=1000001),
    "create-depth-max": creating(depth=2**32 - 1),
    "create-name-empty": creating(name=b""),
    "create-name-80": creating(name=b"/dev/shm/" + b"x" * 71),
    "create-name-5000": creating(name=b"/dev/shm/" + b"x" * 5000),
    "create-missing-folder": creating(name=b"/dev/shm/hil-no-such-folder/x.im.shm"),
    "create-on-a-folder": creating(name=b"/dev/shm"),
    "create-on-a-device": creating(name=b"/dev/null"),
    "create-while-written": while_another_process_writes(replacing),
    "create-shared-2": creating(shared=2),
    "init-null": lambda lib, s: lib.daoShmInit1D(s, 4, None),
    "init-0": lambda lib, s: lib.daoShmInit1D(s, 0, byref(ctypes.c_void_p())),
    "open-null-image": lambda lib, s: lib.daoShmShm2Img(s, None),
    "open-null-name": lambda lib, s: lib.daoShmShm2Img(None, byref(Image())),
    "open-missing": lambda lib, s: lib.daoShmShm2Img(s, byref(Image())),
    "open-folder": lambda lib, s: lib.daoShmShm2Img(b"/dev/shm", byref(Image())),
    "open-device": lambda lib, s: lib.daoShmShm2Img(b"/dev/zero", byref(Image())),
    "open-name-5000": lambda lib, s: lib.daoShmShm2Img(b"/dev/shm/" + b"x" * 5000, byref(Image())),
    "write-null-pixels": opened(lambda lib, i: lib.daoShmImage2Shm(None, 4, i)),
    "write-too-many": opened(lambda lib, i: lib.daoShmImage2Shm(FOUR, 5, i)),
    "write-far-too-many": opened(lambda lib, i: lib.daoShmImage2Shm(FOUR, 2**32 - 1, i)),
    "write-by-a-second": while_another_process_writes(second_writer),
    "quiet-null-pixels": opened(lambda lib, i: lib.daoShmImage2ShmQuiet(None, 4, i)),
    "quiet-too-many": opened(lambda lib, i: lib.daoShmImage2ShmQuiet(FOUR, 5, i)),
    "part-null-pixels": part(data=None),
    "part-packet-512": part(packet=512),
    "part-packet-65535": part(packet=65535),
    "part-beyond-the-end": part(position=3),
    "part-overflow": part(values=2**32 - 1, position=2**32 - 1),
    "combine-null": opened(lambda lib, i: lib.daoShmCombineShm2Shm(None, i, 1, 4)),
    "combine-0": combining(channels=0),
    "combine-1025": combining(channels=1025),
    "combine-negative": combining(values=-1),
    "combine-too-many": combining(values=5),
    "combine-null-input": combining(inputs=ctypes.POINTER(Image)()),
    "sems-0": opened(lambda lib, i: lib.daoShmImageCreateSem(i, 0)),
    "sems-11": opened(lambda lib, i: lib.daoImageCreateSem(i, 11)),
    "post-negative": opened(lambda lib, i: lib.daoSemPost(i, -1)),
    "post-10": opened(lambda lib, i: lib.daoSemPost(i, 10)),
    "semaphore-negative": opened(lambda lib, i: lib.daoShmWaitForSemaphore(i, -1)),
    "semaphore-10": opened(lambda lib, i: lib.daoShmWaitForSemaphore(i, 10)),
    "semaphore-max": opened(lambda lib, i: lib.daoShmWaitForSemaphoreTimeout(
        i, 2**31 - 1, byref(Timespec.after(0)))),
    "semaphore-null-time": opened(lambda lib, i: lib.daoShmWaitForSemaphoreTimeout(i, 0, None)),
    "semaphore-bad-time": opened(lambda lib, i: lib.daoShmWaitForSemaphoreTimeout(
        i, 0, byref(Timespec(0, 2 * 10**9)))),
    "close-twice": opened(lambda lib, i: lib.daoShmCloseShm(i) or lib.daoShmCloseShm(i)),
    # Not a hostile call but a hostile file: the test has put it there.
    "open": lambda lib, s: lib.daoShmShm2Img(s, byref(Image())),
}

if __name__ == "__main__":
    library = dao.load(sys.argv[1])
    print(CALLS[sys.argv[3]](library, sys.argv[2].encode()))
    print(library.daoLastError().decode(errors="replace"))
