#!/usr/bin/python3
"""Write the seeds of the fuzzer: streams of every type, shape and depth, and files that are none.

Usage: tests/fuzz/make_corpus.py [FOLDER]     (default: corpus/ beside this file)

The bytes are written down here from the description of the format, by nothing of ours; then
squeezed as stream_file.hpp says.
"""

import struct
import sys
from pathlib import Path

METADATA = 4304
ELEMENT_BYTES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 8, 8: 8, 9: 4, 10: 8, 11: 8, 12: 16}


def stream(axes=(2, 2), atype=3, depth=1, keywords=0, frames=0, writing=None):
    """A stream into which so many frames were written; a slot may be marked as being written."""
    elements = 1
    for axis in axes:
        elements *= axis
    frame = elements * ELEMENT_BYTES[atype]
    file = bytearray(depth * (METADATA + frame) + keywords * 120)

    def put(layout, offset, *values):
        struct.pack_into("<" + layout, file, offset, *values)

    for slot in range(depth):
        md = slot * METADATA
        put("80s", md, b"/tmp/seed.im.shm")
        put("B", md + 80, len(axes))
        for i, axis in enumerate(axes):
            put("I", md + 84 + 4 * i, axis)
        put("Q", md + 96, elements)
        put("B", md + 104, atype)
        put("dd", md + 112, 1.7e9, 1.7e9)
        put("B", md + 144, 1)
        put("H", md + 178, keywords)
    put("H", 148, 10)
    put("II", 4296, depth, depth - 1)
    for k in range(1, frames + 1):
        slot = (k - 1) % depth
        md = slot * METADATA
        put("q", md + 136, 1_700_000_000_000_000_000 + k)
        put("Q", md + 152, k)
        put("Q", md + 168, 1000 + k)
        at = depth * METADATA + slot * frame
        file[at:at + frame] = bytes((k + i) % 256 for i in range(frame))
        put("I", 4300, slot)
        put("I", 108, k)
    if writing is not None:
        put("B", writing * METADATA + 176, 1)
    for k in range(keywords):
        file[depth * (METADATA + frame) + k * 120 + 16] = ord("N")
    return bytes(file)


def squeezed(file, slots, cut=0, pad=0):
    """The records of the slots' metadata, then the rest."""
    out = bytearray(struct.pack("<BBH", slots, cut, pad))
    for slot in range(slots):
        md = slot * METADATA
        out += file[md:md + 208] + file[md + 4296:md + METADATA]
    return bytes(out) + file[slots * METADATA:]


def changed(file, layout, offset, value):
    file = bytearray(file)
    struct.pack_into("<" + layout, file, offset, value)
    return bytes(file)


def seeds():
    for atype in ELEMENT_BYTES:
        yield f"type{atype}", squeezed(stream(atype=atype, depth=2, frames=3), 2)
    for axes in ((5,), (3, 2), (2, 3, 2), (1, 1, 1)):
        for depth in (1, 2, 3, 8):
            for frames in (0, 1, depth, depth + 1):
                name = f"axes{len(axes)}-{axes[0]}-depth{depth}-frames{frames}"
                yield name, squeezed(stream(axes, 1, depth, 0, frames), depth)
    for keywords in (1, 3):
        yield f"keywords{keywords}", squeezed(stream(depth=2, keywords=keywords, frames=2), 2)
    for depth in (1, 2, 3):
        yield f"writing-depth{depth}", squeezed(stream(depth=depth, frames=4, writing=0), depth)
    two = stream(depth=2, frames=3)
    # The reference's writer between its index and its counter.
    yield "index-ahead", squeezed(changed(two, "I", 4300, 1), 2)
    yield "counter-ahead", squeezed(changed(two, "Q", METADATA + 152, 4), 2)
    yield "one-axis-unused-1", squeezed(changed(stream((5,), 1), "I", 88, 1), 1)
    yield "big", squeezed(stream((64, 64), 1, 1, 0, 1)[:METADATA], 1, 0, 4096)

    for field, layout, offset, value in (
            ("naxis", "B", 80, 4), ("size", "I", 84, 0), ("nelement", "Q", 96, 5),
            ("atype", "B", 104, 77), ("sem", "H", 148, 200), ("nbkw", "H", 178, 60000),
            ("fifo_size", "I", 4296, 1_000_000), ("fifo_size0", "I", 4296, 0),
            ("last_written", "I", 4300, 2), ("slot1-atype", "B", METADATA + 104, 4)):
        yield f"bad-{field}", squeezed(changed(two, layout, offset, value), 2)
    yield "bad-name", squeezed(b"x" * 80 + two[80:], 2)
    huge = changed(changed(two, "I", 84, 0xFFFFFFFF), "I", 88, 0xFFFFFFFF)
    yield "bad-huge", squeezed(changed(huge, "Q", 96, 0xFFFFFFFF**2), 2)
    yield "empty", b""
    yield "cut", squeezed(two, 2, cut=7)
    yield "padded", squeezed(two, 2, pad=1)
    yield "short", squeezed(two, 2)[:150]
    before_fifo = stream()[:4296] + bytes(8)
    yield "before-fifo", bytes((255, 0, 0, 0)) + before_fifo
    yield "as-it-is", bytes((255, 0, 0, 0)) + stream(frames=2)


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "corpus"
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in seeds():
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    main()
