#!/usr/bin/python3
"""A reader of the bench in Python, with nothing but DAO's interface: `from daoShm import shm`. It
does what its plan says and reports every call; README.md has the protocol. Read it as an example of
how to write one.

daoShm tells status and pixels of a read, not the frame's counter. After a success it is the one
after the last; else the stream's counter just before and just after the read enclose it.

Exit: 0 done, 1 the stream or the plan failed it, 2 the plan asks for what daoShm cannot.
"""

import gc
import json
import os
import signal
import sys
import threading
import time
import zlib

from daoShm import shm

SLICE = 50_000_000  # ns; a sleep or a wait is cut into such pieces, to see the end soon
SPIN = 100_000
SHORTEST_POLL = 1000
# From the last frame to the interruption of a wait: in that time a waiting reader gets it.
LAST_FRAME = 0.1  # s

now = time.monotonic_ns


class Stopped(Exception):
    """SIGTERM came during a wait."""


def gap_function(lags, hold):
    """gap(n): ns from the n-th delivered frame's call to the next, the longest that any lag wants."""
    service, phase, rules = hold, 0, []
    for lag in lags:
        kind = lag["kind"]
        if kind == "constant":
            service, phase = max(service, lag["service_ns"]), max(phase, lag["phase_ns"])
        elif kind == "periodic":
            rules.append(lambda n, every=lag["every"], ns=lag["stall_ns"]: 0 if n % every else ns)
        elif kind == "burst":
            rules.append(lambda n, reads=lag["reads"], ns=lag["idle_ns"]: 0 if n % reads else ns)
        elif kind == "trace":
            rules.append(lambda n, gaps=lag["gaps_ns"]: gaps[(n - 1) % len(gaps)])
        else:
            raise NotImplementedError(f"the plan has a lag of kind {kind}")

    def gap(n):
        least = service + phase if n == 1 else service
        return max([least] + [rule(n) for rule in rules]) if rules else least

    return gap


