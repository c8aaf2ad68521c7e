"""The modern Python API: results, views in place, waits, threads, and its documentation."""

import ast
import errno
import json
import re
import threading
import types

import numpy as np
import pytest

import children
import program
from children import InThread, frame, yields_the_gil
from dao import Stream, stream_bytes
from program import ROOT


@pytest.fixture
def path(python_modules):
    name = children.stream_name()
    yield name
    program.remove_stream(name)


@pytest.fixture
def writer(daohil, path):
    with daohil.Writer.create(path, (2, 3), "uint16", depth=4, keywords=1) as handle:
        yield handle


@pytest.fixture
def reader(daohil, writer, path):
    with daohil.Reader(path) as handle:
        yield handle


def test_a_stream_that_shares_its_semaphores_is_warned_of(daohil, writer, path):
    twin = path.with_name(path.name.replace(".im.shm", ".twin.im.shm"))
    try:
        with pytest.warns(RuntimeWarning, match=f"{twin} has the semaphores .* of {path} too"):
            daohil.Writer.create(twin, (2, 3), "uint16").close()
    finally:
        program.remove_stream(twin)


# ------------------------------------------------------------------------------------------- reads


def test_a_result_tells_all_of_its_frame(daohil, writer, reader, path):
    assert [writer.write(frame(n), id=100 + n) for n in (1, 2)] == [1, 2]
    result = reader.next()
    raw = Stream(bytearray(path.read_bytes()))
    assert result and result.status == daohil.Status.success
    assert (result.counter, result.lost, result.id, result.slot) == (1, 0, 101, 0)
    assert result.time_ns == raw.get("secondlong", 0)
    assert abs(result.time - result.time_ns / 1e9) < 1e-6
    assert np.array_equal(result.pixels, frame(1)) and result.pixels.dtype == np.uint16
    for word in ("success", "counter 1", "id 101", "2x3 u16"):
        assert word in repr(result)


def test_a_result_without_a_frame_is_false(daohil, reader):
    for result in (reader.next(), reader.newest(), reader.at(0), reader.next_in_place()):
        assert not result and result.status == daohil.Status.not_ready and result.pixels is None
        assert not reader.intact(result)
    assert reader.next(timeout=0.01).status == daohil.Status.timeout
    assert reader.wait(0.01) == daohil.Awaited.timeout


@pytest.mark.parametrize("lapped, counter, lost", [("to_newest", 9, 8), ("to_oldest", 6, 5)])
def test_a_lapped_reader_goes_on_where_it_was_told(daohil, writer, reader, lapped, counter, lost):
    """Nine unread in four slots: frames 6 to 9 are there."""
    reader.lapped = getattr(daohil.Lapped, lapped)
    for n in range(1, 10):
        writer.write(frame(n))
    result = reader.next()
    assert result.status == daohil.Status.overwrite
    assert (result.counter, result.lost, reader.lost_total) == (counter, lost, lost)
    assert np.array_equal(result.pixels, frame(counter))
    rest = []
    while result := reader.next():
        rest.append(result.counter)
    assert rest == list(range(counter + 1, 10)) and reader.lost_total == lost


def test_reads_that_leave_the_tail(writer, reader):
    for n in range(1, 7):
        writer.write(frame(n))
    assert reader.newest().counter == reader.newest_counter == 6
    assert [reader.at(slot).counter for slot in (0, 1, 2, 3, 4, -1)] == [5, 6, 3, 4, 5, 4]
    history = reader.history(3)
    assert (len(history), history.first) == (3, 4)
    assert np.array_equal(history.pixels, np.stack([frame(n) for n in (4, 5, 6)]))
    other = reader.another()
    assert not other.next()
    assert reader.next().counter == 6  # lapped: 5 of the 6 unread are skipped
    assert reader.reset_tail() == (1, 6)
    for wrong in (0, 5, -1):
        with pytest.raises(ValueError, match=f"{wrong} frames asked for, 1 to 4"):
            reader.history(wrong)


