"""Triton kernels: bit for bit what the CPU does. On a CUDA device when there is one, else under Triton's interpreter."""

import importlib
import importlib.util
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lacodec.entropy.segments import SEGMENT, decode_segments, directory_size, encode_segments, read_directory
from lacodec.entropy.tables import Tables
from lacodec.errors import BadInput, CorruptFile, MissingDependency
from tests import gpus
from tests.entropy.test_segments import KINDS, draw

pytestmark = [pytest.mark.gpu, pytest.mark.torch]


@pytest.fixture(scope="module")
def torch() -> Any:
    return pytest.importorskip("torch", reason="torch is not installed: the GPU kernels cannot run")


@pytest.fixture(scope="module")
def gpu(torch: Any) -> Any:
    """`lacodec.entropy.gpu`, ready for `device`."""
    return gpus.load("lacodec.entropy.gpu")


@pytest.fixture(scope="module")
def device() -> str:
    return gpus.device()


def on(device: str, array: np.ndarray | bytes, torch: Any) -> Any:
    if isinstance(array, bytes):
        array = np.frombuffer(array, np.uint8)
    return torch.from_numpy(array.copy()).to(device)


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("n", [0, 1, 2, 63, 64, 65, 700])
def test_same_bytes(kind: str, n: int, gpu: Any, torch: Any, device: str) -> None:
    check(KINDS[kind], n, gpu, torch, device)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bytes12", "many"])
def test_more_than_a_segment(kind: str, gpu: Any, torch: Any, device: str) -> None:
    check(KINDS[kind], SEGMENT + 70 if device == "cpu" else 300 * SEGMENT + 70, gpu, torch, device)


def check(tables: Tables, n: int, gpu: Any, torch: Any, device: str) -> None:
    symbols, index = draw(n, tables, n)
    data = encode_segments(symbols, tables, index)
    which = (
        None
        if index is None
        else on(device, index.astype(random.Random(n).choice([np.uint8, np.int16, np.int32, np.int64])), torch)
    )
    ready = gpu.DeviceTables(tables, on(device, b"", torch).device)
    stream = gpu.encode_segments(on(device, symbols, torch), ready, which)
    assert stream.dtype == torch.uint8 and stream.cpu().numpy().tobytes() == data
    decoded = gpu.decode_segments(stream, ready, n, which)
    assert decoded.dtype == torch.uint8 and np.array_equal(decoded.cpu().numpy(), symbols)


def test_directory_from_the_host_and_odd_addresses(gpu: Any, torch: Any, device: str) -> None:
    tables = KINDS["bytes12"]
    symbols, _ = draw(1, tables, 500)
    data = encode_segments(symbols, tables)
    shifted = on(device, b"\0" + data, torch)[1:]
    directory = read_directory(data[: directory_size(500)], 500, len(data))
    assert np.array_equal(gpu.decode_segments(shifted, tables, 500, directory=directory).cpu().numpy(), symbols)
    with pytest.raises(BadInput, match="does not belong to this stream"):
        gpu.decode_segments(shifted[:-2], tables, 500, directory=directory)


@pytest.mark.parametrize("kind", ["bytes12", "bytes14", "many"])
def test_damage_is_judged_as_on_the_cpu(kind: str, gpu: Any, torch: Any, device: str) -> None:
    tables = KINDS[kind]
    symbols, index = draw(2, tables, 400)
    which = None if index is None else on(device, index, torch)
    data = encode_segments(symbols, tables, index)
    dice = random.Random(kind)
    noticed = 0
    for turn in range(60):
        damaged = bytearray(data)
        for _ in range(dice.choice([1, 2, 50])):
            damaged[dice.randrange(10 if turn else 8, len(data))] = dice.randrange(256)
        if turn % 6 == 0:
            damaged[266:268] = dice.choice([b"\0\0", b"\1\0", b"\7\0", b"\x40\0", b"\xff\xff"])  # the tail
        try:
            expected = decode_segments(damaged, tables, 400, index)
        except CorruptFile:
            noticed += 1
            with pytest.raises(CorruptFile, match="segment"):
                gpu.decode_segments(on(device, bytes(damaged), torch), tables, 400, which)
        else:
            decoded = gpu.decode_segments(on(device, bytes(damaged), torch), tables, 400, which)
            assert np.array_equal(decoded.cpu().numpy(), expected)
    assert noticed > 50
    with pytest.raises(CorruptFile, match="cut short"):
        gpu.decode_segments(on(device, data[:-2], torch), tables, 400, which)
    with pytest.raises(CorruptFile, match="cut short"):
        gpu.decode_segments(on(device, b"abc", torch), tables, 400, which)


