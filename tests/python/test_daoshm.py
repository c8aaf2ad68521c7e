"""The drop-in daoShm.shm: what programs written for the Durham AO library count on, and the bytes
of the stream beside it."""

import errno
import logging
import os
import signal
import struct
import time

import numpy as np
import pytest

import children
import program
from children import InThread, frame
from dao import KEYWORD, METADATA, Stream, stream_bytes

SUCCESS, ERROR, TIMEOUT, OVERWRITE, NOTREADY = 0, 1, -1, -2, -3
TYPES = {"uint8": 1, "int8": 2, "uint16": 3, "int16": 4, "uint32": 5, "int32": 6, "uint64": 7,
         "int64": 8, "float32": 9, "float64": 10, "complex64": 11, "complex128": 12}


@pytest.fixture
def path(python_modules):
    name = children.stream_name()
    yield name
    program.remove_stream(name)


@pytest.fixture
def stream(shm, path):
    """A handle of a new stream of 2x3 uint16, depth 4, its first frame not yet read."""
    with shm(path, data=frame(1), nbkw=3, depth=4) as handle:
        yield handle


def bytes_of(path):
    return Stream(bytearray(path.read_bytes()))


def equal(got, wanted):
    return got.dtype == wanted.dtype and got.shape == wanted.shape and np.array_equal(got, wanted)


# ------------------------------------------------------------------------------- creating, opening


def test_constants(shm):
    assert (shm.DAO_SUCCESS, shm.DAO_ERROR, shm.DAO_TIMEOUT, shm.DAO_OVERWRITE,
            shm.DAO_NOTREADY) == (0, 1, -1, -2, -3)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(7,), (4, 3), (2, 3, 5)], ids=str)
def test_every_type_and_number_of_axes(shm, path, dtype, shape):
    """In the file as numpy has it in C order, size[0] the slowest axis."""
    with shm(path, data=frame(1, shape, dtype), depth=2, nbkw=1) as writer:
        writer.set_data(frame(2, shape, dtype))
        raw = bytes_of(path)
        assert raw.get("naxis") == len(shape)
        assert raw.get("size") == (*shape, 0, 0)[:3]
        assert raw.get("atype") == TYPES[dtype]
        assert (raw.depth, raw.get("NBkw")) == (2, 1)
        item = np.dtype(dtype).itemsize
        assert len(raw.memory) == 2 * (METADATA + np.prod(shape) * item) + KEYWORD
        for slot in (0, 1):
            assert bytes(raw.memory[raw.pixels(slot)]) == frame(slot + 1, shape, dtype).tobytes()
            assert raw.get("cnt0", slot) == slot + 1
        with shm(path) as reader:
            assert equal(reader.get_data(), frame(2, shape, dtype))
            assert equal(reader.get_data_arbitrary(0), frame(1, shape, dtype))
            assert equal(reader.get_data(reform=False), frame(2, shape, dtype).reshape(-1))


def test_a_stream_of_the_reference_is_read(shm, path):
    """Created and written by plain struct; depth 1, as before the FIFO."""
    raw = Stream(stream_bytes(path, (2, 3), TYPES["float32"], 1))
    raw.write(frame(1, dtype="float32").tobytes())
    path.write_bytes(raw.memory)
    with shm(str(path)) as reader:
        assert equal(reader.get_data(), frame(1, dtype="float32"))
        assert reader.get_counter() == 1


@pytest.mark.parametrize("depth", [1, 2, 3, 8])
def test_the_first_frame_is_new_to_its_creator_only(shm, path, depth):
    with shm(path, data=frame(1), depth=depth) as creator, shm(path) as late:
        status, pixels = creator.get_data_next()
        assert status == SUCCESS and equal(pixels, frame(1))
        assert creator.get_data_next() == late.get_data_next() == (NOTREADY, None)


def test_default_depth_is_the_classic_one(shm, path):
    with shm(path, data=frame(1)) as handle:
        assert handle.get_meta_data().fifo_size == 1


