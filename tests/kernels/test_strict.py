"""Kernels whose floating-point results decide what is read must give the same bits on every machine."""

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lacodec
from lacodec.codecs import registry
from lacodec.kernels.jit import Kernel
from lacodec.media.image.value import Image
from tools import golden

_FUSED = re.compile(r"\bvf(?:n?m(?:add|sub)|maddsub|msubadd)\w*|\bf(?:n?m(?:add|sub)|mla|mls)\b", re.IGNORECASE)


def _arguments_of(kernel: Kernel, encode: object, monkeypatch: pytest.MonkeyPatch) -> tuple[object, ...]:
    """What a kernel is called with while something is encoded."""
    seen: list[tuple[object, ...]] = []
    call = Kernel.__call__

    def noted(self: Kernel, *args: object, **named: object) -> object:
        if self is kernel:
            seen.append(args)
        return call(self, *args, **named)

    monkeypatch.setattr(Kernel, "__call__", noted)
    encode()  # type: ignore[operator]
    return seen[0]


def _picture(effort: int) -> None:
    rows = np.arange(48, dtype=np.uint32)
    noise = (rows[:, None, None] * 2654435761 + rows[None, :, None] * 40503 + np.arange(3, dtype=np.uint32)) >> 13
    pixels = (noise % 17 + rows[:, None, None] * 3).astype(np.uint8)
    lacodec.encode(Image(pixels), "image.lossless", effort=effort)


def _sound() -> None:
    for sample in registry.get("audio.lossless").samples():
        lacodec.encode(sample, "audio.lossless", effort=9)


def _array(**options: object) -> None:
    walk = np.cumsum(np.arange(4000, dtype=np.uint32) * 2654435761 >> 20) % 9973
    lacodec.encode(walk.reshape(200, 20).astype("f4"), "arrays", **options)


def _flight() -> None:
    lacodec.encode(golden.maker_of("points").content("flight"), "points", effort=1)


@pytest.mark.parametrize(
    "kind", ["mixed picture", "fast picture", "sound", "mixed array", "bounded array", "scaled array", "flight"]
)
def test_no_fused_multiply_add(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if kind == "sound":
        from lacodec.codecs.audio.lossless._kernel import code as kernel

        arguments = _arguments_of(kernel, _sound, monkeypatch)
    elif kind == "mixed array":
        from lacodec.codecs.columns.mixed.kernel import code_values as kernel

        arguments = _arguments_of(kernel, lambda: _array(effort=9), monkeypatch)
    elif kind == "bounded array":
        from lacodec.codecs.columns.bounded._kernel import code_pass as kernel

        arguments = _arguments_of(kernel, lambda: _array(max_error=3.0), monkeypatch)
    elif kind == "scaled array":
        from lacodec.codecs.columns._splits_kernel import scale as kernel

        arguments = _arguments_of(kernel, lambda: lacodec.encode(np.arange(3000) % 97 / 10.0, "arrays"), monkeypatch)
    elif kind == "flight":
        from lacodec.codecs.points.las._kernel import encode_points as kernel

        arguments = _arguments_of(kernel, _flight, monkeypatch)
    elif kind == "mixed picture":
        from lacodec.codecs.image.lossless.mixed.kernel import code_tile as kernel

        arguments = _arguments_of(kernel, lambda: _picture(5), monkeypatch)
    else:
        from lacodec.codecs.image.lossless.fast.kernel import code_planes as kernel

        arguments = _arguments_of(kernel, lambda: _picture(2), monkeypatch)
    text = kernel.assembly(*arguments)
    assert re.search(r"\bv?(?:mul|fmul)[ps][sd]|\bfmul\b", text)  # it is the code that multiplies
    assert _FUSED.findall(text) == []


def test_the_pattern_finds_fused_operations() -> None:
    for name in ("vfmadd213sd", "vfnmadd231pd", "vfmsub132ps", "fmadd", "fmla", "fnmsub"):
        assert _FUSED.search(f"\t{name}\t%xmm0, %xmm1")
    assert not _FUSED.search("\tvmulsd %xmm0, %xmm1\n\tvaddpd")


_FLUSHED = """
import sys
import numpy as np, torch
from tests.kernels.test_strict import decoded
assert torch.set_flush_denormal(True)
assert np.float64(1e-300) * np.float64(1e-10) == 0.0
for path in sys.argv[3:]:
    print(decoded(path, sys.argv[1], sys.argv[2]))
"""


def decoded(path: str, before: str, basis: str) -> str:
    """A file's name and the hashes of what is in it; the other two are what some files need beside themselves."""
    value = lacodec.decode(path, base=before if path.endswith("-after.lac") else basis if "-basis-" in path else None)
    if isinstance(value, dict):
        parts = [array.tobytes() for array in value.values()]
    elif isinstance(value, bytes):
        parts = [value]
    elif hasattr(value, "planes"):
        parts = [plane.tobytes() for plane in value.planes]
    elif hasattr(value, "layers"):
        parts = [array.tobytes() for pair in value.layers for array in pair]
    else:
        parts = [getattr(value, "pixels", getattr(value, "samples", getattr(value, "records", value))).tobytes()]
    return " ".join([path.rpartition("/")[2], *(hashlib.sha256(part).hexdigest() for part in parts)])


_FLOATING = ("learned-", "walloc-", "wallocsound-", "vq-")
"""Codecs whose values come from floating point after exact latents."""


def is_copy(path: Path) -> bool:
    """Of version 0, with a twin of version 1 that has the same chunks (`tests/reference/test_golden.py`)."""
    return path.parent.name == "v0" and (golden.FOLDER / "v1" / path.name).exists()


def test_golden_files_decode_alike_where_small_numbers_are_flushed_to_zero(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch")
    if not torch.set_flush_denormal(False):
        pytest.skip("this processor cannot flush")
    paths = [path for path in golden.FOLDER.glob("v*/*.lac") if not path.name.startswith(_FLOATING) and not is_copy(path)]
    files = sorted(map(str, paths))
    assert files
    models = tmp_path / "models"
    models.mkdir()
    for name in ("circuit-model.npz", "learned-model.npz"):
        shutil.copy(golden.FOLDER / name, models)
    monkeypatch.setenv("LACODEC_MODELS", str(models))
    bases = golden.maker_of("points").base_of("points-effort5-after"), golden.maker_of("kvlossy").base_of("kvlossy-basis-bf16")
    places = [str(tmp_path / name) for name in ("before", "basis")]
    for place, base in zip(places, bases, strict=True):
        Path(place).write_bytes(base)
    # A process of its own, since threads inherit the mode of the one that starts them.
    command = [sys.executable, "-c", _FLUSHED, *places, *files]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert np.float64(1e-300) * np.float64(1e-10) > 0.0
    assert done.stdout.splitlines() == [decoded(path, *places) for path in files]
