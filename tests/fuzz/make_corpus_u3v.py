#!/usr/bin/python3
"""Write the seeds of the fuzzer of USB device bytes, from the published layouts.

Usage: tests/fuzz/make_corpus_u3v.py [FOLDER]     (default: corpus_u3v/ beside this file)

The first byte chooses the parser (u3v_target.cpp).
"""

import io
import struct
import sys
import zipfile
from pathlib import Path

ACK, EVENT, LEADER, TRAILER, REGISTERS, DESCRIPTOR, FORMULA, XML, ZIP, BLOCK = range(10)


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
    for i, text in enumerate((b"(A > 3) ? A ** 2 : ROUND(B / 3.5, 1)", b"~0x1F & (A << 2) <> -B",
                              b"SQRT(ABS(A)) + LN(PI) % 3 || E", b"1 / 0", b"((((1))))")):
        yield f"formula-{i}", FORMULA, text
    reg = (b'<IntReg Name="R"><Address>0x10</Address><pAddress>O</pAddress><Length>4</Length>'
           b'<pPort>Device</pPort></IntReg><Integer Name="O"><Value>4</Value></Integer>')
    for i, nodes in enumerate((
            b'<Integer Name="A"><pValue>R</pValue><Min>0</Min><Max>9</Max><Inc>1</Inc></Integer>',
            b'<Enumeration Name="A"><EnumEntry Name="1"><Value>1</Value></EnumEntry>'
            b'<pValue>R</pValue></Enumeration>',
            b'<Converter Name="A"><FormulaTo>FROM*2</FormulaTo><FormulaFrom>TO/2</FormulaFrom>'
            b'<pValue>R</pValue></Converter><Command Name="B"><pValue>R</pValue></Command>',
            b'<IntSwissKnife Name="A"><pVariable Name="V">B</pVariable><Formula>V+1</Formula>'
            b'</IntSwissKnife><Integer Name="B"><pValue>A</pValue></Integer>',
            b'<StringReg Name="A"><Address>0</Address><Length>8</Length></StringReg>'
            b'<MaskedIntReg Name="B"><Address>0</Address><Length>2</Length><LSB>3</LSB>'
            b'<MSB>9</MSB><Endianess>BigEndian</Endianess></MaskedIntReg>')):
        yield f"xml-{i}", XML, (b"<RegisterDescription>" + reg + nodes + b"</RegisterDescription>")
    for name, method in (("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED)):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", method) as archive:
            archive.writestr(zipfile.ZipInfo("a.xml"), "<RegisterDescription/>" * 20, method)
        yield f"zip-{name}", ZIP, packed.getvalue()
    small = leader(pixel_format=0x01080001, width=10, height=10).ljust(64, b"\0") + bytes(128)
    yield "block", BLOCK, bytes((52, 64, 36, 32)) + small + struct.pack(
        "<4sHHQHHQI", b"U3VT", 0, 32, 1, 0, 0, 100, 10)


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "corpus_u3v"
    folder.mkdir(parents=True, exist_ok=True)
    for name, parser, content in seeds():
        (folder / name).write_bytes(bytes((parser,)) + content)


if __name__ == "__main__":
    main()