@pytest.mark.parametrize("argument", [{"pubPort": 1}, {"subPort": 1}, {"subHost": "other"}])
def test_network_frames_are_refused_by_name(shm, path, argument):
    with pytest.raises(NotImplementedError, match=next(iter(argument))):
        shm(path, **argument)
    shm(path, frame(1), 0, 5555, 5555, "localhost", 0, 2).close()  # what was always accepted


def test_files_that_are_no_stream(shm, path):
    with pytest.raises(FileNotFoundError, match=str(path)):
        shm(path)
    with pytest.raises(FileNotFoundError, match="no/such/folder"):
        shm("/dev/shm/no/such/folder/x.im.shm", data=frame(1))
    for contents, word in ((b"", "0 bytes"), (b"not a stream" * 1000, "naxis"),
                           (bytes(stream_bytes(path, (2, 3), 3, 4)[:-1]), str(path))):
        path.write_bytes(contents)
        with pytest.raises(ValueError, match=word) as caught:
            shm(path)
        assert "\n" not in str(caught.value)
    with pytest.raises(TypeError):
        shm(None)


@pytest.mark.parametrize("data, error, word", [
    (np.zeros((2, 2), bool), TypeError, "bool"),
    (np.zeros((2, 2), ">u2"), TypeError, ">u2"),
    (np.zeros((2, 2), "float16"), TypeError, "float16"),
    (np.zeros((2, 2, 2, 2), "u2"), ValueError, r"\(2, 2, 2, 2\)"),
    (np.zeros((), "u2"), ValueError, r"\(\)"),
    (np.zeros((2, 0), "u2"), ValueError, r"\(2, 0\)"),
])
def test_data_that_no_stream_can_hold(shm, path, data, error, word):
    with pytest.raises(error, match=word):
        shm(path, data=data)
    assert not path.exists()


# ----------------------------------------------------------------------------------------- writing


@pytest.mark.parametrize("data, error, both", [
    (frame(1, dtype="float32"), TypeError, ["float32", "uint16"]),
    (frame(1, dtype="int16"), TypeError, ["int16", "uint16"]),
    (frame(1).astype(">u2"), TypeError, [">u2", "uint16"]),
    (frame(1, (3, 2)), ValueError, ["(3, 2)", "(2, 3)"]),
    (frame(1, (6,)), ValueError, ["(6,)", "(2, 3)"]),
    (frame(1, (1, 2, 3)), ValueError, ["(1, 2, 3)", "(2, 3)"]),
    (frame(1, (2, 4)), ValueError, ["(2, 4)", "8", "(2, 3)", "6"]),
], ids=lambda value: getattr(value, "__name__", None))
def test_what_does_not_fit_is_refused_and_both_sides_named(stream, path, data, error, both):
    before = path.read_bytes()
    with pytest.raises(error) as caught:
        stream.set_data(data)
    assert all(word in str(caught.value) for word in [*both, str(path)]), caught.value
    assert "\n" not in str(caught.value)
    assert stream.get_counter() == 1
    assert path.read_bytes()[METADATA * 4:] == before[METADATA * 4:]


@pytest.mark.parametrize("data", [np.asfortranarray(frame(2)), np.repeat(frame(2), 2, axis=1)[:, ::2],
                                  frame(2)[::-1][::-1], frame(2).reshape(2, 3, 1),
                                  frame(2).tolist()],
                         ids=["Fortran", "strided", "reversed", "axis of 1", "list"])
def test_any_memory_order_is_written_as_the_array_reads(stream, data):
    if isinstance(data, list):
        with pytest.raises(TypeError, match="int64.*uint16"):
            stream.set_data(data)
        data = np.array(data, "uint16")
    stream.set_data(data)
    assert equal(stream.get_data(), frame(2))


def test_vectors_may_be_given_without_their_axis_of_one(shm, path):
    with shm(path, data=frame(1, (5, 1))) as handle:
        handle.set_data(frame(2, (5,)))
        assert equal(handle.get_data(), frame(2, (5, 1)))
        with pytest.raises(ValueError):
            handle.set_data(frame(2, (1, 5)))


