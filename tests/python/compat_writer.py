"""A writer in a process of its own.

usage: compat_writer.py struct|LIBRARY STREAM FRAMES CREDIT; writes frames 1 .. FRAMES of an open
stream, as reference.StructWriter or through libdao.so. It may be CREDIT frames ahead of the bytes
that it has received on standard input, one a frame read."""

import os
import random
import sys
from ctypes import byref

import dao
import reference


def frame(k, size):
    """The pixels of frame k: no part of it is that of another frame."""
    return random.Random(k).randbytes(size)


def writer_of(side, path):
    """(write, bytes of a frame)"""
    stream = reference.StructWriter(path)
    if side == "struct":
        return stream.write, stream.bytes
    library, image = dao.load(side), dao.Image()
    elements = stream.load("<Q", reference.NELEMENT)
    assert library.daoShmShm2Img(path.encode(), byref(image)) == 0, library.daoLastError()

    def write(pixels):
        assert library.daoShmImage2Shm(pixels, elements, byref(image)) == 0, library.daoLastError()

    return write, stream.bytes


def main(side, path, frames, credit):
    write, size = writer_of(side, path)
    credit = int(credit)
    for k in range(1, int(frames) + 1):
        if credit == 0:
            received = len(os.read(0, 4096))
            if received == 0:
                return "the reader has gone"
            credit = received
        credit -= 1
        write(frame(k, size))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
