"""The Python interface of the Durham AO library on top of daohil: `from daoShm import shm`.

What differs from that library: frames are verified copies, never torn; errors are exceptions with
one line that names the stream; Ctrl-C ends any wait; a second process that writes a stream is
refused while the first lives. Every handle of one process may write.
"""

from __future__ import annotations

import logging
import os
import time
from types import SimpleNamespace, TracebackType
from typing import Any, Callable

import numpy as np

from daohil import Awaited, Reader, Result, Status, Wait, Writer, _core

__all__ = ["daoType2NpType", "shm"]

_log = logging.getLogger("daoShm")

_NETWORK = {"pubPort": 5555, "subPort": 5555, "subHost": "localhost"}
_PATIENCE = 1.0  # seconds that a slot may be in the middle of being written


def daoType2NpType(atype: int) -> type:
    """numpy's scalar type of a DAO type code, 1 (uint8) to 12 (complex128)."""
    return _core.dtype_of(atype).type


class shm:
    """One stream: created with `data`, which becomes its first frame, or else opened.

    fname: path, at most 79 bytes. data: array of 1 to 3 axes. nbkw: number of keyword records.
    depth: slots in the ring. logLevel is accepted and ignored: use the logger "daoShm". Frames over
    the network (pubPort, subPort, subHost) are not offered.

    Raises FileNotFoundError, PermissionError, OSError (EBUSY: another process writes the stream),
    ValueError (no stream of this layout, impossible shape), TypeError (dtype).

    Waits without a time-out end with DAO_ERROR, and a warning in the log, when the path was given to
    another stream or the writer is gone: its process has ended, or closed the stream. A stream that
    has only the frame it was created with may yet get a writer and is waited for.
    """

    DAO_SUCCESS = 0
    DAO_ERROR = 1
    DAO_TIMEOUT = -1
    DAO_OVERWRITE = -2
    DAO_NOTREADY = -3

    def __init__(self, fname: str | os.PathLike[str], data: Any = None, nbkw: int = 0,
                 pubPort: int = 5555, subPort: int = 5555, subHost: str = "localhost",
                 logLevel: int | None = None, depth: int = 1) -> None:
        for name, value in (("pubPort", pubPort), ("subPort", subPort), ("subHost", subHost)):
            if value != _NETWORK[name]:
                raise NotImplementedError(
                    f"{name}={value!r}: frames over the network (ZeroMQ) are not offered")
        path = os.fspath(fname)
        self._writer: Writer | None = None
        if data is None:
            self._reader = Reader(path)
        else:
            self._reader = _created(path, np.asarray(data), nbkw, depth)

    # ------------------------------------------------------------------------------------ writing

    def set_data(self, data: Any) -> None:
        """Publish one frame. TypeError on another dtype, ValueError on another shape; axes of
        length 1 at the end do not count. OSError EBUSY when another process writes the stream."""
        if self._writer is None:
            self._writer = self._reader.writer()
        self._writer.write(data)

    # ------------------------------------------------------------------------------------ reading

    def get_data(self, check: bool = False, reform: bool = True, semNb: int = 0,
                 timeout: float = 0, spin: bool = False) -> Any:
        """A copy of the newest frame; zeros before the first.

        check: wait for a new one first, at semaphore semNb, which no other reader must use, or with
        spin by polling the counter; timeout: seconds, 0: for ever. reform False: one axis.
        Returns DAO_TIMEOUT when none came in time, DAO_ERROR as the class says."""
        if check and (code := self._wait(semNb, timeout, spin)) != self.DAO_SUCCESS:
            return code
        return self._formed(self._whole(self._reader.newest), reform)

    def get_data_next(self, wait: bool = False, reform: bool = True) -> tuple[int, Any]:
        """(status, copy of the frame after the one read last).

        DAO_SUCCESS; DAO_OVERWRITE: lapped, this is the newest and some were skipped; without a
        frame, (DAO_NOTREADY, None). wait: for ever, until there is one; (DAO_ERROR, None) as the
        class says."""
        result = self._reader.next(None if wait else 0)
        if result:
            code = self.DAO_OVERWRITE if result.lost else self.DAO_SUCCESS
            return code, self._formed(result.pixels, reform)
        if result.status in (Status.replaced, Status.writer_gone):
            return self._ended(result.status.name), None
        return self.DAO_NOTREADY, None

    def get_data_arbitrary(self, index: int, reform: bool = True) -> Any:
        """A copy of what a slot (modulo the depth) holds; zeros when it was never written."""
        return self._formed(self._whole(lambda: self._reader.at(index)), reform)

    def get_history(self, num_items: int, check: bool = False, semNb: int = 0, timeout: float = 0,
                    spin: bool = False, buffer: Any = None) -> Any:
        """Copies of the newest frames along axis 0, oldest first; fewer when fewer were written.

        None, and a warning in the log, unless num_items is 1 to depth. check, semNb, timeout and
        spin as in get_data. buffer: array of num_items frames to copy into."""
        depth = self._reader.depth
        if not 1 <= num_items <= depth:
            _log.warning("history of stream %s: %d frames asked for, 1 to %d possible",
                         self._reader.path, num_items, depth)
            return None
        if check and (code := self._wait(semNb, timeout, spin)) != self.DAO_SUCCESS:
            return code
        return self._reader.history(num_items, out=buffer).pixels

    def reset_tail(self) -> None:
        """Let get_data_next continue after the present newest frame."""
        self._reader.reset_tail()

    # ----------------------------------------------------------------------------------- metadata

    def get_meta_data(self, index: int | None = None) -> SimpleNamespace:
        """The metadata of a slot, by default the newest frame's, with DAO's field names."""
        fields = self._reader.metadata(index)
        time_ns = fields.pop("time_ns")
        fields["atime"] = SimpleNamespace(
            ts=SimpleNamespace(tv_sec=time_ns // 10**9, tv_nsec=time_ns % 10**9),
            tsfixed=SimpleNamespace(firstlong=0, secondlong=time_ns))
        return SimpleNamespace(**fields)

    def get_counter(self, index: int | None = None) -> int:
        """Counter (cnt0) of the newest frame or of the one in a slot; 0: none yet."""
        if index is None:
            return self._reader.newest_counter
        return self._reader.metadata(index)["cnt0"]

    def get_frame_id(self, index: int | None = None) -> int:
        """The device's number (cnt2) of the newest frame or of the one in a slot."""
        return self._reader.metadata(index)["cnt2"]

    def get_timestamp(self, index: int | None = None) -> float:
        """Seconds since 1970 at which the newest frame, or the one in a slot, was written."""
        return self.get_timestamp_ns(index) * 1e-9

    def get_timestamp_ns(self, index: int | None = None) -> int:
        """The same in nanoseconds, exactly."""
        return self._reader.metadata(index)["time_ns"]

    def get_keywords(self) -> dict[str, int | float | str]:
        """{name: value} of the keyword records in use."""
        return self._reader.keywords()

    def set_keyword(self, name: str, value: int | float | str, comment: str = "") -> None:
        """Set the keyword of that name, or use the first free record; ValueError when there is
        none. Only one process at a time."""
        self._reader.set_keyword(name, value, comment)

    # ------------------------------------------------------------------------------------- handle

    def close(self) -> None:
        """Give the stream back; the file stays. May be repeated."""
        self._reader.close()
        if self._writer is not None:
            self._writer.close()

    def __enter__(self) -> shm:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return repr(self._reader).replace("daohil.Reader", "daoShm.shm")

    # ------------------------------------------------------------------------------------ private

    def _wait(self, number: int, timeout: float, spin: bool) -> int:
        bounded = timeout > 0
        limit = timeout if bounded else None
        if spin:
            # The tail of get_data_next is none of its business.
            end = self._reader.another().wait(limit, how=Wait.spin, forever=bounded)
        else:
            end = self._reader.wait_semaphore(number, limit, forever=bounded)
        if end == Awaited.frame:
            return self.DAO_SUCCESS
        return self.DAO_TIMEOUT if end == Awaited.timeout else self._ended(end.name)

    def _ended(self, reason: str) -> int:
        _log.warning("wait for stream %s: %s; open it again", self._reader.path,
                     "the path was given to another stream, or removed" if reason == "replaced"
                     else "its writer has closed it or died")
        return self.DAO_ERROR

    def _whole(self, read: Callable[[], Result]) -> Any:
        deadline = time.monotonic() + _PATIENCE
        while True:
            result = read()
            if result:
                return result.pixels
            if result.status == Status.not_ready:
                return np.zeros(self._reader.shape, self._reader.dtype)
            if time.monotonic() > deadline:
                raise OSError(f"read from stream {self._reader.path}: a frame has been in the "
                              f"middle of being written for {_PATIENCE} s; is its writer alive?")

    @staticmethod
    def _formed(pixels: Any, reform: bool) -> Any:
        return pixels if reform else pixels.reshape(-1)


def _created(path: str, data: Any, nbkw: int, depth: int) -> Reader:
    # Programs create a stream anew that they have open themselves.
    _core.release_writers(path)
    with Writer.create(path, data.shape, data.dtype, depth, keywords=nbkw) as writer:
        reader = Reader(path)  # before the first frame, which is new to it
        writer.write(data)
    return reader
