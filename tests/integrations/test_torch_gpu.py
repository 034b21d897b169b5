"""load_file and load_folder, decoding on the device: on CUDA, else the kernels in the interpreter. The same tensors."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lacodec.codecs.weights import _planes
from lacodec.errors import BadInput, CorruptFile, LacodecError
from tests import gpus

torch = pytest.importorskip("torch")
import lacodec.torch as lt  # noqa: E402
from lacodec.integrations.torch import files as torch_files  # noqa: E402
from lacodec.pipeline import restored  # noqa: E402

pytestmark = [pytest.mark.gpu, pytest.mark.torch]


@pytest.fixture(scope="module", autouse=True)
def kernels() -> Iterator[Any]:
    """Small planes in segments; a device that the kernels run on."""
    gpu = gpus.load("lacodec.codecs.weights.gpu")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_planes, "SEGMENTED", 64)
        patch.setattr(torch_files, "has_kernels", lambda device: True)
        yield gpu


def normal(n: int, seed: int = 1, scale: float = 0.02) -> Any:
    return torch.from_numpy(np.random.default_rng(seed).normal(0, scale, n).astype(np.float32))


def same(found: dict[str, Any], expected: dict[str, Any]) -> bool:
    return found.keys() == expected.keys() and all(
        found[name].dtype == tensor.dtype
        and found[name].device.type == gpus.device()
        and torch.equal(found[name].cpu().view(torch.uint8), tensor.contiguous().view(torch.uint8))
        for name, tensor in expected.items()
    )


@pytest.fixture(scope="module")
def state() -> dict[str, Any]:
    noise = torch.from_numpy(np.random.default_rng(3).integers(0, 1 << 15, 40000).astype(np.int16)).view(torch.bfloat16)
    return {
        "w": normal(1280).to(torch.bfloat16).reshape(32, 40),
        "wide": normal(1300, 2),
        "half": normal(900, 3, 1).to(torch.float16),
        "ints": torch.arange(70),
        "empty": torch.zeros(0, 3),
        "first": noise,  # twins, which have a chunk of their own
        "second": noise.clone(),
    }


@pytest.mark.parametrize("batch", [1, 1 << 28])
def test_the_same_tensors(batch: int, state: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restored, "DEVICE_BATCH", batch)
    launched = []
    from lacodec.codecs.weights import gpu

    original = gpu.Work.run
    monkeypatch.setattr(gpu.Work, "run", lambda self, *arrays: (launched.append(1), original(self, *arrays))[1])
    lt.save_file(state, tmp_path / "model.safetensors.lac", {"format": "pt"})
    found = lt.load_file(tmp_path / "model.safetensors.lac", gpus.device(), threads=2)
    assert same(found, state) and len(launched) == (1 if batch > 1 else 2)
    found["w"].zero_()  # nobody else's
    assert same(lt.load_folder(tmp_path, gpus.device()), state)


def test_differences_to_a_base(tmp_path: Path) -> None:
    base = {"w": normal(1300), "v": normal(900, 2).to(torch.bfloat16)}
    state = {"w": base["w"] * 1.0001, "v": normal(900, 3).to(torch.bfloat16)}
    lt.save_file(base, tmp_path / "base.safetensors")
    lt.save_file(state, tmp_path / "m.lac", base=tmp_path / "base.safetensors")
    assert same(lt.load_file(tmp_path / "m.lac", gpus.device(), base=tmp_path / "base.safetensors"), state)
    with pytest.raises(BadInput, match="base"):
        lt.load_file(tmp_path / "m.lac", gpus.device())


def test_files_that_are_not_of_the_codec(tmp_path: Path) -> None:
    state = {"w": normal(900)}
    lt.save_file(state, tmp_path / "m.safetensors")
    assert same(lt.load_file(tmp_path / "m.safetensors", gpus.device()), state)


def test_damaged_files(tmp_path: Path, state: dict[str, Any]) -> None:
    lt.save_file({name: state[name] for name in ("w", "wide", "ints")}, tmp_path / "m.lac")
    data = (tmp_path / "m.lac").read_bytes()
    for damaged in (data[: len(data) // 2], data[:3000] + bytes(50) + data[3050:], b""):
        (tmp_path / "m.lac").write_bytes(damaged)
        with pytest.raises(LacodecError, match=r"m\.lac"):
            lt.load_file(tmp_path / "m.lac", gpus.device())


def test_a_forged_stream_is_named(tmp_path: Path, state: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The hashes are right, the stream is not: the kernel notices."""
    original = restored.LacSource._read

    def forged(source: Any, which: int) -> Any:
        chunk = original(source, which)
        payload = bytearray(chunk.payload)
        payload[300] ^= 0x55  # in the start states
        return replace(chunk, payload=bytes(payload))

    lt.save_file({"w": state["w"]}, tmp_path / "m.lac")
    monkeypatch.setattr(restored.LacSource, "_read", forged)
    with pytest.raises(CorruptFile, match=r"m\.lac: chunk 0 .*a segment is damaged"):
        lt.load_file(tmp_path / "m.lac", gpus.device())
