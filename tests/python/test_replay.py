"""A recording reaches the reader as it is, to the bit."""

import hashlib

import numpy
import pytest
import yaml

import inputs
from evidence import judged
from program import SHWFS20

NPY_TYPES = ["u1", "i1", "<u2", ">u2", "<i2", "<u4", ">i4", "<u8", ">i8", "<f4", ">f4", "<f8",
             "<c8", ">c16"]


def pixels_of_fits(path):
    """The pixels of a 16-bit FITS image, little endian, by the standard and the standard library:
    cards of 80 characters in blocks of 2880 bytes, then big-endian numbers less BZERO."""
    data = path.read_bytes()
    cards, at = {}, 0
    while True:
        card = data[at:at + 80].decode("ascii")
        at += 80
        if card.rstrip() == "END":
            break
        if card[8:10] == "= ":
            cards[card[:8].rstrip()] = card[10:].split("/")[0].strip()
    at += -at % 2880
    assert cards["BITPIX"] == "16" and float(cards.get("BSCALE", 1)) == 1
    zero = int(float(cards.get("BZERO", 0)))
    shape = [int(cards[f"NAXIS{i}"]) for i in range(1, int(cards["NAXIS"]) + 1)]
    count = 1
    for axis in shape:
        count *= axis
    out = bytearray()
    for i in range(at, at + 2 * count, 2):
        out += (int.from_bytes(data[i:i + 2], "big", signed=True) + zero).to_bytes(2, "little")
    return bytes(out), shape


def test_the_shipped_recording_has_its_sum(everything):
    role = yaml.safe_load(SHWFS20.read_text())["roles"]["wfs"]
    pixels, shape = pixels_of_fits(SHWFS20.parent / role["file"])
    assert shape == [120, 120, 50]
    digest = hashlib.sha256(pixels).hexdigest()
    assert digest == role["sha256"]
    case = everything.evidence.case("replay.bit-exact@shwfs20")
    assert case["source"]["sha256"] == digest
    assert case["metrics"]["fifo.wfs.copier.sha256"] == digest


def replayed(hil, tmp_path, name, content, *changes):
    (tmp_path / name).write_bytes(content)
    bench = inputs.bench(tmp_path, ("FILE", name), text=inputs.REPLAY_BENCH)
    file = inputs.scenario(tmp_path, *changes, text=inputs.REPLAY)
    done = hil("run", file, "--bench", bench, "--out", "o")
    case = judged(done, tmp_path / "o").only_case()
    assert done.returncode == 0, done.stdout
    return case


def check(case, array, pixel_type):
    little = array if array.dtype.byteorder != ">" else array.byteswap()
    digest = hashlib.sha256(numpy.ascontiguousarray(little).tobytes()).hexdigest()
    assert case["metrics"]["fifo.wfs.copier.sha256"] == digest
    assert case["source"]["sha256"] == digest
    assert (case["source"]["shape"], case["source"]["dtype"]) == ("3x5", pixel_type)
    assert case["metrics"]["fifo.wfs.copier.delivered"] == 4
    predicted = {m["id"]: m for m in case["measurements"]}["bit-exact"]
    assert predicted["prediction"]["nominal"] == predicted["observed"] == digest


@pytest.mark.parametrize("pixel_type", inputs.FITS_TYPES)
def test_fits_of_every_type_is_bit_exact(hil, tmp_path, pixel_type):
    cube = inputs.cube_of(pixel_type)
    case = replayed(hil, tmp_path, "cube.fits", inputs.fits_bytes(cube, pixel_type))
    check(case, cube, pixel_type)


@pytest.mark.parametrize("dtype", NPY_TYPES)
def test_npy_of_every_type_is_bit_exact(hil, tmp_path, dtype):
    kind = dtype.strip("<>")
    bits = f"{kind[0]}{8 * int(kind[1:])}"
    raw = numpy.random.default_rng(7).integers(0, 256, 60 * int(kind[1:]), dtype="u1")
    cube = raw.view(dtype).reshape(4, 3, 5)
    numpy.save(tmp_path / "saved.npy", cube)
    case = replayed(hil, tmp_path, "cube.npy", (tmp_path / "saved.npy").read_bytes())
    check(case, cube, bits)


def test_special_floats_are_kept(hil, tmp_path):
    """A bad pixel is often a NaN: no reading library may make another number of it."""
    bits = numpy.array([0x7FC00000, 0x7FC12345, 0xFFC00001, 0x7F800001, 0x7F800000, 0xFF800000,
                        0x80000000, 1, 0x007FFFFF, 0, 0x7F7FFFFF, 0x3F800000, 2, 3, 4] * 4, "<u4")
    cube = bits.view("<f4").reshape(4, 3, 5)
    check(replayed(hil, tmp_path, "cube.fits", inputs.fits_bytes(cube, "f32")), cube, "f32")


def test_the_frame_rate_of_the_header_counts_unless_one_is_given(hil, tmp_path):
    cube = inputs.cube_of("u16")
    content = inputs.fits_bytes(cube, "u16", f"FRATE   = {250.0:20.1f}")
    given = replayed(hil, tmp_path, "cube.fits", content)
    assert given["source"]["rate_hz"] == 1000
    bench = inputs.bench(tmp_path, ("file: FILE, rate: 1kHz", "file: cube.fits"),
                         text=inputs.REPLAY_BENCH)
    done = hil("run", inputs.scenario(tmp_path, text=inputs.REPLAY), "--bench", bench, "--out", "p")
    assert judged(done, tmp_path / "p").only_case()["source"]["rate_hz"] == 250


def test_a_loop_goes_on_and_the_sum_is_of_one_pass(hil, tmp_path):
    cube = inputs.cube_of("u16")
    case = replayed(hil, tmp_path, "cube.fits", inputs.fits_bytes(cube, "u16"),
                    ("frames: 4", "frames: 11"))
    assert case["metrics"]["fifo.wfs.copier.delivered"] == 11
    assert case["metrics"]["fifo.wfs.copier.sha256"] == hashlib.sha256(cube.tobytes()).hexdigest()


def test_a_recording_that_is_not_looped_ends(hil, tmp_path):
    cube = inputs.cube_of("u16")
    (tmp_path / "cube.fits").write_bytes(inputs.fits_bytes(cube, "u16"))
    bench = inputs.bench(tmp_path, ("FILE", "cube.fits"), ("loop: true", "loop: false"),
                         text=inputs.REPLAY_BENCH)
    file = inputs.scenario(tmp_path, ("frames: 4", "frames: 11"), text=inputs.REPLAY)
    done = hil("run", file, "--bench", bench, "--out", "o")
    case = judged(done, tmp_path / "o").only_case()
    assert case["metrics"]["source.wfs.frames"] == 4
    assert case["metrics"]["source.wfs.skipped"] == 7