def test_reading_into_an_array(writer, reader):
    for n in (1, 2, 3):
        writer.write(frame(n))
    out = np.zeros((2, 3), "uint16")
    assert reader.next(out=out).pixels is out and np.array_equal(out, frame(1))
    assert reader.newest(out=out).pixels is out and np.array_equal(out, frame(3))
    assert reader.at(1, out=out).pixels is out and np.array_equal(out, frame(2))
    for wrong, error in ((np.zeros((3, 2), "uint16"), ValueError), (out.T.reshape(2, 3).T, ValueError),
                         (np.zeros((2, 3), "int16"), TypeError), ([], TypeError),
                         (np.zeros((2, 6), "uint16")[:, ::2], ValueError)):
        with pytest.raises(error):
            reader.next(out=wrong)
    assert reader.next().counter == 2  # none of these took a frame


def test_a_view_in_place_is_the_slot_itself(writer, reader):
    for n in (1, 2, 3):
        writer.write(frame(n))
    first, newest, second = reader.next_in_place(), reader.newest_in_place(), reader.at_in_place(1)
    assert [r.counter for r in (first, newest, second)] == [1, 3, 2]
    for result in (first, newest, second):
        assert np.array_equal(result.pixels, frame(result.counter))
        assert not result.pixels.flags.owndata and reader.intact(result)
        with pytest.raises(ValueError):
            result.pixels[0, 0] = 1
        with pytest.raises(ValueError):
            result.pixels.flags.writeable = True
    writer.write(frame(4))
    assert reader.intact(first)
    writer.write(frame(5))  # in the slot of frame 1
    assert not reader.intact(first) and reader.intact(second)
    assert np.array_equal(first.pixels, frame(5))  # which is why one asks


def test_a_view_outlives_its_reader(daohil, writer, path):
    writer.write(frame(1))
    with daohil.Reader(path) as reader:
        result = reader.newest_in_place()
        pixels = result.pixels[1:]
    writer.close()
    daohil.unlink(path)
    del reader
    assert np.array_equal(pixels, frame(1)[1:])


def test_what_is_being_written_is_torn(daohil, path):
    raw = Stream(stream_bytes(path, (2, 3), 3, 1))
    raw.write(frame(1).tobytes())
    raw.set("write", 1)
    path.write_bytes(raw.memory)
    with daohil.Reader(path) as reader:
        assert reader.newest().status == reader.at(0).status == daohil.Status.torn


# ----------------------------------------------------------------------------------- writers, waits


def test_the_state_of_the_writer(daohil, writer, reader, path):
    assert reader.writer_state == daohil.WriterState.alive
    writer.write(frame(1))
    assert reader.next(timeout=None).counter == 1
    writer.write(frame(2))
    writer.close()
    assert reader.writer_state == daohil.WriterState.gone
    assert reader.next(timeout=None).counter == 2  # what is there is delivered first
    assert reader.next(timeout=None).status == daohil.Status.writer_gone
    assert reader.next(timeout=1000).status == daohil.Status.writer_gone
    assert reader.wait() == daohil.Awaited.writer_gone
    assert reader.next(timeout=0.01, forever=True).status == daohil.Status.timeout
    with daohil.Writer.attach(path) as successor:
        assert successor.write(frame(3)) == 3
    assert reader.next().counter == 3


def test_a_stream_with_its_first_frame_only_is_waited_for(daohil, writer, reader, path):
    """Who creates a stream need not be who writes it."""
    writer.write(frame(1))
    writer.close()
    assert reader.next()
    assert reader.wait(0.2) == daohil.Awaited.timeout
    waiting = InThread(lambda: reader.next(timeout=None))
    with daohil.Writer.attach(path) as successor:
        successor.write(frame(2))
        assert waiting.result().counter == 2


def test_a_replaced_stream(daohil, writer, reader, path):
    writer.write(frame(1))
    with pytest.raises(OSError, match="another writer is alive") as caught:
        daohil.Writer.create(path, (5,), "float32")
    assert caught.value.errno == errno.EBUSY
    waiting = InThread(lambda: (reader.next(timeout=None), reader.next(timeout=None)))
    writer.close()
    with daohil.Writer.create(path, (5,), "float32", depth=2) as successor:
        taken, end = waiting.result()
        assert taken.counter == 1
        # Between the two writers it may have seen the first one go.
        assert end.status in (daohil.Status.replaced, daohil.Status.writer_gone)
        assert reader.replaced and reader.wait(10) == daohil.Awaited.replaced
        assert not successor.replaced and reader.shape == (2, 3)
        reader.reopen()
        assert not reader.replaced
        assert (reader.shape, reader.dtype, reader.depth) == ((5,), np.float32, 2)
        successor.write(frame(1, (5,), "float32"))
        assert np.array_equal(reader.next().pixels, frame(1, (5,), "float32"))


