"""Weights decoded by Triton: bit for bit what the CPU does, and nothing outside of an array. On CUDA, else in the interpreter."""

import importlib.util
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lacodec.codecs.bytes.codec import Bytes
from lacodec.codecs.weights import _floats, _payload, _planes
from lacodec.codecs.weights._chunks import Plan as Chunk
from lacodec.codecs.weights._chunks import Run
from lacodec.entropy.segments import HEAD_WORDS
from lacodec.errors import CorruptFile, LacodecError
from tests import gpus

pytestmark = [pytest.mark.gpu, pytest.mark.torch]

Arrays = list[tuple[str, np.ndarray]]


@pytest.fixture(scope="module")
def gpu() -> Any:
    return gpus.load("lacodec.codecs.weights.gpu")


@pytest.fixture
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planes of few values in segments, since the interpreter takes its time."""
    monkeypatch.setattr(_planes, "SEGMENTED", 64)
    monkeypatch.setattr(_floats, "_SHORT_LEAST", 64)
    monkeypatch.setattr(_floats, "_SHORT_LOSS", 0.5)


def normal(shape: Any, seed: int = 1, scale: Any = 0.02) -> np.ndarray:
    return (np.random.default_rng(seed).normal(0, 1, shape) * scale).astype(np.float32)


def bf16(values: np.ndarray) -> np.ndarray:
    return (values.view(np.uint32) >> 16).astype(np.uint16)


def widened(values: np.ndarray) -> np.ndarray:
    return (bf16(values).astype(np.uint32) << 16).view(np.float32)


def coarse(n: int, few: int, seed: int = 1) -> np.ndarray:
    """Two bits of mantissa are never set, which are coded with the exponent; a few values so small that theirs is listed."""
    values = normal(n, seed) * np.exp2(np.random.default_rng(seed).integers(-8, 8, n)).astype(np.float32)
    values = (values.view(np.uint32) & np.uint32(0xFF9FFFFF)).view(np.float32)
    values[:: n // few] *= np.float32(1e-30)
    return values


SMALL = [("BF16", bf16(normal(20 + i % 7, i))) if i % 2 else ("F32", normal(10, i, 1)) for i in range(120)]
STEPS = np.repeat(np.arange(4), 500).astype(np.uint32) << 3
SAMPLES: dict[str, Arrays] = {
    "bf16": [("BF16", bf16(normal(900)))],
    "whole blocks": [("BF16", bf16(normal(14 * 64)))],
    "f16": [("F16", normal(830, scale=1).astype(np.float16))],
    "f32": [("F32", normal(1300))],
    "bf16 in f32": [("F32", widened(normal(900)))],
    "positive": [("BF16", bf16(abs(normal(900))))],
    "negative": [("BF16", bf16(-abs(normal(900)))), ("F32", -abs(normal(1000)))],
    "two scales in turn": [("BF16", bf16(normal(75, i, (1, 1e-6)[i % 2]))) for i in range(24)],
    "small tensors in turn": SMALL,
    "two widths": [("BF16", bf16(normal(900))), ("F32", normal(1300)), ("BF16", bf16(normal(900, 2, 1e-9)))],
    "listed": [("BF16", bf16(coarse(900, 3)))],
    "listed in several": [("BF16", bf16(coarse(900, 3))), ("F32", coarse(1100, 4)), ("BF16", bf16(abs(normal(900))))],
    "short codes": [("BF16", bf16(normal(2013)))],
    "short codes in f32": [("F32", normal(2033))],
    "short codes in turn": [
        ("BF16", bf16(normal(75 + i % 3))) if i % 2 else ("U8", np.arange(44, dtype=np.uint8)) for i in range(50)
    ],
    "coded planes": [("F32", (normal(2000).view(np.uint32) & 0xFFFFFF00 | STEPS).view(np.float32))],
    "with others": [
        ("BF16", bf16(normal(900))),
        ("F64", normal(300).astype(np.float64)),
        ("I16", np.arange(600, dtype=np.int16)),
        ("BF16", bf16(normal(900, 3))),
        ("F32", np.zeros(300, np.float32)),
    ],
}


def encoded(arrays: Arrays, effort: int = 5) -> tuple[bytes, bytes]:
    """(bytes, payload)."""
    runs = tuple(Run(dtype, array.nbytes, array.nbytes // len(array) if array.ndim > 1 else 0) for dtype, array in arrays)
    data = b"".join(array.tobytes() for _, array in arrays)
    return data, _payload.encode_payload(data, Chunk(0, runs), effort, embed)


def embed(data: bytes, effort: int) -> bytes:
    return Bytes(Bytes.Options(effort=effort)).encode_block(data)


def unembed(data: bytes, size: int) -> bytes:
    return Bytes().decode_block(data, size, 0)


def decoded_by_host(payload: bytes, size: int) -> bytes:
    def refuse(*_: Any) -> Any:
        raise CorruptFile("nothing to make this from")

    return _payload.decode_payload(payload, size, _payload.Surroundings(refuse, refuse, unembed)).tobytes()


class Prepared:
    """A payload's plan, looked through."""

    def __init__(self, gpu: Any, payload: bytes, size: int, begin: int = 0) -> None:
        def refuse(*_: Any) -> Any:
            raise CorruptFile("nothing to make this from")

        self.gpu, self.size, self.begin = gpu, size, begin
        self.plan, self.arena = gpu.Plan(), gpu.Arena()
        self.on_host = gpu.add_payload(
            self.plan, self.arena, "this payload", payload, size, begin, _payload.Surroundings(refuse, refuse, unembed)
        )
        if self.on_host is not None:
            look_through(self.plan, self.arena.size, begin, begin + size)

    def run(self) -> bytes:
        """The bytes, with what lies around them unchanged."""
        torch = pytest.importorskip("torch")
        assert self.on_host is not None
        device, margin = gpus.device(), 64
        around = torch.full((margin + -(-(self.begin + self.size) // 4) * 4 + margin,), 0xA5, dtype=torch.uint8, device=device)
        out = around[margin:-margin]
        for begin, data in self.on_host:
            out[begin : begin + len(data)] = torch.from_numpy(data)
        coded = self.gpu.placed(self.arena, device)
        self.gpu.Work(self.plan, device).run(coded.view(torch.int16), coded, out)
        stop = margin + self.begin + self.size
        assert (around[: margin + self.begin] == 0xA5).all() and (around[stop:] == 0xA5).all()
        return out[self.begin : self.begin + self.size].cpu().numpy().tobytes()


def look_through(plan: Any, coded: int, low: int, high: int) -> None:
    """Everything that the kernel will read of `coded` bytes lies there; what it writes lies in low..high, each place once."""
    groups, lookup, spans, starts, shifts = plan.tables() if plan.names else [np.zeros((0, 44))] * 5
    assert len(spans) == 256 * len(groups) and len(starts) == len(shifts)
    written = [np.zeros(0, np.int64)]
    for (size, parts, listing, halves), rows in plan.launches():
        for begin, words, count, first, piece, number, symbols in rows.tolist():
            group = groups[number].tolist()
            assert begin >= 0 and words >= 0 and 2 * (begin + HEAD_WORDS + words) <= coded
            assert 1 <= symbols <= 1 << 16 and first % 64 == 0
            assert count == symbols if halves == 1 else count // 64 * 32 + min(count % 64, 32) == symbols
            assert 1 <= group[0] <= 14 and group[1] >= 0 and group[1] + (1 << group[0]) <= len(lookup)
            assert 0 <= group[3] < 8 * size and (group[7] > 0) == listing and group[6] + group[7] <= sum(plan.room())
            value = first + np.arange(count)
            end = piece + 1 + int(np.argmax(starts[piece + 1 :] > 1 << 60))  # no value is beyond
            assert starts[end] > 1 << 60 and starts[piece] <= first
            mine = piece + np.searchsorted(starts[piece + 1 : end + 1], value, "right")
            step = 64 * halves
            assert (mine[step:] - mine[:-step] <= group[5]).all() and (mine[:step] - piece <= group[5]).all()
            written.append(np.repeat((shifts[mine] + value) * size, size) + np.tile(np.arange(size), count))
            lane = value % 64
            for part in range(parts):
                plane, width, *moves = group[8 + 6 * part : 14 + 6 * part]
                byte = value // 64 * 8 * width + (lane // 8 if width == 1 else lane & (8 * width - 1))
                assert width in (1, 2, 4, 8) and plane >= 0 and plane + int(byte.max()) < coded and max(moves[::2]) < 8 * size
    places = np.concatenate(written)
    assert not len(places) or (places.min() >= low and places.max() < high and len(np.unique(places)) == len(places))


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_same_bytes_as_the_cpu(name: str, gpu: Any, small_segments: None) -> None:
    data, payload = encoded(SAMPLES[name], effort=1 if name.startswith("short") else 5)
    assert decoded_by_host(payload, len(data)) == data
    prepared = Prepared(gpu, payload, len(data), 16)
    assert prepared.plan.names and prepared.run() == data
    plan, groups = prepared.plan, prepared.plan.tables()[0]
    assert {kind[3] for kind, _ in plan.launches()} == {2 if name.startswith("short") else 1}
    if name.startswith("listed"):
        assert sum(plan.room()) > 0
    if name == "listed in several":
        assert [size for size, _, _ in plan.listed()] == [2, 4]
    if name == "two scales in turn":
        assert len(plan.names) == 2 and groups[:, 5].tolist() == [1, 1]
    if name == "small tensors in turn":
        assert groups[:, 5].max() > 2
    if name == "negative":
        assert sorted(groups[:, 4].tolist()) == [1 << 15, 1 << 31]
    if name == "with others":
        assert prepared.on_host and len(prepared.on_host[0][1]) < len(data)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "effort"), [("BF16", 5), ("F32", 5), ("BF16", 1)])
def test_more_than_a_segment(name: str, effort: int, gpu: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_floats, "_SHORT_LOSS", 0.5)
    n = (2 if effort == 1 else 1) * (1 << 16 if gpus.device() == "cpu" else 40 << 16) + 70
    values = normal(n) if effort == 1 else coarse(n, 7)
    data, payload = encoded([(name, bf16(values) if name == "BF16" else values)], effort)
    assert Prepared(gpu, payload, len(data)).run() == data


@pytest.mark.parametrize(
    "arrays",
    [
        [("F64", normal(1000).astype(np.float64))],
        [("I8", np.arange(3000).astype(np.int8))],
        [("BF16", np.full(1000, 7, np.uint16))],
        [("BF16", bf16(np.repeat(normal(100), 30)))],
        [("F32", normal(2000) * (np.arange(2000) % 3 == 0))],
        [("BF16", bf16(normal(40)))],
        [("U8", np.zeros(1, np.uint8)), ("BF16", bf16(normal(900)))],
        [],
    ],
    ids=["F64", "integers", "constant", "few", "sparse", "small", "odd address", "nothing"],
)
def test_what_the_host_decodes(arrays: Arrays, gpu: Any, small_segments: None) -> None:
    data, payload = encoded(arrays)
    assert Prepared(gpu, payload, len(data)).on_host is None
    assert decoded_by_host(payload, len(data)) == data


def damaged(payload: bytes, dice: random.Random) -> bytes:
    forged = bytearray(payload)
    for _ in range(dice.choice([1, 1, 2, 5])):
        at = min(dice.randrange(len(forged)), dice.choice([60, 400, len(forged) - 1]))
        forged[at] = dice.choice([0, 1, 2, 0x7F, 0x80, 0xFF, dice.randrange(256)])
    if dice.random() < 0.1:
        del forged[dice.randrange(len(forged)) :]
    return bytes(forged)


@pytest.mark.parametrize(
    "name", ["bf16", "short codes", "listed", "two scales in turn", "small tensors in turn", "two widths", "with others"]
)
def test_forged_payloads_lead_nowhere(name: str, gpu: Any, small_segments: None) -> None:
    """Whatever a payload says, the kernel is told only of what is there."""
    data, payload = encoded(SAMPLES[name], effort=1 if name.startswith("short") else 5)
    dice = random.Random(name)
    refused = 0
    for _ in range(300):
        try:
            Prepared(gpu, damaged(payload, dice), len(data))
        except LacodecError:
            refused += 1
    assert 30 < refused < 300


@pytest.mark.parametrize("name", ["bf16", "listed", "two widths"])
def test_damage_is_judged_as_on_the_cpu(name: str, gpu: Any, small_segments: None) -> None:
    data, payload = encoded(SAMPLES[name])
    dice = random.Random(name)
    ran = 0
    while ran < (6 if gpus.device() == "cpu" else 300):
        forged = damaged(payload, dice)
        try:
            expected = decoded_by_host(forged, len(data))
        except CorruptFile:
            expected = b""
        try:
            prepared = Prepared(gpu, forged, len(data))
        except CorruptFile:
            assert not expected
            continue
        if prepared.on_host is None:
            continue
        ran += 1
        if expected:
            assert prepared.run() == expected
        else:
            with pytest.raises(CorruptFile, match="this payload: "):
                prepared.run()


COMPILE = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from lacodec.codecs.weights._gpu_kernel import decode_values

TYPES = dict(words="*i16", planes="*u8", segments="*i64", groups="*i64", lookup="*u8", spans="*i32", starts="*i64",
             shifts="*i64", counts="*i32", keys="*i64", places="*i64", status="*i32")
names = decode_values.arg_names
for out, parts, listing, halves in (("*i16", 0, False, 1), ("*i16", 3, True, 1), ("*i32", 6, True, 1), ("*i16", 2, True, 2)):
    constants = dict(parts=parts, listing=listing, halves=halves)
    signature = {name: "constexpr" if name in constants else (TYPES | {"out": out})[name] for name in names}
    source = ASTSource(decode_values, signature, {(names.index(name),): value for name, value in constants.items()})
    done = triton.compile(source, target=GPUTarget("cuda", 90, 32), options={"num_warps": 1})
    assert done.asm["cubin"] and done.metadata.shared == 0
"""


@pytest.mark.skipif(
    not importlib.util.find_spec("torch") or not importlib.util.find_spec("triton"), reason="needs torch and Triton"
)
def test_the_kernel_compiles_for_a_gpu(tmp_path: Path, repository: Path) -> None:
    """The interpreter accepts more than the compiler does, and the compiler needs no device."""
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    environment |= {"TRITON_CACHE_DIR": str(tmp_path), "PYTHONPATH": os.pathsep.join([str(repository), *sys.path])}
    code = tmp_path / "build.py"
    code.write_text(COMPILE)
    done = subprocess.run([sys.executable, str(code)], env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
