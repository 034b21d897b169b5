"""Efforts 4 to 6 by content: columns only where they make a sample of the log smaller."""

import io
import random

import pytest

import lacodec
from tests.codecs.log.made_logs import log

RARE = b"".join(b"2026-01-01 12:00:00 " + random.Random(i).choice((b"up", b"down")) + b" in %d\n" % i for i in range(4500))


def words(seed: int) -> bytes:
    """A log without templates: a word after the other, as people write them."""
    rng = random.Random(seed)
    vocabulary = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randrange(2, 9))) for _ in range(60)]
    return b"".join(
        f"12:00:00 {' '.join(rng.choices(vocabulary, range(60, 0, -1), k=rng.randrange(4, 30)))}\n".encode() for _ in range(1800)
    )


def codec_of(data: bytes, path, **options) -> str:
    path.write_bytes(data)
    coded = lacodec.encode(path, **options)
    assert lacodec.decode(coded) == data
    assert len(coded) <= min(len(lacodec.encode(path, codec, **options)) for codec in ("log", "bytes")) + 16
    return lacodec.info(coded).codec


@pytest.mark.parametrize("effort", [4, 5])
def test_columns_where_they_win(effort, tmp_path):
    assert codec_of(RARE, tmp_path / "a.log", effort=effort) == "log"
    assert codec_of(words(1), tmp_path / "b.log", effort=effort) == ("bytes" if effort == 4 else "text")


def test_what_is_quicker_and_what_is_short(tmp_path):
    path = tmp_path / "a.log"
    for effort, data in ((1, RARE), (3, RARE), (5, RARE[:100_000])):
        path.write_bytes(data)
        assert lacodec.info(lacodec.encode(path, effort=effort)).codec != "log"


def test_a_pipe(tmp_path):
    """Of which only the start can be seen."""
    coded, again = io.BytesIO(), io.BytesIO()
    data = log(3000) + RARE
    lacodec.encode_file(io.BytesIO(data), coded)
    assert lacodec.info(coded.getvalue()).codec == "log"
    lacodec.decode_file(io.BytesIO(coded.getvalue()), again)
    assert again.getvalue() == data