def test_handles_of_one_process_write_in_turn(shm, path, stream):
    with shm(path) as other:
        for n in range(2, 9, 2):
            stream.set_data(frame(n))
            other.set_data(frame(n + 1))
            assert stream.get_counter() == n + 1
        assert equal(stream.get_history(4), np.stack([frame(n) for n in (6, 7, 8, 9)]))
        stream.close()
        other.set_data(frame(10))
        assert other.get_counter() == 10


def test_who_created_a_stream_does_not_keep_others_from_writing_it(shm, path, stream, tmp_path):
    done = children.run("""
from daoShm import shm
import children
shm(sys.argv[1]).set_data(children.frame(2))
""", path, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert stream.get_counter() == 2 and equal(stream.get_data(), frame(2))


WRITER = """
from daoShm import shm
import children, os
handle = shm(sys.argv[1])
handle.set_data(children.frame(2))
handle.set_data(children.frame(3))
print("written", flush=True)
import threading; threading.Event().wait()
"""


@pytest.fixture
def other_writer(stream, path, tmp_path):
    """A process that wrote frames 2 and 3 and lives until it is killed."""
    process = children.start(WRITER, path, cwd=tmp_path)
    children.says(process, "written")
    yield process
    process.kill()
    process.communicate()


def test_a_second_process_is_refused_until_the_first_is_gone(shm, path, stream, other_writer):
    with pytest.raises(OSError, match="another writer is alive") as caught:
        stream.set_data(frame(4))
    assert caught.value.errno == errno.EBUSY and str(path) in str(caught.value)
    with pytest.raises(OSError, match="another writer is alive"):
        shm(path, data=frame(1))
    other_writer.kill()
    other_writer.wait()
    stream.set_data(frame(4))
    assert stream.get_counter() == 4 and equal(stream.get_data(), frame(4))


def test_a_child_of_fork_does_not_write_with_its_parents_writer(shm, path, stream):
    stream.set_data(frame(2))
    child = os.fork()
    if child == 0:
        try:
            stream.set_data(frame(99))
            os._exit(1)
        except OSError as error:
            os._exit(0 if error.errno == errno.EBUSY else 2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    stream.set_data(frame(3))
    assert stream.get_counter() == 3


def test_a_stream_is_created_anew_by_the_process_that_writes_it(shm, path, stream):
    """As one does by running a cell of a notebook twice."""
    stream.set_data(frame(2))
    with shm(path, data=frame(1, (5,)), depth=2) as new:
        new.set_data(frame(2, (5,)))
        assert new.get_counter() == 2
        with pytest.raises(OSError, match="open it again"):
            stream.set_data(frame(3))
        assert new.get_counter() == 2
        assert equal(stream.get_data(), frame(2))  # its own, as it was


# ----------------------------------------------------------------------------------------- reading


@pytest.mark.parametrize("depth", [1, 2, 3, 8])
def test_frames_are_read_in_order_until_the_reader_is_lapped(shm, path, depth):
    """d unread: d <= depth the next, beyond it the newest."""
    with shm(path, data=frame(1), depth=depth) as writer, shm(path) as reader:
        n = tail = 1
        for unread in [*range(1, depth + 1), depth + 1, 1, depth + 2, depth, 3 * depth + 1]:
            while n < tail + unread:
                n += 1
                writer.set_data(frame(n))
            status, pixels = reader.get_data_next()
            wanted = (SUCCESS, tail + 1) if unread <= depth else (OVERWRITE, n)
            assert status == wanted[0] and equal(pixels, frame(wanted[1])), unread
            reader.reset_tail()
            assert reader.get_data_next() == (NOTREADY, None)
            tail = n
        for k in range(1, depth + 1):
            writer.set_data(frame(n + k))
        for k in range(1, depth + 1):
            status, pixels = reader.get_data_next()
            assert status == SUCCESS and equal(pixels, frame(n + k))
        assert reader.get_data_next() == (NOTREADY, None)


def test_the_newest_is_a_copy_and_leaves_the_tail(stream):
    stream.set_data(frame(2))
    got = stream.get_data()
    stream.set_data(frame(3))
    assert equal(got, frame(2)) and got.flags.writeable and got.flags.owndata
    status, pixels = stream.get_data_next(reform=False)
    assert status == SUCCESS and equal(pixels, frame(1).reshape(-1))


def test_any_slot(stream):
    for n in range(2, 7):
        stream.set_data(frame(n))
    for index in (0, 1, 2, 3, 4, 7, 2**40 + 1, -1):
        held = max(n for n in range(1, 7) if (n - 1) % 4 == index % 4)
        assert equal(stream.get_data_arbitrary(index), frame(held))
        assert stream.get_counter(index) == held
    assert equal(stream.get_data_arbitrary(0, reform=False), frame(5).reshape(-1))


def test_before_the_first_frame_there_are_zeros(shm, path):
    path.write_bytes(stream_bytes(path, (2, 3), TYPES["uint16"], 4))
    with shm(path) as reader:
        assert equal(reader.get_data(), np.zeros((2, 3), "uint16"))
        assert equal(reader.get_data_arbitrary(2), np.zeros((2, 3), "uint16"))
        assert reader.get_data_next() == (NOTREADY, None)
        assert reader.get_history(2).shape == (0, 2, 3)
        assert reader.get_counter() == 0


def test_history(stream, caplog):
    stream.set_data(frame(2))
    assert equal(stream.get_history(1), frame(2)[None])
    assert equal(stream.get_history(4), np.stack([frame(1), frame(2)]))  # no more were written
    for n in range(3, 7):
        stream.set_data(frame(n))
    assert equal(stream.get_history(4), np.stack([frame(n) for n in (3, 4, 5, 6)]))
    for wrong in (0, 5, -1):
        caplog.clear()
        assert stream.get_history(wrong) is None
        assert f"{wrong} frames" in caplog.text and "4 possible" in caplog.text


def test_history_into_a_buffer(stream):
    stream.set_data(frame(2))
    buffer = np.zeros((2, 2, 3), "uint16")
    got = stream.get_history(2, buffer=buffer)
    assert np.shares_memory(got, buffer) and equal(buffer, np.stack([frame(1), frame(2)]))
    for wrong, error, words in (
            (np.zeros((2, 2, 3), "int16"), TypeError, ["int16", "uint16"]),
            (np.zeros((3, 2, 3), "uint16"), ValueError, ["(3, 2, 3)", "(2, 2, 3)"]),
            (np.zeros((2, 3, 2), "uint16").transpose(0, 2, 1), ValueError, ["not contiguous"]),
            (np.broadcast_to(np.uint16(0), (2, 2, 3)), ValueError, ["read-only"]),
            ([0], TypeError, ["list"])):
        with pytest.raises(error) as caught:
            stream.get_history(2, buffer=wrong)
        assert all(word in str(caught.value) for word in words), caught.value


def test_a_frame_that_stays_half_written_is_an_error_and_no_hang(shm, path):
    raw = Stream(stream_bytes(path, (2, 3), TYPES["uint16"], 1))
    raw.write(frame(1).tobytes())
    raw.set("write", 1)
    path.write_bytes(raw.memory)
    with shm(path) as reader:
        with pytest.raises(OSError, match="being written"):
            reader.get_data()
        assert reader.get_data_next() == (NOTREADY, None)


# ------------------------------------------------------------------------------------------- waits


WAITS = {
    "next": lambda handle: handle.get_data_next(wait=True),
    "semaphore": lambda handle: (SUCCESS, handle.get_data(check=True, semNb=3)),
    "spin": lambda handle: (SUCCESS, handle.get_data(check=True, spin=True)),
    "history": lambda handle: (SUCCESS, handle.get_history(1, check=True, semNb=4)[0]),
    "history spin": lambda handle: (SUCCESS, handle.get_history(1, check=True, spin=True)[0]),
    "bounded": lambda handle: (SUCCESS, handle.get_data(check=True, semNb=5, timeout=1000)),
}


def drained(handle):
    """The posts of frames before this moment, which would end a wait at once."""
    for number in (3, 4, 5):
        handle.get_data(check=True, semNb=number, timeout=0.001)


@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS.keys())
def test_a_wait_ends_with_the_frame(shm, path, stream, wait):
    with shm(path) as reader:
        drained(reader)
        waiting = InThread(lambda: wait(reader))
        # The waits for "a new frame" begin when they begin: frames are written until they have one.
        for n in range(2, 2000):
            stream.set_data(frame(n))
            try:
                status, pixels = waiting.result(patience=0.01)
                break
            except AssertionError:
                continue
        assert status == SUCCESS
        assert equal(pixels, frame(2) if wait is WAITS["next"] else stream.get_data())


@pytest.mark.parametrize("wait", [{}, {"spin": True}], ids=["semaphore", "spin"])
@pytest.mark.parametrize("read", ["get_data", "get_history"])
def test_a_time_out_is_said(shm, stream, read, wait):
    """A time-out wins over the end of the stream: who sets one wants to be told in its time."""
    arguments = [1] if read == "get_history" else []
    stream.get_data(check=True)  # the post of the first frame
    begin = time.monotonic()
    got = getattr(stream, read)(*arguments, check=True, timeout=0.06, **wait)
    assert type(got) is int and got == shm.DAO_TIMEOUT
    assert time.monotonic() - begin >= 0.06


def test_a_semaphore_that_is_not_there(stream):
    with pytest.raises(ValueError, match="semaphore 10"):
        stream.get_data(check=True, semNb=10)
    program_semaphore = next(program.SHM.glob(f"sem.{os.path.basename(stream._reader.path)[:-7]}_sem07"))
    program_semaphore.unlink()
    with pytest.raises(FileNotFoundError, match="semaphore 7"):
        stream.get_data(check=True, semNb=7, timeout=1)


INTERRUPTED = """
import threading, daohil
from daoShm import shm
handle, reader = shm(sys.argv[1]), daohil.Reader(sys.argv[1])
for number in range(10):  # the posts of earlier frames
    reader.wait_semaphore(number, 0)
begun = threading.Event()
def watch():
    begun.wait()
    for _ in range(20):
        threading.Event().wait(0.001)
    print("others run", flush=True)
threading.Thread(target=watch, daemon=True).start()
begun.set()
try:
    WAIT
    print("no wait")
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""

ALL_WAITS = [
    "handle.get_data_next(wait=True)", "handle.get_data(check=True)",
    "handle.get_data(check=True, spin=True)", "handle.get_data(check=True, timeout=1000)",
    "handle.get_data(check=True, spin=True, timeout=1000)", "handle.get_history(1, check=True)",
    "handle.get_history(1, check=True, spin=True)", "reader.next(None)", "reader.next(1000)",
    "reader.next_in_place(None, how=daohil.Wait.hybrid)", "reader.wait(how=daohil.Wait.spin)",
    "reader.wait(forever=True)", "reader.wait_semaphore(3)",
]


@pytest.mark.parametrize("wait", ALL_WAITS)
def test_ctrl_c_ends_any_wait_and_threads_run_meanwhile(stream, path, tmp_path, wait):
    """Nobody writes: without the signal each would wait for ever. Another thread of the waiting
    process runs, so the GIL is free."""
    process = children.start(INTERRUPTED.replace("WAIT", wait), path, cwd=tmp_path)
    try:
        children.says(process, "others run")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out, err) == (0, "interrupted\n", "")
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


ENDED = {
    "next": lambda handle: handle.get_data_next(wait=True),
    "semaphore": lambda handle: handle.get_data(check=True, semNb=3),
    "spin": lambda handle: handle.get_data(check=True, spin=True),
    "history": lambda handle: handle.get_history(1, check=True, semNb=4),
}


@pytest.mark.parametrize("wait", ENDED)
@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_wait_ends_when_the_writer_dies(shm, path, other_writer, caplog, wait, when):
    with shm(path) as reader:
        drained(reader)
        if when == "before":
            other_writer.kill()
            other_writer.wait()
        waiting = InThread(lambda: ENDED[wait](reader))
        if when == "meanwhile":
            other_writer.kill()
        assert waiting.result() == ((ERROR, None) if wait == "next" else ERROR)
        assert "writer" in caplog.text and str(path) in caplog.text
        assert caplog.records[0].levelno == logging.WARNING


@pytest.mark.parametrize("wait", ENDED)
def test_a_wait_ends_when_the_stream_is_replaced(shm, path, stream, caplog, wait):
    with shm(path) as reader:
        drained(reader)
        waiting = InThread(lambda: ENDED[wait](reader))
        with shm(path, data=frame(1, (5,))):
            assert waiting.result() == ((ERROR, None) if wait == "next" else ERROR)
        assert "another stream" in caplog.text
        with pytest.raises(OSError) as caught:
            reader.set_data(frame(2))
        assert caught.value.errno == errno.ESTALE
    with shm(path) as again:
        assert equal(again.get_data(), frame(1, (5,)))


# -------------------------------------------------------------------------------- metadata, keywords


def test_metadata_are_those_of_the_bytes(stream, path):
    before = time.time_ns()
    stream.set_data(frame(2))
    raw = bytes_of(path)
    for index, slot in ((None, 1), (0, 0), (1, 1), (5, 1), (3, 3)):
        md = stream.get_meta_data(index)
        assert md.name == str(path)
        for field in ("naxis", "size", "nelement", "atype", "creation_time", "last_access",
                      "shared", "status", "logflag", "cnt0", "cnt1", "cnt2", "write", "NBkw",
                      "lastPos", "lastNb", "packetNb", "packetTotal"):
            assert getattr(md, field) == raw.get(field, slot), field
        for field in ("sem", "fifo_size", "fifo_last_written"):  # of the stream
            assert getattr(md, field) == raw.get(field), field
        assert md.atime.tsfixed.secondlong == raw.get("secondlong", slot)
        assert md.atime.ts.tv_sec * 10**9 + md.atime.ts.tv_nsec == raw.get("secondlong", slot)
        assert len(md.lastNbArray) == 512
    assert stream.get_counter() == stream.get_counter(1) == 2
    assert stream.get_timestamp_ns() == stream.get_timestamp_ns(1) == raw.get("secondlong", 1)
    assert before <= stream.get_timestamp_ns() <= time.time_ns()
    assert abs(stream.get_timestamp() - stream.get_timestamp_ns() / 1e9) < 1e-6
    assert stream.get_timestamp_ns(3) == 0


def test_frame_id_is_what_the_writer_gave(stream, daohil, path):
    with daohil.Writer.attach(path) as writer:
        writer.write(frame(2), id=2**40)
    assert stream.get_frame_id() == stream.get_frame_id(1) == 2**40
    assert stream.get_frame_id(0) == 0


def records(path, number):
    raw = path.read_bytes()[-number * KEYWORD:]
    return [raw[i * KEYWORD:(i + 1) * KEYWORD] for i in range(number)]


def record(name, kind, value, comment):
    return (name.ljust(16, b"\0") + kind.ljust(8, b"\0") + value.ljust(16, b"\0")
            + comment.ljust(80, b"\0"))


def test_keywords(stream, shm, path):
    assert stream.get_keywords() == {}
    stream.set_keyword("gain", 1.5, "of the loop")
    stream.set_keyword("modes", -7)
    stream.set_keyword("mode", "closed")
    stream.set_keyword("modes", np.int32(8))  # the same record
    assert records(path, 3) == [
        record(b"gain", b"D", struct.pack("<d", 1.5), b"of the loop"),
        record(b"modes", b"L", struct.pack("<q", 8), b""), record(b"mode", b"S", b"closed", b"")]
    with shm(path) as other:
        keywords = other.get_keywords()
    assert keywords == {"gain": 1.5, "modes": 8, "mode": "closed"}
    assert [type(value) for value in keywords.values()] == [float, int, str]


@pytest.mark.parametrize("name, value, error, words", [
    ("fourth", 1, ValueError, ["fourth", "3 records"]),
    ("", 1, ValueError, ["name"]),
    ("k1", 2**63, ValueError, ["k1", str(2**63)]),
    ("k1", None, TypeError, ["k1", "NoneType"]),
    ("k1", [1], TypeError, ["k1", "list"]),
    ("k1", "x" * 17, ValueError, ["17"]),
    ("n" * 16, 1, ValueError, []),
])
def test_keywords_that_cannot_be(stream, path, name, value, error, words):
    for n in (1, 2, 3):
        stream.set_keyword(f"k{n}", n)
    before = records(path, 3)
    with pytest.raises(error) as caught:
        stream.set_keyword(name, value)
    assert all(word in str(caught.value) for word in words), caught.value
    assert records(path, 3) == before


# ------------------------------------------------------------------------------------------ handles


def test_a_closed_handle_says_so(stream, shm, path):
    stream.set_data(frame(2))
    assert str(path) in repr(stream) and "2x3 u16" in repr(stream) and "depth 4" in repr(stream)
    stream.close()
    stream.close()
    assert "closed" in repr(stream)
    for call in (stream.get_data, stream.get_data_next, stream.get_counter, stream.get_meta_data,
                 stream.get_keywords, stream.reset_tail, lambda: stream.set_data(frame(3)),
                 lambda: stream.get_history(1), lambda: stream.get_data_arbitrary(0),
                 lambda: stream.set_keyword("a", 1), lambda: stream.get_data_next(wait=True),
                 lambda: stream.get_data(check=True)):
        with pytest.raises(ValueError, match="closed"):
            call()
    assert path.exists()


def test_a_handle_is_a_context(shm, path):
    with pytest.raises(ZeroDivisionError):
        with shm(path, data=frame(1)) as handle:
            1 / 0
    with pytest.raises(ValueError, match="closed"):
        handle.get_data()


def test_a_handle_that_is_dropped_gives_its_lock_back(shm, path, stream, tmp_path):
    shm(path).set_data(frame(2))
    done = children.run(WRITER.partition("print")[0], path, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert stream.get_counter() == 4


READ_ONLY = """
from daoShm import shm
import children, os
if os.geteuid() == 0:  # whom no mode keeps from writing
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
handle = shm(sys.argv[1])
assert (handle.get_data() == children.frame(1)).all()
for call in (lambda: handle.set_data(children.frame(2)), lambda: handle.set_keyword("a", 1)):
    try:
        call()
        sys.exit("no error")
    except PermissionError as error:
        assert sys.argv[1] in str(error)
"""


def test_a_read_only_file_is_read_and_not_written(stream, path, tmp_path):
    os.chmod(path, 0o444)
    done = children.run(READ_ONLY, path, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


IMPORT = """
import numpy, logging, os, signal, threading
def state():
    return (sorted(os.listdir("/proc/self/fd"))[:-1], len(os.listdir("/proc/self/task")),
            threading.enumerate(), os.listdir("."), logging.root.handlers,
            [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)])
before = state()
import daohil, daoShm
from daoShm import shm
assert state() == before, (before, state())
assert not daoShm._log.handlers
assert "/dev/shm/" not in open("/proc/self/maps").read()
"""


def test_importing_does_nothing_else(python_modules, tmp_path):
    done = children.run(IMPORT, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_type_codes(python_modules):
    from daoShm import daoType2NpType
    assert {name: daoType2NpType(code) for name, code in TYPES.items()} == {
        name: np.dtype(name).type for name in TYPES}
    for wrong in (0, 13, 77):
        with pytest.raises(ValueError, match=str(wrong)):
            daoType2NpType(wrong)
