"""Files to feed the program: a scenario, a bench, recordings."""

import numpy

BENCH = """\
apiVersion: hil/v1
kind: Bench
name: small
features: [wfs, stamped]
roles:
  wfs: {driver: stamped, shape: [64, 64], dtype: u16, rate: 1kHz, on_late: skip}
"""

SCENARIO = """\
apiVersion: hil/v1
kind: Scenario
id: lag.test
title: A slow reader
group: lag
modes: [virtual, sim]
sources:
  - {role: wfs}
fifos:
  - {name: wfs, from: wfs, depth: 8}
readers:
  - name: slow
    fifo: wfs
    mode: next
    wait: true
    copy: copy
    lag:
      - {kind: constant, rho: 1.5}
frames: 600
expect:
  - {id: conservation, metric: fifo.wfs.slow.identity, equals: true, tier: A}
  - {id: content, metric: fifo.wfs.slow.content_bad, equals: 0, tier: A}
  - {id: oracle, metric: fifo.wfs.slow.oracle.violations, equals: 0, tier: B}
  - {id: lost, metric: fifo.wfs.slow.lost, predicted: lost, tier: C}
"""

SWEEP = """\
apiVersion: hil/v1
kind: Scenario
id: depth.test
title: A stall of 10 ms
group: depth
modes: [virtual]
matrix:
  N: [10, 11]
sources:
  - {role: wfs}
fifos:
  - {name: wfs, from: wfs, depth: "${N}"}
readers:
  - name: staller
    fifo: wfs
    copy: zero
    hold: 240us
    lag:
      - {kind: periodic, every: 50frames, stall: 10ms, phase: sweep}
frames: 3000
expect:
  - {id: conservation, metric: fifo.wfs.staller.identity, equals: true, tier: A}
sweep:
  - {id: smallest, over: N, metric: fifo.wfs.staller.lossless, predicted: safe_depth}
"""

REPLAY_BENCH = """\
apiVersion: hil/v1
kind: Bench
name: recorded
features: [wfs, recorded]
roles:
  wfs: {driver: replay, file: FILE, rate: 1kHz, loop: true}
"""

REPLAY = """\
apiVersion: hil/v1
kind: Scenario
id: replay.test
title: A recording arrives as it is
group: replay
modes: [virtual]
sources:
  - {role: wfs}
fifos:
  - {name: wfs, from: wfs, depth: 4}
readers:
  - {name: copier, fifo: wfs, mode: next, wait: true, copy: copy}
frames: 4
expect:
  - {id: nothing-lost, metric: fifo.wfs.copier.lost, equals: 0}
  - {id: content, metric: fifo.wfs.copier.content_bad, equals: 0}
  - {id: bit-exact, metric: fifo.wfs.copier.sha256, predicted: source_sha256}
"""


def edited(text, *changes):
    """`text` with (old, new) replaced; each old stands in it exactly once."""
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def line_of(text, part):
    """The number of the line in which `part` first stands."""
    return text[:text.index(part)].count("\n") + 1


def write(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def scenario(folder, *changes, text=SCENARIO):
    return write(folder, "scenario.yaml", edited(text, *changes))


def bench(folder, *changes, text=BENCH):
    return write(folder, "bench.yaml", edited(text, *changes))


# FITS has no unsigned types of 16 and 32 bits and no signed one of 8: it shifts them (standard 4.0,
# section 5.2.5).
FITS_TYPES = {"u8": (8, 0), "i8": (8, -128), "i16": (16, 0), "u16": (16, 1 << 15),
              "i32": (32, 0), "u32": (32, 1 << 31), "f32": (-32, 0), "f64": (-64, 0)}


def numpy_name(pixel_type):
    return f"{pixel_type[0]}{int(pixel_type[1:]) // 8}"


def fits_bytes(cube, pixel_type, *cards):
    """A FITS file by its standard: cards of 80 characters in blocks of 2880, data big endian."""
    bitpix, zero = FITS_TYPES[pixel_type]
    header = ["SIMPLE  =                    T", f"BITPIX  = {bitpix:20d}",
              f"NAXIS   = {cube.ndim:20d}"]
    header += [f"NAXIS{i + 1:<3}= {n:20d}" for i, n in enumerate(reversed(cube.shape))]
    if zero:
        header += [f"BSCALE  = {1:20d}", f"BZERO   = {zero:20d}"]
    header += [*cards, "END"]
    head = "".join(f"{card:<80}" for card in header).encode()
    if bitpix > 0:
        sign = "u" if bitpix == 8 else "i"
        cube = (cube.astype("i8") - zero).astype(f"<{sign}{bitpix // 8}")
    data = cube.byteswap().tobytes()
    return head + b" " * (-len(head) % 2880) + data + b"\0" * (-len(data) % 2880)


def cube_of(pixel_type, shape=(4, 3, 5), seed=20261123):
    """Every bit pattern equally likely, so that NaNs, infinities and extremes are among them."""
    name = numpy_name(pixel_type)
    count = int(numpy.prod(shape)) * numpy.dtype(name).itemsize
    raw = numpy.random.default_rng(seed).integers(0, 256, count, dtype="u1")
    return raw.view("<" + name).reshape(shape)
