"""Context mixing for codec `bytes`: round trips, the primed model that blocks share, and payloads that nobody encoded."""

import hashlib
import os
import random
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lacodec.codecs.bytes.filters import FILTERS, X86, apply_filter, looks_like_x86, undo_filter
from lacodec.codecs.bytes.mixed import run as model_run
from lacodec.codecs.bytes.mixed import start as model_start
from lacodec.codecs.bytes.mixed.block import cm_decode, cm_encode
from lacodec.codecs.bytes.mixed.profile import is_text, record_stride
from lacodec.errors import CorruptFile
from tests.checks import check_round_trip, inputs
from tests.strength import examples

EFFORTS = range(4, 10)
INPUTS = inputs(3000)
HEAD = struct.Struct("<BBBH")  # effort, text, filter, record stride


def encoded(data: bytes, effort: int) -> bytes:
    return cm_encode(np.frombuffer(data, np.uint8), effort)


def round_trip(data: bytes, effort: int) -> bytes:
    payload = encoded(data, effort)
    if len(payload) < max(len(data), 64):  # else it is of no use
        assert cm_decode(payload, len(data)).tobytes() == data
    return payload


def text_of(size: int) -> bytes:
    lines = (
        b"%d: the %s of line %d, %d per cent\n" % (i, b"beginning" if i % 3 else b"end", i * i, i % 100) for i in range(size)
    )
    return b"".join(line for line, _ in zip(lines, range(size // 20 + 1), strict=False))[:size]


def code_of(size: int) -> bytes:
    """Something like machine code for x86: calls to few places from many, and what only looks like a call."""
    rng = random.Random(size)
    out = bytearray()
    while len(out) < size:
        target = 4000 * rng.randrange(12)
        out += b"\xe8" + ((target - len(out)) & 0xFFFFFFFF).to_bytes(4, "little")
        out += bytes(rng.choices([0xE8, 0xE9, 0x00, 0xFF, 0x8B, 0x48, 0xC3, 0x90], k=rng.randrange(12)))
    return bytes(out[:size])


RECORDS = b"".join(struct.pack("<IHBd", i * 7, i % 9, 3, i / 8) for i in range(1500))  # records of 15 bytes


@pytest.mark.parametrize("effort", EFFORTS)
@pytest.mark.parametrize("name", INPUTS)
def test_kinds(name, effort):
    round_trip(INPUTS[name], effort)


@pytest.mark.parametrize("data", [text_of(20_000), RECORDS, os.urandom(500), b""], ids=["text", "records", "noise", "empty"])
def test_the_quick_kernel_writes_the_same_stream(data, monkeypatch):
    quick = encoded(data, 5)
    monkeypatch.setattr(model_run, "is_narrow", lambda engine, model: False)
    monkeypatch.setattr(model_start, "_kept", {})
    assert encoded(data, 5) == quick
    if len(quick) < len(data):
        assert cm_decode(quick, len(data)).tobytes() == data


def test_the_quick_kernel_where_contexts_claim_slots_from_one_another(monkeypatch):
    """Small tables, and thousands of contexts."""
    rng = np.random.default_rng(3)
    for _ in range(20):
        data = ((np.arange(4000) // rng.integers(1, 9) * 2 + rng.integers(0, 4, 4000)) & 255).astype(np.uint8).tobytes()
        quick = encoded(data, 5)
        with monkeypatch.context() as patch:
            patch.setattr(model_run, "is_narrow", lambda engine, model: False)
            assert encoded(data, 5) == quick


@examples(60)
@given(st.binary(max_size=300), st.sampled_from(EFFORTS))
def test_any_bytes(data, effort):
    round_trip(data, effort)


@examples(40)
@given(st.text(max_size=200), st.integers(1, 5), st.sampled_from(EFFORTS))
def test_any_text(text, times, effort):
    round_trip((text * times).encode(), effort)


@pytest.mark.parametrize("kind", [text_of, bytes, code_of], ids=["text", "zeros", "code"])
@pytest.mark.parametrize("effort", [4, 5, 9])
def test_every_size(kind, effort):
    for size in [*range(40), *range(40, 300, 13)]:
        round_trip(kind(size), effort)


@pytest.mark.parametrize("effort", EFFORTS)
def test_larger_blocks(effort):
    for data in (text_of(70_000), INPUTS["16-bit ramp"] * 20 + code_of(10_000)):
        assert len(round_trip(data, effort)) < len(data) // 3


@pytest.mark.parametrize("effort", EFFORTS)
def test_as_codec(effort):
    import lacodec

    coder = lacodec.codec("bytes", effort=effort)
    for data in (b"", b"\0", text_of(5000), random.Random(1).randbytes(2000), RECORDS):
        check_round_trip(coder, data)


def test_more_effort_makes_smaller():
    text = (Path(__file__).read_bytes() + Path(model_start.__file__).read_bytes()) * 2
    sizes = [len(round_trip(text, effort)) for effort in EFFORTS]
    assert sizes[-1] < sizes[0] and sizes == sorted(sizes, reverse=True)


def test_profiles():
    for data in (
        b"plain words",
        b"a\tb\r\n" * 9,
        "Grüße, 世界! ".encode() * 30,
        "naïve café ".encode("latin-1") * 9,
        text_of(3000),
    ):
        assert is_text(np.frombuffer(data, np.uint8)), data[:20]
    for data in (b"", bytes(100), b"ab\0\1" * 50, random.Random(1).randbytes(4000), RECORDS, code_of(4000)):
        assert not is_text(np.frombuffer(data, np.uint8)), data[:20]
    cut = ("世" * 100).encode()
    assert all(is_text(np.frombuffer(cut[:n], np.uint8)) for n in range(30, 60)), "a block may end within a character"


@pytest.mark.parametrize("width", [2, 3, 7, 12, 16, 24, 100, 720])
def test_record_lengths(width):
    rng = np.random.default_rng(width)
    rows = rng.integers(0, 256, (40_000 // width, width), np.uint8)
    rows[:, : width // 2 + 1] = rows[0, : width // 2 + 1]  # columns that stay
    assert record_stride(rows.reshape(-1), 1024) == width
    assert record_stride(rng.integers(0, 256, 40_000, np.uint8), 1024) == 4, "noise has none"


def test_record_lengths_of_little():
    for size in (*range(70), 200, 1000):
        for data in (np.zeros(size, np.uint8), np.arange(size).astype(np.uint8)):
            assert 1 <= record_stride(data, 1024) <= 1024


@examples(150)
@given(st.lists(st.sampled_from([0xE8, 0xE9, 0, 0xFF, 0xFE, 1, 0x90]), max_size=80).map(bytes) | st.binary(max_size=80))
def test_filters_have_an_inverse(data):
    block = np.frombuffer(data, np.uint8)
    for number in range(FILTERS):
        assert (undo_filter(apply_filter(block, number), number) == block).all()
        assert (apply_filter(undo_filter(block.copy(), number), number) == block).all()


def test_filters_far_from_the_start():
    """Places of more than two bytes are added, with carries through whole operands."""
    for seed in range(3):
        block = np.random.default_rng(seed).choice(np.array([0xE8, 0xE9, 0, 255, 254], np.uint8), 200_000)
        assert (undo_filter(apply_filter(block, X86), X86) == block).all()


def test_machine_code_is_filtered():
    code = code_of(20_000)
    assert looks_like_x86(np.frombuffer(code, np.uint8)) and not looks_like_x86(np.frombuffer(RECORDS, np.uint8))
    payload = round_trip(code, 7)
    assert HEAD.unpack_from(payload)[2] == X86
    assert len(payload) < len(encoded(code, 6))


@pytest.mark.parametrize("effort", [5, 9])
def test_threads_share_the_primed_model(effort):
    """A model that has read the primer is kept and copied; whoever uses it, and whatever came between, the bytes are the same."""
    blocks = [text_of(900 + 70 * i) for i in range(8)] + [RECORDS[:2000]]
    alone = [encoded(block, effort) for block in blocks]
    model_start._kept.clear()
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda block: encoded(block, effort), blocks)) == alone
        # Another effort and engine size drive the kept model out in between.
        others = pool.map(lambda block: encoded(block, 6), [text_of(200_000), *blocks])
        decoded = pool.map(lambda pair: cm_decode(pair[0], len(pair[1])).tobytes(), zip(alone, blocks, strict=True))
        assert list(decoded) == blocks and len(list(others)) == 10
    assert [encoded(block, effort) for block in blocks] == alone


def damaged(payload: bytes, rng: random.Random) -> bytes:
    mutant = bytearray(payload)
    for _ in range(rng.choice([1, 1, 2, 10])):
        place = rng.randrange(len(mutant))
        mutant[place] = rng.randrange(256)
    return bytes(mutant)


def attempt(payload: bytes, size: int) -> bytes | None:
    """What comes out, None for CorruptFile; any other exception is a failure."""
    try:
        data = cm_decode(payload, size)
    except CorruptFile as error:
        assert "\n" not in str(error)
        return None
    assert data.dtype == np.uint8 and data.size == size
    return data.tobytes()


SAMPLES = {"text": text_of(150), "records": RECORDS[:150], "code": code_of(400)}


@pytest.mark.parametrize("effort", [4, 5, 7, 9])
@pytest.mark.parametrize("name", SAMPLES)
def test_damage(name, effort):
    data = SAMPLES[name]
    payload = encoded(data, effort)
    for size in range(len(payload)):
        assert attempt(payload[:size], len(data)) != data, "a shorter stream ends elsewhere, or decodes to something else"
    assert attempt(payload + b"\0", len(data)) is None and attempt(payload + b"more", len(data)) is None
    for size in (0, 1, len(data) - 1, len(data) + 1, 3 * len(data)):
        assert attempt(payload, size) is None or size + 1 >= len(data)
    rng = random.Random(name)
    for _ in range(60):
        attempt(damaged(payload, rng), len(data))


@examples(150)
@given(
    st.integers(0, 255) | st.integers(4, 9),
    st.integers(0, 2),
    st.integers(0, 255) | st.integers(0, 7),
    st.integers(0, 65535) | st.integers(0, 1025),
    st.binary(max_size=60),
    st.integers(0, 2000),
)
def test_forged(effort, text, number, stride, stream, size):
    payload = HEAD.pack(effort, text, number, stride) + stream
    good = 4 <= effort <= 9 and text <= 1 and number < FILTERS and 1 <= stride <= 1024
    found = attempt(payload, size)
    assert found is None or good
    for short in range(HEAD.size):
        assert attempt(payload[:short], size) is None


@pytest.mark.parametrize(
    "stream", [b"", b"\0", b"\xff" * 40, bytes(40), bytes(range(256))], ids=["none", "zero", "ones", "zeros", "ramp"]
)
@pytest.mark.parametrize("head", [(4, 0, 0, 1), (9, 0, X86, 1024), (9, 0, 6, 4), (5, 1, 0, 1), (9, 1, 0, 1)], ids=str)
def test_a_short_stream_cannot_keep_the_decoder_busy(head, stream):
    """It claims 64 MiB, minutes of work if it were true: by far the most is not begun."""
    done: list[int] = []
    with pytest.raises(CorruptFile):
        cm_decode(HEAD.pack(*head) + stream, 64 << 20, done.append)
    assert sum(done) <= 4 << 20


def test_every_stride_and_long_lines():
    """Strides beyond the content, lines and fields of every length: each looks back no farther than there is."""
    rng = random.Random(4)
    lines = [bytes(rng.choices(b"ab,;: \t\n", k=rng.randrange(300))) for _ in range(30)]
    stream = random.Random(1).randbytes(600)
    for stride in (1, 2, 3, 255, 256, 1000, 1024):
        for text in (0, 1):
            attempt(HEAD.pack(9, text, 0, stride) + stream, 700)
    for effort in (4, 9):
        round_trip(b"\n".join(lines), effort)
        round_trip(b"\n" * 500 + b",".join(lines) + b"\n,\n,", effort)


PROGRAM = """
import hashlib
from tests.codecs.bytes.test_mixed import EFFORTS, RECORDS, code_of, encoded, text_of
print(hashlib.sha256(b"".join(encoded(d, e) for e in EFFORTS for d in (text_of(3000), RECORDS, code_of(5000)))).hexdigest())
"""


@pytest.mark.slow
def test_other_processors_write_the_same(repository: Path):
    """Compiled for this processor and for the plainest of its kind."""

    def run(**settings: str) -> str:
        environment = {**os.environ, **settings, "PYTHONPATH": str(repository)}
        done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, cwd=repository)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    here = hashlib.sha256(b"".join(encoded(d, e) for e in EFFORTS for d in (text_of(3000), RECORDS, code_of(5000)))).hexdigest()
    assert here == run() == run(NUMBA_CPU_NAME="generic")
