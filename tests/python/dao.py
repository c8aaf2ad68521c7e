"""The C library through ctypes, and its streams as plain bytes.

Offsets are those of the reference library, measured on it; nothing here comes from dao.h. Run as a
program, it makes one hostile call after the other and prints what each returned: a crash is then
the death of another process."""

import ctypes
import struct
import time
from ctypes import POINTER, byref, c_char_p, c_double, c_int, c_int8, c_int32, c_long, c_uint8
from ctypes import c_uint16, c_uint32, c_uint64, c_ulong, c_void_p

SUCCESS, ERROR, TIMEOUT, OVERWRITE, NOTREADY = 0, 1, -1, -2, -3

METADATA, KEYWORD, IMAGE = 4304, 120, 168
UINT16, FLOAT = 3, 9
SIZES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 8, 8: 8, 9: 4, 10: 8, 11: 8, 12: 16}

FIELDS = {"naxis": (80, "B"), "size": (84, "3I"), "nelement": (96, "Q"), "atype": (104, "B"),
          "creation_time": (112, "d"), "last_access": (120, "d"), "firstlong": (128, "q"),
          "secondlong": (136, "q"), "shared": (144, "B"), "status": (145, "B"),
          "logflag": (146, "B"), "sem": (148, "H"), "cnt0": (152, "Q"), "cnt1": (160, "Q"),
          "cnt2": (168, "Q"), "write": (176, "B"), "NBkw": (178, "H"), "lastPos": (180, "I"),
          "lastNb": (184, "I"), "packetNb": (188, "I"), "packetTotal": (192, "I"),
          "fifo_size": (4296, "I"), "fifo_last_written": (4300, "I")}


class Image(ctypes.Structure):
    """IMAGE; what it points to is left to the library."""
    _fields_ = [("name", ctypes.c_char * 80), ("used", c_uint8), ("shmfd", c_int32),
                ("memsize", c_uint64), ("semlog", c_void_p), ("md", c_void_p),
                ("array", c_void_p), ("semptr", c_void_p), ("kw", c_void_p),
                ("semReadPID", c_void_p), ("semWritePID", c_void_p),
                ("fifo_last_read", c_uint32), ("fifo_last_read_cnt0", c_uint64)]


