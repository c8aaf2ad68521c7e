#!/usr/bin/python3
"""Write the seeds of the fuzzer of USB device bytes, from the published layouts.

Usage: tests/fuzz/make_corpus_u3v.py [FOLDER]     (default: corpus_u3v/ beside this file)

The first byte chooses the parser (u3v_target.cpp).
"""

import struct
import sys
from pathlib import Path

ACK, EVENT, LEADER, TRAILER, REGISTERS, DESCRIPTOR = range(6)


def ack(kind, data, status=0):
    return struct.pack("<4sHHHH", b"U3VC", status, kind, len(data), 7) + data


def leader(size=52, kind=1, pixel_format=0x01100007, width=16, height=4, padding=0):
    return struct.pack("<4sHHQHHQIIIIIHH", b"U3VL", 0, size, 1, 0, kind, 99, pixel_format, width,
                       height, 0, 0, padding, 0)


def seeds():
    yield "ack-read", ACK, ack(0x0801, bytes(8))
    yield "ack-write", ACK, ack(0x0803, struct.pack("<HH", 0, 4))
    yield "ack-pending", ACK, ack(0x0805, struct.pack("<HH", 0, 200))
    yield "ack-error", ACK, ack(0x0801, b"", 0x8003)
    yield "ack-long", ACK, struct.pack("<4sHHHH", b"U3VC", 0, 0x0801, 0xFFFF, 7)
    yield "event", EVENT, struct.pack("<4sHHHHHHQ", b"U3VE", 0, 0x0C00, 12, 1, 0, 0x9001, 5)
    for code in (0x01080001, 0x01100003, 0x010A0046, 0x01100005, 0x010C0047, 0x01100025,
                 0x01100007, 0x010C0004, 0x010C0006):
        yield f"leader-{code:08x}", LEADER, leader(pixel_format=code, width=17, height=3)
        yield f"leader-{code:08x}-padded", LEADER, leader(pixel_format=code, width=5, padding=3)
    yield "leader-chunk", LEADER, leader(kind=0x4000)
    yield "leader-huge", LEADER, leader(width=0xFFFFFFFF, height=0xFFFFFFFF)
    yield "leader-lies", LEADER, leader(size=60)
    trailer = struct.pack("<4sHHQHHQI", b"U3VT", 0, 32, 1, 0, 0, 128, 4)
    yield "trailer", TRAILER, trailer
    yield "trailer-short", TRAILER, struct.pack("<4sHHQHHQ", b"U3VT", 0, 28, 1, 0xA100, 0, 128)
    texts = b"".join(t.ljust(64, b"\0") for t in (b"M", b"N", b"F", b"1", b"i", b"\xff", b"u"))
    yield "abrm", REGISTERS, struct.pack("<I", 0x10000) + texts + struct.pack(
        "<QIQQ", 1, 300, 0x10000, 0x20000)
    yield "sbrm", REGISTERS, struct.pack("<IQQIIIQIQIQI", 0x10000, 1, 0, 1024, 1024, 1, 0x21000,
                                         48, 0, 0, 0, 8)
    yield "sirm", REGISTERS, struct.pack("<IIQII", 0x0A000000, 0, 128, 52, 32)
    yield "manifest", REGISTERS, struct.pack("<IIQQ", 0x01000000, 1 << 10, 0x100000, 900) + bytes(40)
    info = bytes((20, 0x24, 1)) + struct.pack("<II", 0x10000, 0x10000) + bytes(range(1, 10))
    yield "descriptor", DESCRIPTOR, bytes((4, 0x24, 7, 0)) + info
    yield "descriptor-zero", DESCRIPTOR, bytes((0, 0x24, 1))


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "corpus_u3v"
    folder.mkdir(parents=True, exist_ok=True)
    for name, parser, content in seeds():
        (folder / name).write_bytes(bytes((parser,)) + content)


if __name__ == "__main__":
    main()
