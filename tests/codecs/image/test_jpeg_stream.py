"""JPEG files to coefficients and back: every bit of the file comes back, or it is refused."""

import io
import struct
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from lacodec.codecs.image.jpeg.stream.optimal import optimal
from lacodec.codecs.image.jpeg.stream.parse import Parsed, analyse, outline, rebuild
from lacodec.codecs.image.jpeg.stream.record import Record, ScanRecord, unpack
from lacodec.errors import CorruptFile
from lacodec.testing import photo
from tests.jpegs import SETTINGS, files, jpeg, mutants
from tests.strength import BOUNDS


def check(data):
    """The parsed file, once it has been rebuilt from what would be stored."""
    parsed = analyse(data)
    assert parsed is not None
    record = unpack(parsed.record.header, parsed.record.pack())
    assert rebuild(Parsed(parsed.frame, record), len(data)) == data
    return parsed


def scan_data(parsed, data):
    return len(data) - len(parsed.record.header)


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("size", [(1, 1), (8, 8), (16, 17), (45, 61), (100, 3)])
def test_settings(name, size):
    data = files(photo(*size))[name]
    parsed = check(data)
    assert (parsed.frame.width, parsed.frame.height) == size[::-1]
    assert all(not scan.odd.size and not scan.runs.size and not scan.breaks.size for scan in parsed.record.scans)
    assert scan_data(parsed, data) > 0 and len(parsed.record.pack()) < 16 + 4 * len(parsed.record.scans)


def test_coefficients_are_those_of_the_picture():
    """The block's mean is its DC coefficient, as a decoder sees it."""
    pixels = np.repeat(np.repeat(np.arange(0, 240, 40, dtype=np.uint8).reshape(2, 3), 8, 0), 8, 1)
    for progressive in (False, True):
        frame = check(jpeg(pixels, mode="L", quality=100, progressive=progressive)).frame
        (one,) = frame.components
        assert one.coefficients.shape == (2, 3, 64) and one.coefficients.dtype == np.int16 and one.quant.tolist() == [1] * 64
        assert np.array_equal(one.coefficients[:, :, 0], 8 * (np.arange(0, 240, 40).reshape(2, 3) - 128))
        assert not one.coefficients[:, :, 1:].any()


def test_progressive_and_baseline_have_the_same_coefficients():
    pixels = photo(70, 90)
    one, other = (check(jpeg(pixels, quality=85, progressive=progressive)).frame for progressive in (False, True))
    for a, b in zip(one.components, other.components, strict=True):
        assert np.array_equal(a.coefficients, b.coefficients) and np.array_equal(a.quant, b.quant)


@pytest.mark.parametrize("name", ["baseline", "restarts", "progressive", "progressive restarts"])
def test_cut_anywhere(name):
    data = files(photo(20, 28))[name]
    start = data.index(b"\xff\xda") + 40
    for end in range(len(data)):
        parsed = analyse(data[:end])
        assert end < start or parsed is not None, end
        if parsed is not None:
            check(data[:end])


