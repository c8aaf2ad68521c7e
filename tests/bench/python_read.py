"""What reading a frame from Python costs, in copies of the same bytes: JSON on standard output.

    PYTHONPATH=build/release/shm/python /usr/bin/python3 tests/bench/python_read.py [--rounds N]

Rounds of the ways to read and of the plain numpy copy are interleaved, so that all of them meet the
same state of the machine; reported are medians over the rounds. The copy is of a whole slot's bytes
into an array that is there, hence the least that any copying read can cost."""

import argparse
import json
import os
import statistics
import time

import numpy as np

import daohil
from daoShm import shm

SHAPES = [(64, 64), (240, 240), (512, 640), (2048, 2048)]
DEPTH = 8


def per_call(read, write, frames):
    """Seconds of one `read`; each has a new frame, written outside the clock."""
    spent = 0
    for _ in range(frames):
        write()
        begin = time.perf_counter_ns()
        read()
        spent += time.perf_counter_ns() - begin
    return spent / frames * 1e-9


def measure(shape, rounds):
    path = f"/dev/shm/hil-{os.getpid()}-bench.im.shm"
    pixels = np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)
    try:
        with shm(path, data=pixels, depth=DEPTH) as old, daohil.Reader(path) as reader:
            view = [reader.at_in_place(0).pixels]
            into = np.empty_like(pixels)

            def write():
                old.set_data(pixels)
                view[0] = reader.newest_in_place().pixels

            ways = {"copy": lambda: np.copyto(into, view[0]),
                    "get_data_next": old.get_data_next,
                    "next": reader.next,
                    "next_out": lambda: reader.next(out=into),
                    "next_in_place": lambda: reader.intact(reader.next_in_place())}
            frames = max(10, min(500, 20_000_000 // pixels.nbytes))
            times = {name: [] for name in ways}
            for _ in range(rounds):
                for name, read in ways.items():
                    old.reset_tail()
                    reader.reset_tail()
                    times[name].append(per_call(read, write, frames))
            ratios = {name: statistics.median(a / b for a, b in zip(times[name], times["copy"]))
                      for name in ways if name != "copy"}
            return {"shape": list(shape), "dtype": "uint16", "depth": DEPTH, "rounds": rounds,
                    "frames_per_round": frames,
                    "copy_us": round(statistics.median(times["copy"]) * 1e6, 3),
                    "ratio_to_copy": {name: round(value, 3) for name, value in ratios.items()}}
    finally:
        daohil.unlink(path)


def main():
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    print(json.dumps({"bench": "python_read", "results": [measure(s, rounds) for s in SHAPES]},
                     indent=2))


if __name__ == "__main__":
    main()