class Reader:
    def __init__(self, path, plan, room):
        self.plan = plan
        self.mode, self.wait = plan.get("mode", "next"), plan.get("wait", "sleep")
        self.semaphore = plan.get("semaphore") or 0
        if not plan.get("copy", True):
            raise NotImplementedError("daoShm reads copies; the plan asks for pixels in place")
        if plan.get("on_overwrite") == "oldest":
            raise NotImplementedError("daoShm cannot go on with the oldest frame")
        self.gap = gap_function(plan.get("lag", []), plan.get("hold_ns", 0))
        self.calls = [None] * room  # made before the run, so that it does not grow in it
        self.count = 0
        self.end = None  # when the last frame was due; None: more are to come
        self.stopped = False
        self.waiting = False
        self.stream = shm(path)
        self.depth = self.stream.get_meta_data(0).fifo_size
        self.tail = self._reset_tail()

    def _reset_tail(self):
        """Counter of the tail, at the newest frame: asked for until none came in between."""
        while True:
            self.stream.reset_tail()
            counter = self.stream.get_counter()
            if self.stream.get_data_next()[0] == shm.DAO_NOTREADY:
                if self.stream.get_counter() == counter:
                    return counter

    # ----------------------------------------------------------------------------- the bench says

    def listen(self):
        """Standard input: "end <ns>" when the last frame has been published, then its end."""
        word = sys.stdin.readline().split()
        self.end = int(word[1]) if word[:1] == ["end"] else now()
        time.sleep(LAST_FRAME)
        while True:  # until this process ends
            if self.waiting:
                os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(LAST_FRAME)

    def stop(self, *_):
        self.stopped = True
        if self.waiting:
            raise Stopped

    def over(self, when):
        return self.stopped or self.end is not None and when > self.end

    def sleep_until(self, when):
        """False when the run is over before that time."""
        while (left := when - now()) > 0:
            if self.over(when):
                return False
            time.sleep(min(left, SLICE) * 1e-9)
        return not self.over(when)

    # ------------------------------------------------------------------------------------- reading

    def read(self, wait=False):
        """(status, pixels, counter) of one read; (DAO_NOTREADY, None, 0)."""
        stream = self.stream
        low = stream.get_counter()
        if self.mode == "next":
            status, pixels = stream.get_data_next(wait)
            if status == shm.DAO_SUCCESS:
                return status, pixels, self.tail + 1
            if status == shm.DAO_NOTREADY:
                return status, None, 0
            if status == shm.DAO_ERROR:
                raise OSError("the stream has ended: its writer is gone, or it was replaced")
            return status, pixels, self._counter_of(pixels, low)
        if low == 0:
            return shm.DAO_NOTREADY, None, 0
        back = 0
        if self.mode == "newest":
            pixels = stream.get_data()
        elif self.mode == "history":
            pixels = stream.get_history(self.plan["history"])[-1]
        else:
            back = self.plan["index_lag"] % self.depth
            if low <= back:
                return shm.DAO_NOTREADY, None, 0
            pixels = stream.get_data_arbitrary((low - 1 - back) % self.depth)
            # Of a slot is known what it holds, now or a turn of the ring later.
            counter = stream.get_counter((low - 1 - back) % self.depth)
            return shm.DAO_SUCCESS, pixels, counter
        return shm.DAO_SUCCESS, pixels, self._counter_of(pixels, low)

    def _counter_of(self, pixels, low):
        high = self.stream.get_counter()
        if low == high:
            return high
        # Some frame was published meanwhile. The ring still has those that it could be.
        for counter in range(high, max(low, high - self.depth + 1) - 1, -1):
            held = self.stream.get_data_arbitrary((counter - 1) % self.depth)
            if held.tobytes() == pixels.tobytes():
                return counter
        return high

    def wait_for_frame(self):
        """A read that waits, or a wait; (DAO_NOTREADY, None, 0) where a read has to follow."""
        self.waiting = True
        try:
            if self.stopped:
                raise Stopped
            if self.mode != "next" or self.wait in ("spin", "hybrid"):
                begin = now()
                limit = SPIN if self.wait == "hybrid" else SLICE
                while self.stream.get_counter() == self.tail and now() < begin + limit:
                    pass
                if self.mode != "next" or self.wait == "spin":
                    return shm.DAO_NOTREADY, None, 0
            if self.wait == "semaphore":
                self.stream.get_data(check=True, semNb=self.semaphore, timeout=SLICE * 1e-9)
                return shm.DAO_NOTREADY, None, 0
            return self.read(wait=True)
        finally:
            self.waiting = False

    def run(self):
        poll = self.plan.get("poll_ns", 0)
        on_overwrite = self.plan.get("on_overwrite", "go_on")
        delivered, intended = 0, now()
        waited = False
        # Call j + 1 is intended at (call j had to wait ? its return : its intended time) + gap, so
        # that one late wake-up does not add up.
        while waited or self.sleep_until(intended):
            ended = self.end is not None  # read first: "nothing new" is then final
            before = now()
            status, pixels, counter = self.read()
            after = now()
            if status == shm.DAO_NOTREADY and self.wait == "poll":
                self.record((before, after, status, 0, intended, 0, None))
                intended = max(intended, before) + max(poll, SHORTEST_POLL)
                if ended:
                    return
                continue
            if status == shm.DAO_NOTREADY:
                if ended or self.stopped:
                    return
                waited = True
                before = now()
                status, pixels, counter = self.wait_for_frame()
                after = now()
                if status == shm.DAO_NOTREADY:
                    continue
            crc = zlib.crc32(pixels)
            self.record((before, after, status, counter, intended, int(waited), crc))
            self.tail = counter
            delivered += 1
            intended = (after if waited else intended) + self.gap(delivered)
            waited = False
            if status == shm.DAO_OVERWRITE and on_overwrite == "stop":
                return
            if status == shm.DAO_OVERWRITE and on_overwrite == "reset":
                self.tail = self._reset_tail()

    def record(self, call):
        if self.count == len(self.calls):
            raise OverflowError(f"more calls than the {len(self.calls)} that there is room for")
        self.calls[self.count] = call
        self.count += 1

    def report(self):
        lines = []
        for before, after, status, counter, intended, waited, crc in self.calls[:self.count]:
            line = f"call {before} {after} {status} {counter} intended={intended} waited={waited}"
            lines.append(line if crc is None else f"{line} crc32={crc:08x}")
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else os.environ["HIL_STREAM"]
    plan = {}
    if "HIL_PLAN" in os.environ:
        with open(os.environ["HIL_PLAN"], encoding="ascii") as file:
            plan = json.load(file)
    reader = Reader(path, plan, int(os.environ.get("HIL_CALLS", 1_000_000)))
    signal.signal(signal.SIGTERM, reader.stop)
    threading.Thread(target=reader.listen, daemon=True).start()
    gc.disable()  # no pause in the run but those that are planned
    print("ready", reader.tail, flush=True)
    try:
        reader.run()
    except Stopped:
        pass
    # The report is made whatever comes: a signal now would end it half way.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    reader.report()
    os._exit(0)  # without waiting for the thread


if __name__ == "__main__":
    try:
        main()
    except NotImplementedError as error:
        print(f"{os.environ.get('HIL_READER', 'reader')}: {error}", file=sys.stderr)
        sys.exit(2)
    except (OSError, OverflowError, ValueError, KeyError) as error:
        print(f"{os.environ.get('HIL_READER', 'reader')}: {error}", file=sys.stderr)
        sys.exit(1)
