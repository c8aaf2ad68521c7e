"""The other side of the FIFO: the reference library's streams in plain `struct`.

Written from the description of its layout and of the order of its loads and stores; nothing here
comes from dao.h, shm/ or dao.py, so that a wrong offset there meets a right one here."""

import ctypes
import mmap
import struct
import time
from pathlib import Path

SUCCESS, OVERWRITE, NOTREADY = 0, -2, -3

# atype: bytes of an element.
ELEMENT = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 8, 8: 8, 9: 4, 10: 8, 11: 8, 12: 16}

# One slot's metadata. x: padding; the two lone I after atype and packetTotal are padding as well,
# which the reference leaves 0 and a writer of ours uses in slot 0.
#   name naxis size nelement atype - creation access firstlong secondlong shared status logflag sem
#   cnt0 cnt1 cnt2 write NBkw lastPos lastNb packetNb packetTotal - lastNbArray fifo_size last
METADATA = struct.Struct("<80sB3x3IQB3xIddqqBBBxH2xQQQBxH4II4096sII")
KEYWORD = struct.Struct("<16sc7x16s80s")  # name type value comment
assert (METADATA.size, KEYWORD.size) == (4304, 120)

UNUSED = (b"", b"N", b"", b"")


def keyword(name, value, comment=""):
    """A record's fields from a value: int, float or str."""
    if isinstance(value, int):
        code, data = b"L", struct.pack("<q", value)
    elif isinstance(value, float):
        code, data = b"D", struct.pack("<d", value)
    else:
        code, data = b"S", value.encode()
    return name.encode(), code, data, comment.encode()


def golden(name, shape, atype, depth, keywords=(), frames=(), created=1e9, times=None):
    """All bytes of a stream after `create` and the given frames (a sequence of bytes).

    keywords: records as of keyword() or UNUSED. times: ns since 1970, one a frame."""
    elements = 1
    for axis in shape:
        elements *= axis
    size = elements * ELEMENT[atype]
    newest = len(frames)
    times = [0] * newest if times is None else times
    metadata, pixels = b"", b""
    for slot in range(depth):
        # Frame k lies in slot (k - 1) mod N; of those of this slot the last one.
        held = max((k for k in range(max(1, newest - depth + 1), newest + 1)
                    if (k - 1) % depth == slot), default=0)
        first = slot == 0
        metadata += METADATA.pack(
            name.encode(), len(shape), *(*shape, 0, 0)[:3], elements, atype, 0, created, created,
            0, times[held - 1] if held else 0, 1, 0, 0, 10 if first else 0, held, 0, 0, 0,
            len(keywords), 0, 0, 0, 0, 0, b"", depth if first else 0,
            (newest - 1) % depth if first else 0)
        pixels += frames[held - 1] if held else bytes(size)
    return metadata + pixels + b"".join(KEYWORD.pack(*record) for record in keywords)


# Where a field of slot 0 lies, for those that are read and written one by one. CPython moves an
# aligned integer in one piece here, and x86-64 keeps the order of the moves: what the reference
# relies on as well.
SIZE, NELEMENT, ATYPE, TIME, SEM, CNT0, WRITE = 84, 96, 104, 136, 148, 152, 176
FIFO_SIZE, LAST_WRITTEN = 4296, 4300


class Mapped:
    """A stream's file as the reference maps it: whole, for reading and writing."""

    def __init__(self, path):
        with open(path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 0)
        self.depth = self.load("<I", FIFO_SIZE)
        self.bytes = self.load("<Q", NELEMENT) * ELEMENT[self.load("<B", ATYPE)]

    def load(self, code, field, slot=0):
        return struct.unpack_from(code, self.memory, slot * 4304 + field)[0]

    def store(self, code, field, value, slot=0):
        struct.pack_into(code, self.memory, slot * 4304 + field, value)

    def pixels(self, slot):
        begin = self.depth * 4304 + slot * self.bytes
        return slice(begin, begin + self.bytes)


class Semaphores:
    """<base>_sem00 .. 09 and _semlog, those that are there."""

    def __init__(self, path, number):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.libc.sem_open.restype = ctypes.c_void_p
        base = Path(path).name.split(".")[0]
        names = [f"/{base}_sem{i:02d}" for i in range(number)] + [f"/{base}_semlog"]
        opened = [self.libc.sem_open(name.encode(), 0) for name in names]
        self.handles = [ctypes.c_void_p(handle) for handle in opened if handle]

    def post(self):
        value = ctypes.c_int()
        for handle in self.handles:
            self.libc.sem_getvalue(handle, ctypes.byref(value))
            if value.value < 1:
                self.libc.sem_post(handle)

    def close(self):
        for handle in self.handles:
            self.libc.sem_close(handle)


class StructWriter(Mapped):
    """Publishes as the reference does, in its order of stores."""

    def __init__(self, path):
        super().__init__(path)
        self.semaphores = Semaphores(path, self.load("<H", SEM))

    def write(self, pixels):
        for _ in self.steps(pixels):
            pass

    def steps(self, pixels):
        """write(), stopping after every store."""
        assert len(pixels) == self.bytes
        last = self.load("<I", LAST_WRITTEN)
        slot = (last + 1) % self.depth
        self.store("<B", WRITE, 1, slot)
        yield "write = 1"
        self.memory[self.pixels(slot)] = pixels
        yield "pixels"
        self.store("<B", WRITE, 0, slot)
        yield "write = 0"
        self.store("<I", LAST_WRITTEN, slot)
        yield "index"
        self.store("<q", TIME, time.clock_gettime_ns(time.CLOCK_REALTIME), slot)
        yield "time"
        self.store("<Q", CNT0, self.load("<Q", CNT0, last) + 1, slot)
        yield "cnt0"
        self.semaphores.post()
        yield "semaphores"


class StructReader(Mapped):
    """Reads by the reference's rules; its tail begins at what is newest."""

    def __init__(self, path):
        super().__init__(path)
        self.reset()

    def reset(self):
        self.slot = self.load("<I", LAST_WRITTEN)
        self.counter = self.load("<Q", CNT0, self.slot)

    def next(self):
        """(status, slot, counter); the tail moves to what is returned."""
        newest = self.load("<I", LAST_WRITTEN)
        if self.slot == newest and self.counter == self.load("<Q", CNT0, self.slot):
            return NOTREADY, None, None
        following = (self.slot + 1) % self.depth
        if self.load("<Q", CNT0, following) == self.counter + 1:
            self.slot, self.counter = following, self.counter + 1
            return SUCCESS, self.slot, self.counter
        newest = self.load("<I", LAST_WRITTEN)
        self.slot, self.counter = newest, self.load("<Q", CNT0, newest)
        return OVERWRITE, self.slot, self.counter

    def newest(self):
        slot = self.load("<I", LAST_WRITTEN)
        return slot, self.load("<Q", CNT0, slot)

    def check(self):
        """Of the frame that the tail is at: SUCCESS, or OVERWRITE when it is no more."""
        if self.load("<B", WRITE, self.slot) == 1:
            return OVERWRITE
        return SUCCESS if self.load("<Q", CNT0, self.slot) == self.counter else OVERWRITE

    def frame(self, slot):
        return bytes(self.memory[self.pixels(slot)])
