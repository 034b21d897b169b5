"""Codec `text`: round trips, line ends, primers, the primed model that blocks share, and payloads that nobody encoded."""

import random
import struct
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lacodec
from lacodec.codecs.text import codec, start
from lacodec.codecs.text.block import decode_text, encode_text
from lacodec.codecs.text.codec import Text
from lacodec.codecs.text.lines import join_ends, split_ends
from lacodec.codecs.text.primers import NAMES, packed_primers, stored_primers
from lacodec.errors import BadInput, CorruptFile, MissingModel
from lacodec.testing import check_codec
from reference.decode import restore
from tests.checks import check_round_trip, inputs
from tests.strength import examples

EFFORTS = (5, 6, 7, 8)
HEAD = struct.Struct("<BBB")  # effort, primer, 1 if line ends are split
INPUTS = inputs(3000)
PROSE = (
    "It was late when the two of them came back to the house. “You are early,” said the old man; but nobody had an answer.\n"
    "The house stood at the end of the road (the last of all houses), and its windows were dark.\n\nNOBODY spoke. It was late.\n"
) * 3
ODD = {
    "nothing": b"",
    "one byte": b"a",
    "a line end": b"\n",
    "prose": PROSE.encode(),
    "capitals": PROSE.upper().encode(),
    "CR LF": PROSE.replace("\n", "\r\n").encode(),
    "CR only": PROSE.replace("\n", "\r").encode(),
    "mixed line ends": b"".join(b"line %d" % i + (b"\n" if i % 19 == 7 else b"\r\n") for i in range(90)) + b"\r\r\n\n\r",
    "one long line": b"word " * 4000,
    "NUL": PROSE.encode().replace(b" ", b"\0"),
    "broken UTF-8": "Grüße, 世界, привет! ".encode()[:-2] * 20 + bytes(range(128, 256)) + b"\xe2\x82A\xf0\x9f\x98\xc3",
    "Latin-1": "naïve café, déjà vu ".encode("latin-1") * 20,
    "Cyrillic": "Князь Андрей молча смотрел на него. «Да», сказал он. ".encode() * 8,
    "Armenian": "Եսաւն ասաց. «Իրաւամբ նրա անունը Յակոբ դրուեց»: ".encode() * 8,
    "Chinese": "既出兮帝業昌，願臨明祀兮降禎祥。\n".encode() * 12,
    "brackets": b'((([[[{{{<<<"""' * 30 + b">>>}}}]]])))" * 30,
    "UTF-16": "Grüße".encode("utf-16") * 30,
    "noise": random.Random(1).randbytes(700),
}


def encoded(data: bytes, effort: int) -> bytes:
    return encode_text(np.frombuffer(data, np.uint8), effort)


def round_trip(data: bytes, effort: int) -> bytes:
    payload = encoded(data, effort)
    if len(payload) < max(len(data), 64):  # else it is of no use
        assert decode_text(payload, len(data)).tobytes() == data
    return payload


@pytest.mark.parametrize("name", [*INPUTS, *ODD])
@pytest.mark.parametrize("effort", EFFORTS)
def test_kinds(name, effort):
    round_trip({**INPUTS, **ODD}[name], effort)


@pytest.mark.parametrize("effort", [5, pytest.param(8, marks=pytest.mark.slow)])
@examples(20)
@given(data=st.binary(max_size=300))
def test_any_bytes(effort, data):
    round_trip(data, effort)


@pytest.mark.parametrize("effort", [5, pytest.param(8, marks=pytest.mark.slow)])
@examples(20)
@given(text=st.text(max_size=200) | st.text('aA\r\n ü."(', max_size=200), times=st.integers(1, 5))
def test_any_text(effort, text, times):
    round_trip((text * times).encode("utf-8", "surrogatepass"), effort)


@pytest.mark.parametrize("effort", [5, pytest.param(9, marks=pytest.mark.slow)])
def test_contract(effort):
    check_codec("text", {name: ODD[name] for name in ("nothing", "one byte", "prose", "mixed line ends", "noise")}, effort=effort)


@pytest.mark.parametrize("effort", [5, pytest.param(9, marks=pytest.mark.slow)])
def test_as_codec(effort):
    coder = lacodec.codec("text", effort=effort)
    for name, data in ODD.items():
        check_round_trip(coder, data, name)


@pytest.mark.slow
def test_efforts():
    eight, nine = (Text(Text.Options(effort=effort)).encode_block(ODD["prose"]) for effort in (8, 9))
    assert eight == nine and eight[:2] == bytes([1, 8])
    numbers = b"".join(b"%.6f," % (i * i % 977 / 7) for i in range(1500))
    encoded = lacodec.encode(numbers, "text", effort=9)
    assert lacodec.decode(encoded) == numbers and len(encoded) <= len(lacodec.encode(numbers, "text", effort=8))
    records = b"".join(i.to_bytes(4, "little") + b"\0\0\7" for i in range(900))
    payload = Text(Text.Options(effort=9)).encode_block(records)
    assert payload[:2] == bytes([2, 3]), "by `bytes`, its method 3"
    assert (
        lacodec.decode(lacodec.encode(records, "text", effort=9))
        == records
        == restore(lacodec.encode(records, "text", effort=9)).content
    )
    assert Text(Text.Options(effort=5)).encode_block(records)[:2] == payload[:2], "little, and no text"
    for effort in (4, 10, True, 5.0, "5"):
        with pytest.raises(BadInput, match="effort"):
            lacodec.codec("text", effort=effort)


def test_figures_are_tried_by_bytes(monkeypatch):
    monkeypatch.setattr(codec, "_LITTLE", 0)
    monkeypatch.setattr(codec, "embed", lambda *arguments, **options: b"short")
    coder = Text(Text.Options(effort=5))
    assert coder.encode_block(b"".join(b"%d, " % (i * i) for i in range(300))) == b"\2short"
    assert coder.encode_block(PROSE.encode())[0] == 1