@pytest.mark.parametrize("timeout", [-1, float("nan"), -1e-9])
def test_time_outs_that_are_none(reader, timeout):
    with pytest.raises(ValueError, match="timeout"):
        reader.next(timeout=timeout)


def test_no_time_out_is_too_long(daohil, writer, reader):
    for timeout in (1e300, float("inf"), 1e9, 10**12):
        waiting = InThread(lambda: reader.next(timeout=timeout))
        writer.write(frame(1))
        assert waiting.result().status == daohil.Status.success


@pytest.mark.parametrize("how", ["sleep", "spin", "hybrid"])
def test_every_way_to_wait(daohil, writer, reader, how):
    waiting = InThread(lambda: reader.next(None, how=getattr(daohil.Wait, how)))
    writer.write(frame(1))
    assert waiting.result().counter == 1


def test_keywords_by_the_writer(writer, reader):
    writer.set_keyword("gain", 2.5, "of the camera")
    assert writer.keywords() == reader.keywords() == {"gain": 2.5}


def test_wrong_arguments_of_create(daohil, path):
    for arguments, error in (({"depth": 0}, ValueError), ({"depth": 10**6 + 1}, ValueError),
                             ({"shape": (0,)}, ValueError), ({"shape": (2**32,)}, ValueError),
                             ({"shape": (1, 2, 3, 4)}, ValueError), ({"dtype": "bool"}, TypeError),
                             ({"keywords": 2**16}, TypeError)):
        with pytest.raises(error):
            daohil.Writer.create(path, **{"shape": (2, 3), "dtype": "uint16", **arguments})
    assert not path.exists()
    with pytest.raises(ValueError, match="80|79"):
        daohil.Writer.create("/dev/shm/" + "x" * 80, (2, 3), "uint16")


def test_closed_handles(daohil, writer, reader):
    writer.write(frame(1))
    writer.close()
    reader.close()
    assert writer.closed and reader.closed and "closed" in repr(writer) + repr(reader)
    for call in (lambda: writer.write(frame(2)), writer.keywords, lambda: writer.newest_counter,
                 lambda: writer.replaced, reader.next, reader.newest, reader.wait, reader.another,
                 lambda: reader.depth, lambda: reader.writer_state, lambda: reader.replaced,
                 reader.metadata, reader.writer, lambda: reader.wait_semaphore(0)):
        with pytest.raises(ValueError, match="closed"):
            call()


def test_unlink(daohil, writer, path):
    assert daohil.unlink(path) is True and daohil.unlink(path) is False
    assert not list(program.SHM.glob(f"sem.{path.name.split('.')[0]}_*"))


# ----------------------------------------------------------------------------------------- threads

LARGE = (1024, 2048)  # 4 MB: long enough to be seen without the GIL


@pytest.fixture
def large(daohil, path):
    with daohil.Writer.create(path, LARGE, "uint16", depth=2) as writer:
        writer.write(np.zeros(LARGE, "uint16"))
        with daohil.Reader(path) as reader:
            yield writer, reader


def test_copies_let_other_threads_run(large):
    writer, reader = large
    pixels, history = np.zeros(LARGE, "uint16"), np.zeros((2, *LARGE), "uint16")
    assert yields_the_gil(lambda: writer.write(pixels))
    assert yields_the_gil(lambda: reader.newest(out=pixels))
    assert yields_the_gil(lambda: reader.history(2, out=history))


def test_that_is_seen_by_the_test():
    assert not yields_the_gil(lambda: sum(range(1000)), attempts=1000)


