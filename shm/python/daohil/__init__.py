"""DAO's FIFO shared memory: one writer, N slots in a ring, any number of readers.

    writer = daohil.Writer.create("/dev/shm/wfs.im.shm", (240, 240), "uint16", depth=8)
    writer.write(frame)

    reader = daohil.Reader("/dev/shm/wfs.im.shm")
    while result := reader.next(timeout=1):
        use(result.pixels, result.counter, result.lost)

Importing does nothing but import. Every name has its docstring; errors are FileNotFoundError,
PermissionError, OSError (its errno tells: EBUSY is a stream that has a writer), ValueError and
TypeError.
"""

from daohil._core import (Awaited, History, Lapped, Reader, Result, Status, Wait, Writer,
                          WriterState, unlink)

__all__ = ["Awaited", "History", "Lapped", "Reader", "Result", "Status", "Wait", "Writer",
           "WriterState", "unlink"]

for _public in __all__:
    globals()[_public].__module__ = "daohil"
del _public