def test_a_cut_file_stores_only_the_rows_that_it_reaches():
    data = jpeg(photo(160, 64), quality=90, subsampling=0)
    parsed = check(data[: len(data) * 2 // 3])
    rows = parsed.frame.components[0].coefficients.shape[0]
    assert 8 < rows < 20 and parsed.frame.height == 160


def segments(data):
    """(header, scan data, rest) of a file with one scan."""
    start = data.index(b"\xff\xda")
    start += 2 + int.from_bytes(data[start + 2 : start + 4], "big")
    return data[:start], data[start:-2], data[-2:]


@pytest.mark.parametrize(
    "change",
    [
        lambda head, scan, end: head + scan + b"garbage \xff\x00 and more" + end,
        lambda head, scan, end: head + scan + b"\xff\xff\xff" + end,
        lambda head, scan, end: head + scan + end + b"a tail",
        lambda head, scan, end: head + scan + end + head + scan + end,
        lambda head, scan, end: head + scan,
        lambda head, scan, end: head + scan + b"\xff",
        lambda head, scan, end: head + scan + b"\xff\xd3" + end,
        lambda head, scan, end: head + scan + b"\xff\xfe\0\5abc" + end,
        lambda head, scan, end: head[:2] + b"\xff\xff\xff" + head[3:] + scan + end,
        lambda head, scan, end: head + scan[:-1] + bytes([scan[-1] & 0xF0]) + end,
    ],
)
@pytest.mark.parametrize("name", ["baseline", "gray", "restarts"])
def test_odd_ends(change, name):
    data = change(*segments(files()[name]))
    parsed = check(data)
    assert scan_data(parsed, data) > len(segments(files()[name])[1]) - 8


def test_restart_markers_that_are_wrong_doubled_missing_or_followed_by_garbage():
    head, scan, end = segments(files(photo(64, 64))["restarts"])
    marks = [i for i in range(len(scan) - 1) if scan[i] == 0xFF and 0xD0 <= scan[i + 1] <= 0xD7]
    at = marks[1]
    wrong = scan[: at + 1] + b"\xd7" + scan[at + 2 :]
    for changed, kept in (
        (wrong, 0.99),
        (scan[:at] + b"\xff\xff" + scan[at:], 0.99),
        (scan[:at] + b"junk" + scan[at:], 0.95),
        (scan[:at] + scan[at : at + 2] + scan[at:], 0.3),
        (scan[:at] + scan[at + 2 :], 0.3),
        (scan[: at - 9] + b"\0\0\0\0" + scan[at - 5 :], 0.9),
        (scan[: marks[3]], 0.95),
    ):
        data = head + changed + end
        assert scan_data(check(data), data) > kept * len(changed)


def test_restart_markers_that_are_promised_but_not_there():
    head, scan, end = segments(files()["baseline"])
    data = head[:2] + b"\xff\xdd\0\4\0\3" + head[2:] + scan + end
    parsed = check(data)
    assert not parsed.record.scans[0].restarts and scan_data(parsed, data) == len(scan)


def test_runs_of_zeros_at_the_end_of_a_block_and_zeros_as_padding():
    """A gray block: DC 0, two runs of 16 zeros, end of block; another one with four runs and no end."""
    dc, ac = bytes([1, *[0] * 15, 0]), bytes([1, 1, *[0] * 14, 0x00, 0xF0])
    head = b"\xff\xd8\xff\xdb\0\x43\0" + bytes([1] * 64) + b"\xff\xc0\0\x0b\x08\0\x08\0\x10\1\1\x11\0"
    head += (
        b"\xff\xc4" + struct.pack(">H", 3 + len(dc)) + b"\0" + dc + b"\xff\xc4" + struct.pack(">H", 3 + len(ac)) + b"\x10" + ac
    )
    head += b"\xff\xda\0\x08\1\1\0\0\x3f\0"
    bits = "0" + "10" + "10" + "0" + "0" + "10" * 4
    bits += "0" * (-len(bits) % 8)
    data = head + int(bits, 2).to_bytes(len(bits) // 8, "big") + b"\xff\xd9"
    parsed = check(data)
    (scan,) = parsed.record.scans
    assert scan.runs.tolist() == [[0, 2], [1, 4]] and scan.pad_bit == 0 and not scan.odd.size


def test_runs_of_empty_bands_that_end_early():
    """Other encoders than libjpeg: runs are split in places, of which only those are possible whose runs have codes."""
    pixels = np.where(np.arange(96)[:, None] % 32 < 20, 99, photo(96, 96, 1)[:, :, 0]).astype(np.uint8)
    parsed = check(jpeg(pixels, mode="L", quality=70, progressive=True))
    changed = 0
    for number, scan in enumerate(parsed.record.scans):
        for block in range(20, 60, 3):
            scans = list(parsed.record.scans)
            scans[number] = replace(scan, breaks=np.array([block, block + 1], np.int64))
            try:
                data = rebuild(Parsed(parsed.frame, replace(parsed.record, scans=tuple(scans))), 20_000)
            except CorruptFile:
                continue
            changed += check(data).record.scans[number].breaks.size
    assert changed > 10


def test_tables_that_were_made_for_their_scan_are_left_out():
    pixels = photo(60, 80)
    for options in (
        {"progressive": True},
        {"optimize": True},
        {"optimize": True, "mode": "L"},
        {"progressive": True, "mode": "CMYK"},
    ):
        data = jpeg(pixels, quality=80, **options)
        header = check(data).record.header
        marks = [i for i in range(len(header) - 1) if header[i : i + 2] == b"\xff\xc4"]
        assert len(marks) > 1 and all(header[i + 2 : i + 4] == b"\0\3" and header[i + 4] >= 0x80 for i in marks)
    other = jpeg(pixels, quality=80)  # standard tables, where a changed one follows from nothing
    at = other.index(b"\xff\xc4") + 5
    assert check(other).record.header.count(b"\xff\xc4\0\x1f") == 2 and other[at : at + 16] == bytes(
        [0, 1, 5, *[1] * 6, *[0] * 7]
    )


def test_optimal_tables():
    """Lengths of codes for many distributions: a prefix code, none of all ones, at most 16 bits, no better one."""
    rng = np.random.default_rng(8)
    fibonacci = [1, 1]
    while len(fibonacci) < 40:
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    for weights in ([], [5], [1, 1], [0, 0, 9, 1], fibonacci, rng.integers(0, 3, 256), rng.integers(1, 1 << 20, 256)):
        counts = np.zeros(256, np.int64)
        counts[: len(weights)] = weights
        table = optimal(counts)
        assert sorted(table.symbols.tolist()) == np.flatnonzero(counts).tolist() and sum(table.counts) == table.symbols.size
        assert sum(count << (16 - length) for length, count in enumerate(table.counts, 1)) < 1 << 16


@pytest.mark.parametrize("marker", [0xC3, 0xC5, 0xC9, 0xCA, 0xCB])
def test_kinds_that_are_refused(marker):
    data = files()["baseline"]
    assert analyse(data.replace(b"\xff\xc0", bytes([0xFF, marker]), 1)) is None


def test_other_refusals():
    data = files()["baseline"]
    at = data.index(b"\xff\xc0")
    for place, value in ((4, 12), (9, 0), (9, 5), (11, 0x51), (11, 0)):
        assert analyse(data[: at + place] + bytes([value]) + data[at + place + 1 :]) is None
    for other in (
        b"",
        b"\xff\xd8",
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xd9",
        b"\xff" * 10000,
        b"\xff\xd8" + b"\xff\xd0" * 50_000,
        data[1:],
    ):
        assert analyse(other) is None


def test_a_large_picture_that_is_not_there():
    """65535 x 65535 pixels in 600 bytes."""
    data = files()["baseline"]
    at = data.index(b"\xff\xc0")
    parsed = check(data[: at + 5] + b"\xff\xff\xff\xff" + data[at + 9 :])
    assert sum(one.coefficients.nbytes for one in parsed.frame.components) < 1 << 22


def test_a_wide_picture_of_which_hardly_anything_is_there():
    data = jpeg(photo(8, 8), mode="CMYK")
    at = data.index(b"\xff\xc0")
    wide = bytearray(data)
    wide[at + 5 : at + 9] = b"\0\x08\xff\xff"
    wide[at + 11 : at + 23 : 3] = b"\x44" * 4
    assert analyse(bytes(wide)) is None and analyse(bytes(wide) + bytes(20_000)) is not None


def test_more_tables_and_scans_than_any_file_has():
    """Nothing grows with what a short text claims: 100,000 tables that are left out, a million scans, gaps of exabytes."""
    data = files()["baseline"]
    parsed = check(data)
    many = b"\xff\xc4\xff\xff" + b"\x80" * 65533
    record = replace(parsed.record, header=data[:2] + 2 * many + parsed.record.header[2:])
    assert outline(record, 1 << 20) is None
    empty = b"\xff\xc4\xff\xf4" + bytes(17) * 3854
    assert analyse(data[:2] + empty + data[2:]) is None
    with pytest.raises(CorruptFile, match="too many scans"):
        unpack(b"head", b"\xc0\x84\x3d" + bytes(1_000_000))
    gaps = struct.pack("<BQQ", 8, 1 << 40, 1 << 40)
    with pytest.raises(CorruptFile, match="too large"):
        unpack(b"head", b"\1\x18\4" + b"\2\1\0\0" + b"\2\1\0\0" * 3 + b"\2" + gaps)


def test_mutants():
    known = 0
    for data in mutants(list(files().values()), 700, 3):
        parsed = analyse(data)
        known += parsed is not None
        assert parsed is None or rebuild(parsed, len(data)) == data
    assert known > 500


@pytest.mark.slow
def test_many_mutants():
    originals = [file for size in ((45, 61), (100, 140)) for file in files(photo(*size)).values()]
    for data in mutants(originals, 2000, 4):
        parsed = analyse(data)
        assert parsed is None or rebuild(parsed, len(data)) == data


def test_forged_records():
    """Whatever the record, the header and the coefficients say: a file, or CorruptFile."""
    rng = np.random.default_rng(5)
    originals = [analyse(data) for data in mutants([data[:-90] for data in files().values()], 60, 6)]
    made = 0
    for i in range(1500):
        parsed = originals[i % len(originals)]
        if parsed is None:
            continue
        packed, header = bytearray(parsed.record.pack()), bytearray(parsed.record.header)
        for part in (packed, header)[: i % 3]:
            part[rng.integers(len(part))] = rng.integers(256)
        try:
            record = unpack(bytes(header), bytes(packed))
            found = outline(record, 20_000)
            if found is None:
                continue
            components = []
            for size, one in zip(found.sizes, parsed.frame.components, strict=False):
                high = (2, 1200, 32768)[i % 5 % 3]
                values = rng.integers(-high, high, (*size, 64)).astype(np.int16) * (rng.random((*size, 64)) < 0.1)
                components.append(replace(one, coefficients=values.astype(np.int16)))
            made += len(rebuild(Parsed(replace(parsed.frame, components=tuple(components), flat=None), record), 20_000)) > 0
        except CorruptFile:
            continue
    assert made > 20


def test_records():
    arrays = np.array([3, 90, 70_000]), np.array([[4, 127, 0, 0, 0], [9, 0, 300, 0, 5], [1, 1, 0, 5, 5]])
    scan = ScanRecord(1, True, True, 70_001, *arrays, b"12345", np.array([[0, 1], [1 << 20, 4]]), np.array([7, 8]))
    record = Record(b"head", (ScanRecord(0, False, False, 1), scan))
    again = unpack(b"head", record.pack())
    for one, other in zip(record.scans, again.scans, strict=True):
        for name in ScanRecord.__dataclass_fields__:
            assert np.array_equal(getattr(one, name), getattr(other, name)), name
    packed = record.pack()
    for end in range(len(packed)):
        with pytest.raises(CorruptFile):
            unpack(b"head", packed[:end])
    with pytest.raises(CorruptFile):
        unpack(b"head", packed + b"\0")


def test_data_files(data_dir):
    paths = sorted(data_dir.glob("jpeg/edge/*.jpg" if BOUNDS else "jpeg/**/*.jpg"))  # the others are photos as cameras write them
    assert len(paths) >= (18 if BOUNDS else 34)
    for path in paths:
        check(path.read_bytes())


def test_pillow_agrees_on_the_rebuilt_picture():
    data = files()["progressive"]
    parsed = check(data)
    again = rebuild(parsed, len(data))
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(again))), np.asarray(Image.open(io.BytesIO(data))))