def test_threads_that_share_and_close_handles_do_no_harm(daohil, path):
    """Every frame has one value in all its pixels; whatever the threads do to each other's
    handles, no frame is a mix."""
    shape = (64, 64)  # 8 kB: copied without the GIL
    stop, seen, mixed = threading.Event(), [], []
    with daohil.Writer.create(path, shape, "uint16", depth=3) as writer:
        handles = [daohil.Reader(path)]

        def write(first):
            n = first
            while not stop.is_set():
                writer.write(np.full(shape, n % 60000, "uint16"))
                n += 2

        def read():
            while not stop.is_set():
                try:
                    result = handles[0].next(timeout=1)
                except ValueError:  # closed by the other
                    continue
                if result:
                    seen.append(result.counter)
                    if result.pixels.min() != result.pixels.max():
                        mixed.append(result.counter)

        threads = [threading.Thread(target=write, args=(n,)) for n in (0, 1)]
        threads += [threading.Thread(target=read) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            for goal in range(100, 1001, 100):
                program.wait_for(lambda: len(seen) > goal, "frames")
                handles[0].close()
                handles[0] = daohil.Reader(path)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        counters = writer.newest_counter
    assert not mixed and max(seen) <= counters


# ----------------------------------------------------------------------------------- documentation


def public(thing):
    return {name for name in vars(thing) if not name.startswith("_")}


def test_everything_public_is_documented(daohil):
    for name in daohil.__all__:
        assert getattr(daohil, name).__doc__, name
    for cls in (daohil.Reader, daohil.Writer):
        for name in public(cls):
            if name not in ("path", "closed", "writer_state"):
                doc = getattr(cls, name).__doc__
                assert doc and doc.strip().count("\n") + ("->" not in doc) > 0, name
    assert all(getattr(value, "__doc__", "x") for value in vars(daohil).values()
               if isinstance(value, types.FunctionType))


def test_the_type_hints_name_what_there_is(daohil):
    """No more and no less than the extension has, argument by argument."""
    tree = ast.parse((ROOT / "shm/python/daohil/_core.pyi").read_text())
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    shared = classes["_Handle"].body
    assert {n for n in classes if n[0] != "_"} | {"unlink"} == set(daohil.__all__)
    for name, node in classes.items():
        if name.startswith("_"):
            continue
        body = node.body + (shared if node.bases and node.bases[0].id == "_Handle" else [])
        hinted = {item.name: item for item in body if isinstance(item, ast.FunctionDef)}
        attributes = {item.target.id for item in body if isinstance(item, ast.AnnAssign)}
        cls = getattr(daohil, name)
        names = {n for n in [*hinted, *attributes] if n[0] != "_"}
        assert names == public(cls) - {"name", "value"}, name
        for method, definition in hinted.items():
            doc = getattr(cls, method).__doc__ or ""
            match = re.match(rf"{method}\((.*?)\) ->", doc.splitlines()[0] if doc else "")
            if method[0] == "_" or not match:
                continue
            # pybind11 writes the signature: names before ": ", with "*" before keyword-only ones.
            real = re.findall(r"(?:^|, )(\*|\w+)(?=[:,]|$)", match[1])
            arguments = definition.args
            wanted = [a.arg for a in arguments.args]
            if arguments.kwonlyargs:
                wanted += ["*", *(a.arg for a in arguments.kwonlyargs)]
            unnamed = {"arg0": "self"}
            assert [unnamed.get(a, a) for a in real] == wanted, (name, method, match[1])


def examples(file):
    return re.findall(r"```python\n(.*?)```", (ROOT / file).read_text(), re.DOTALL)


def test_the_examples_run_as_printed(python_modules, path, tmp_path):
    printed = examples("shm/python/README.md")
    assert len(printed) == 2
    for example in printed:
        done = children.run(example, path, cwd=tmp_path)
        assert done.returncode == 0 and done.stderr == "", done.stderr
        assert "frame 3" in done.stdout
        program.remove_stream(path)


def test_the_benchmark_of_reads_runs(python_modules, tmp_path):
    source = (ROOT / "tests/bench/python_read.py").read_text()
    done = children.run(source.replace("default=15", "default=1"), cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    results = json.loads(done.stdout)["results"]
    assert [240, 240] in [result["shape"] for result in results]
    assert all(result["ratio_to_copy"]["get_data_next"] > 0 for result in results)


def test_the_example_of_the_front_page_runs(daohil, writer, path):
    example, = examples("README.md")
    example = example.replace('"/tmp/wfs.im.shm"', repr(str(path)))
    assert str(path) in example
    used = []

    def use(*arguments):
        used.append(arguments)
        writer.close()

    writer.write(frame(1))
    thread = threading.Thread(target=lambda: [writer.write(frame(n)) for n in (2, 3)])
    namespace = {"use": use}
    original = daohil.Reader

    class Late(original):
        def __init__(self, name):
            super().__init__(name)
            thread.start()
            thread.join()

    daohil.Reader = Late
    try:
        exec(compile(example, "README.md", "exec"), namespace)
    finally:
        daohil.Reader = original
    assert [counter for _, counter, _ in used] == [2, 3]