@pytest.mark.slow
def test_smaller_than_bytes():
    """Prose that no primer holds word for word."""
    for effort in EFFORTS:
        assert len(encoded(PROSE.encode(), effort)) < len(lacodec.encode(PROSE.encode(), "bytes", effort=effort)) - 60


def test_chosen_by_content(tmp_path):
    def codec_of(data: bytes, **options) -> str:
        path = tmp_path / "file"
        path.write_bytes(data)
        return lacodec.info(lacodec.encode(path, **options)).codec

    assert [codec_of(ODD[name]) for name in ("prose", "CR LF", "Chinese", "Latin-1")] == ["text"] * 4
    assert [codec_of(ODD["prose"], effort=effort) for effort in (1, 4, 5, 9)] == ["bytes", "bytes", "text", "text"]
    assert [codec_of(ODD[name]) for name in ("nothing", "NUL", "noise", "UTF-16")] == ["bytes"] * 4
    assert codec_of(ODD["prose"] * 20 + random.Random(1).randbytes(20_000)) == "bytes", "a text in front of something else"


@examples(300)
@given(st.lists(st.sampled_from([b"a", b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r"]), max_size=80))
def test_line_ends_have_an_inverse(parts):
    data = np.frombuffer(b"".join(parts), np.uint8)
    found = split_ends(data)
    if found is not None:
        block, bare = found
        assert join_ends(block, bare, data.size).tobytes() == data.tobytes()
        assert bare == sorted(bare) and 16 * len(bare) <= np.count_nonzero(data == 10)


@pytest.mark.parametrize(("bare", "size"), [([], 4), ([0], 6), ([2], 5), ([0, 1], 6), ([], 7)])
def test_wrong_line_ends(bare, size):
    with pytest.raises(CorruptFile):
        join_ends(np.frombuffer(b"a\nb\n", np.uint8), bare, size)


def test_primers_by_language():
    for name, language in (("prose", "english"), ("Cyrillic", "ukrainian"), ("Armenian", "armenian"), ("Chinese", "chinese")):
        assert NAMES[encoded(ODD[name], 5)[1]] == language
    spanish = "En un lugar de la Mancha, de cuyo nombre no quiero acordarme, no ha mucho tiempo que vivía un hidalgo. ".encode()
    assert NAMES[encoded(spanish, 5)[1]] == "spanish"


def test_stored_primers():
    texts = [(3, b"abcd"), (0, b""), (70_000, b"x")]
    packed = packed_primers(texts)
    assert stored_primers(packed) == texts
    with pytest.raises(MissingModel):
        stored_primers(packed + b"more")
    for primer in range(len(NAMES)):
        for effort in (6, 7):
            assert (start.primer_text(primer, effort).size > 40_000) == (primer > 0)


@pytest.mark.parametrize("effort", [5, pytest.param(8, marks=pytest.mark.slow)])
def test_threads_share_the_primed_model(effort):
    blocks = [ODD[name] for name in ("prose", "Chinese", "capitals", "Cyrillic", "broken UTF-8", "mixed line ends")]
    alone = [encoded(block, effort) for block in blocks]
    start._kept.clear()
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda block: encoded(block, effort), blocks)) == alone
        decoded = pool.map(lambda pair: decode_text(pair[0], len(pair[1])).tobytes(), zip(alone, blocks, strict=True))
        assert list(decoded) == blocks


def attempt(payload: bytes, size: int) -> bytes | None:
    """What comes out, None for CorruptFile; any other exception is a failure."""
    try:
        data = decode_text(payload, size)
    except CorruptFile as error:
        assert "\n" not in str(error)
        return None
    assert data.dtype == np.uint8 and data.size == size
    return data.tobytes()


@pytest.mark.parametrize("name", ["prose", "mixed line ends", "broken UTF-8"])
@pytest.mark.parametrize("effort", EFFORTS)
def test_damage(name, effort):
    data = ODD[name][:200]
    payload = encoded(data, effort)
    for size in range(0, len(payload), 3):
        assert attempt(payload[:size], len(data)) != data
    assert attempt(payload + b"\0", len(data)) is None
    for size in (0, 1, len(data) - 1, len(data) + 1, 3 * len(data)):
        assert attempt(payload, size) is None or abs(size - len(data)) <= 1
    rng = random.Random(name)
    for _ in range(40):
        mutant = bytearray(payload)
        for _ in range(rng.choice([1, 1, 2, 10])):
            mutant[rng.randrange(len(mutant))] = rng.randrange(256)
        attempt(bytes(mutant), len(data))


@examples(60)
@given(
    st.integers(0, 255) | st.just(5),
    st.integers(0, 255) | st.integers(0, 2),
    st.integers(0, 2),
    st.binary(max_size=60),
    st.integers(0, 2000),
)
def test_forged(effort, primer, split, stream, size):
    payload = HEAD.pack(effort, primer, split) + stream
    found = attempt(payload, size)
    assert found is None or (5 <= effort <= 8 and primer < len(NAMES) and split <= 1)


@pytest.mark.parametrize("stream", [b"", b"\xff" * 40, bytes(40)], ids=["none", "ones", "zeros"])
@pytest.mark.parametrize("effort", [5, 8])
def test_a_short_stream_cannot_keep_the_decoder_busy(effort, stream):
    """It claims 64 MiB, minutes of work if it were true: by far the most is not begun."""
    done: list[int] = []
    with pytest.raises(CorruptFile):
        decode_text(HEAD.pack(effort, 1, 0) + stream, 64 << 20, done.append)
    assert sum(done) <= 4 << 20