class Timespec(ctypes.Structure):
    _fields_ = [("tv_sec", c_long), ("tv_nsec", c_long)]

    @staticmethod
    def after(seconds):
        now = time.clock_gettime_ns(time.CLOCK_REALTIME) + int(seconds * 1e9)
        return Timespec(now // 10**9, now % 10**9)


_image = POINTER(Image)
_outputs = [POINTER(c_void_p), POINTER(c_uint32), POINTER(c_uint64)]
_create = [_image, c_char_p, c_long, POINTER(c_uint32), c_uint8, c_int, c_int]
ARGUMENTS = {
    "daoShmImageCreate": _create, "daoShmImageCreate_FIFO": [*_create, c_uint32],
    "daoShmShm2Img": [c_char_p, _image], "daoShmCloseShm": [_image],
    "daoShmImage2Shm": [c_void_p, c_uint32, _image],
    "daoShmGetNewestSegment": [_image, *_outputs], "daoShmGetNextSegment": [_image, *_outputs],
    "daoShmWaitForNextSegment": [_image],
    "daoShmGetArbitrarySegment": [_image, POINTER(c_void_p), c_ulong],
    "daoShmCheckSegmentOverwrite": [_image],
    "daoShmResetTail": [_image, POINTER(c_uint32), POINTER(c_uint64)],
    "daoShmWaitForCounter": [_image], "daoShmWaitForTargetCounter": [_image, c_uint64],
    "daoShmWaitForSemaphore": [_image, c_int32],
    "daoShmWaitForSemaphoreTimeout": [_image, c_int32, POINTER(Timespec)],
    "daoShmImage2ShmQuiet": [c_void_p, c_uint32, _image],
    "daoShmImagePart2Shm": [c_void_p, c_uint32, _image, c_uint32, c_uint16, c_uint16, c_uint64],
    "daoShmImagePart2ShmFinalize": [_image], "daoShmTimestampShm": [_image],
    "daoShmCombineShm2Shm": [POINTER(_image), _image, c_int, c_int],
    "daoShmInit1D": [c_char_p, c_uint32, c_void_p],
    "daoShmUnlink": [c_char_p],
    "daoShmImageCreateSem": [_image, c_long], "daoImageCreateSem": [_image, c_long],
    "daoSemPost": [_image, c_int32], "daoSemPostAll": [_image], "daoSemLogPost": [_image],
}


def load(path):
    library = ctypes.CDLL(str(path))
    for name, arguments in ARGUMENTS.items():
        function = getattr(library, name)
        function.argtypes, function.restype = arguments, c_int8
    library.daoShmGetCounter.argtypes = [_image]
    library.daoShmGetCounter.restype = c_uint64
    library.daoLastError.restype = c_char_p
    library.daoBaseGetTimeStamp.restype = c_char_p
    library.daoBaseIp2Int.argtypes = [c_char_p]
    library.daoBaseIp2Int.restype = ctypes.c_uint
    library.daoSetPatience.argtypes = [c_double]
    library.daoSetPatience.restype = None
    library.daoSetLogLevel(-1)
    return library


def axes(*sizes):
    return (c_uint32 * len(sizes))(*sizes)


class Stream:
    """The bytes of a stream's file."""

    def __init__(self, memory):
        self.memory = memory

    def get(self, field, slot=0):
        offset, code = FIELDS[field]
        values = struct.unpack_from("<" + code, self.memory, slot * METADATA + offset)
        return values if len(values) > 1 else values[0]

    def set(self, field, value, slot=0):
        offset, code = FIELDS[field]
        values = value if isinstance(value, tuple) else (value,)
        struct.pack_into("<" + code, self.memory, slot * METADATA + offset, *values)

    @property
    def depth(self):
        return self.get("fifo_size")

    @property
    def frame_bytes(self):
        return self.get("nelement") * SIZES[self.get("atype")]

    def pixels(self, slot):
        begin = self.depth * METADATA + slot * self.frame_bytes
        return slice(begin, begin + self.frame_bytes)

    def write(self, pixels):
        """One frame, in the order of the fields that a careful writer keeps."""
        last = self.get("fifo_last_written")
        slot = (last + 1) % self.depth
        self.set("write", 1, slot)
        self.memory[self.pixels(slot)] = pixels
        self.set("secondlong", time.clock_gettime_ns(time.CLOCK_REALTIME), slot)
        self.set("cnt0", self.get("cnt0", last) + 1, slot)
        self.set("write", 0, slot)
        self.set("fifo_last_written", slot)


def stream_bytes(name, size, atype, depth, keywords=0):
    """A stream as the reference library leaves it after create."""
    elements = 1
    for axis in size:
        elements *= axis
    memory = bytearray(depth * (METADATA + elements * SIZES[atype]) + keywords * KEYWORD)
    stream = Stream(memory)
    for slot in range(depth):
        struct.pack_into("80s", memory, slot * METADATA, str(name).encode())
        for field, value in {"naxis": len(size), "size": (*size, 0, 0)[:3], "nelement": elements,
                             "atype": atype, "creation_time": 1e9, "last_access": 1e9, "shared": 1,
                             "NBkw": keywords}.items():
            stream.set(field, value, slot)
    stream.set("sem", 10)
    stream.set("fifo_size", depth)
    stream.set("fifo_last_written", depth - 1)
    for k in range(keywords):
        memory[len(memory) - (k + 1) * KEYWORD + 16] = ord("N")
    return memory


class Frame:
    """The three outputs of a read."""

    def __init__(self):
        self.segment, self.index, self.counter = c_void_p(), c_uint32(77), c_uint64(77)

    @property
    def outputs(self):
        return byref(self.segment), byref(self.index), byref(self.counter)

    @property
    def place(self):
        return self.index.value, self.counter.value

    def bytes(self, size):
        return ctypes.string_at(self.segment.value, size)
