"""JPEG files by `reference/`: the same bytes from header, record and coefficients."""

import pytest

from lacodec.codecs.image.jpeg.stream.parse import analyse
from lacodec.testing import photo
from reference.jpeg_stream import Header, read_record, write
from reference.stream import Stream
from tests.jpegs import SETTINGS, files, mutants


def check(data: bytes) -> None:
    parsed = analyse(data)
    if parsed is None:
        return
    stream = Stream(parsed.record.pack())
    records = [read_record(stream) for _ in range(stream.number())]
    stream.finish()
    header = Header(parsed.record.header, records)
    frame = parsed.frame
    assert (header.width, header.height) == (frame.width, frame.height)
    assert header.sizes() == [one.coefficients.shape[:2] for one in frame.components]
    assert [one.quant for one in header.components] == [one.quant.tolist() for one in frame.components]
    assert write(parsed.record.header, records, header, [one.coefficients.tolist() for one in frame.components]) == data


@pytest.mark.parametrize("name", SETTINGS)
def test_settings(name):
    check(files()[name])


def test_damaged_files():
    for data in mutants(list(files(photo(24, 40)).values()), 210, 7):
        check(data)