@pytest.mark.parametrize("at", [3, 690])
def test_symbol_without_frequency(at: int, gpu: Any, torch: Any, device: str) -> None:
    tables = KINDS["with single"]
    symbols, index = draw(at, tables, 700)
    symbols[at] = 77
    with pytest.raises(BadInput, match="is 77"):
        gpu.encode_segments(on(device, symbols, torch), tables, on(device, index, torch))


def test_bad_input(gpu: Any, torch: Any, device: str) -> None:
    symbols = torch.zeros(10, dtype=torch.uint8, device=device)
    tables, many = KINDS["bytes12"], KINDS["many"]
    for wrong in (symbols.to(torch.int32), symbols.reshape(2, 5), symbols[::2]):
        with pytest.raises(BadInput, match="contiguous"):
            gpu.encode_segments(wrong, tables)
    with pytest.raises(BadInput, match="need an index"):
        gpu.encode_segments(symbols, many)
    with pytest.raises(BadInput, match="outside the 200 tables"):
        gpu.encode_segments(symbols, many, symbols + 200)
    with pytest.raises(BadInput, match=r"integers\[10\]"):
        gpu.encode_segments(symbols, many, symbols[:5])
    with pytest.raises(BadInput, match="must be contiguous"):
        gpu.encode_segments(symbols[:5], many, symbols[::2])
    with pytest.raises(BadInput, match="one-dimensional tensor of uint8"):
        gpu.decode_segments(symbols.to(torch.int32), tables, 10)
    with pytest.raises(BadInput, match="escape"):
        gpu.encode_segments(symbols, Tables.from_counts([1, 1], 12, escape=True))


COMPILE = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from lacodec.entropy import gpu_kernels as gpu

TYPES = dict(symbols="*u8", index="*i64", spans="*i32", scratch="*i16", lengths="*i32", status="*i32", words="*i16",
             begins="*i64", lookup="*i32", out="*u8", ends="*i64", count="i64")
def build(kernel, **constants):
    names = kernel.arg_names
    signature = {name: "constexpr" if name in constants else TYPES[name] for name in names}
    source = ASTSource(kernel, signature, {(names.index(name),): value for name, value in constants.items()})
    assert triton.compile(source, target=GPUTarget("cuda", 90, 32), options={"num_warps": 1}).asm["cubin"]
for indexed in (False, True):
    build(gpu.decode_kernel, bits=12, packed=True, indexed=indexed)
    build(gpu.decode_kernel, bits=14, packed=False, indexed=indexed)
    build(gpu.encode_kernel, bits=14, indexed=indexed)
TYPES["out"] = "*i16"
build(gpu.copy_kernel)
"""


@pytest.mark.skipif(
    not importlib.util.find_spec("torch") or not importlib.util.find_spec("triton"), reason="needs torch and Triton"
)
def test_kernels_compile_for_a_gpu(tmp_path: Path, repository: Path) -> None:
    """The interpreter accepts more than the compiler does, and the compiler needs no device."""
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    environment |= {"TRITON_CACHE_DIR": str(tmp_path), "PYTHONPATH": os.pathsep.join([str(repository), *sys.path])}
    code = tmp_path / "build.py"
    code.write_text(COMPILE)
    done = subprocess.run([sys.executable, str(code)], env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize("name", ["torch", "triton"])
def test_missing_dependency_names_the_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    for module in ("entropy.gpu", "entropy.gpu_kernels", "kernels.triton"):
        monkeypatch.delitem(sys.modules, f"lacodec.{module}", raising=False)
    with pytest.raises(MissingDependency, match=r"lacodec\[learned\]"):
        importlib.import_module("lacodec.entropy.gpu")
