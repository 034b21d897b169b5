"""The example codec of docs/architecture.md: registered in this process, and as a package that another project would install."""

import io
import os
import re
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import lacodec
from lacodec.codecs import registry
from lacodec.container import Reader
from lacodec.errors import BadInput, LacodecError
from lacodec.io.source import BytesSource
from lacodec.testing import check_codec

WALK = np.round(np.cumsum(np.random.default_rng(1).normal(0, 1, 600_000))).astype(np.float32)
FILE = b"F32\n" + WALK.tobytes()


def document(repository: Path) -> str:
    return (repository / "docs" / "architecture.md").read_text()


def code(repository: Path) -> str:
    (module,) = re.findall(r"^```python\n(.*?)^```", document(repository), flags=re.DOTALL | re.MULTILINE)
    return module


@pytest.fixture
def series(repository, monkeypatch):
    """The module of the document, its codec registered."""
    monkeypatch.setattr(registry, "_registered", {})
    module = types.ModuleType("series")
    monkeypatch.setitem(sys.modules, "series", module)
    exec(compile(code(repository), "series.py", "exec"), module.__dict__)
    lacodec.register(module.Series)
    return module


def test_it_is_short(repository):
    lines = [line for line in code(repository).splitlines() if line.strip() and not line.startswith('"""')]
    assert len(lines) <= 60
    assert not re.search(r"import _|\._[a-z]", "\n".join(lines)), "nothing private is needed"


def test_registered_in_this_process(series):
    noise = np.random.default_rng(1).integers(0, 1 << 32, 5000, dtype=np.uint32).view(np.float32)
    values = {"nothing": WALK[:0], "one": WALK[:1], "few": WALK[:100], "noise": noise, "two chunks": WALK[:300_000]}
    check_codec(series.Series, values)
    assert len(lacodec.encode(WALK, "series")) < WALK.nbytes / 7
    for wrong in (WALK.astype(np.float64), WALK[:100].reshape(10, 10), [1.0]):
        with pytest.raises(BadInput):
            lacodec.encode(wrong, "series")


def test_found_by_content(series, tmp_path):
    (tmp_path / "walk.f32").write_bytes(FILE)
    done = lacodec.encode_file(tmp_path / "walk.f32", tmp_path / "walk.lac", effort=9)  # which it does not have
    assert (done.codec, done.identical) == ("series", "samples") and done.encoded < done.size / 7
    lacodec.decode_file(tmp_path / "walk.lac", tmp_path / "back.f32")
    assert (tmp_path / "back.f32").read_bytes() == FILE
    (tmp_path / "odd.f32").write_bytes(FILE[:2001])
    assert lacodec.encode_file(tmp_path / "odd.f32", tmp_path / "odd.lac").codec == "bytes"
    assert next(registry.by_content(FILE[:256])) is series.Series
    assert np.array_equal(lacodec.decode(lacodec.encode(io.BytesIO(FILE))), WALK)


def test_opened_in_the_middle_and_salvaged(series):
    encoded = lacodec.encode(WALK, "series")
    with lacodec.open(encoded) as opened:
        assert (opened.shape, opened.dtype, len(opened)) == (WALK.shape, np.float32, len(WALK))
        assert opened[-1] == WALK[-1] and np.array_equal(opened[262_000:270_000:7], WALK[262_000:270_000:7])
    head = Reader(BytesSource(encoded)).index[1]
    damaged = bytearray(encoded)
    damaged[head.payload_offset + 50] ^= 1
    out = io.BytesIO()
    done = lacodec.decode_file(BytesSource(bytes(damaged)), out, salvage=True)
    expected = WALK.copy()
    expected[slice(*head.covers[0])] = 0
    assert len(done.damage) == 1 and out.getvalue() == b"F32\n" + expected.tobytes()


@pytest.mark.parametrize("where", ["from_source", "from_object", "to_blocks", "encode", "decode_chunk", "assemble", "to_object"])
def test_mistakes_name_the_package(series, where, tmp_path, monkeypatch):
    """What its code raises by mistake is an error of that codec, not of ours."""
    (tmp_path / "walk.f32").write_bytes(FILE)
    encoded = lacodec.encode(WALK, "series")
    (tmp_path / "walk.lac").write_bytes(encoded)

    def broken(self, *_, **__):
        raise ValueError("not that way")

    part = series.SeriesMedia if where in ("from_source", "from_object", "to_blocks", "to_object") else series.Series
    monkeypatch.setattr(part, where, broken)
    calls = {
        "from_source": lambda: lacodec.encode_file(tmp_path / "walk.f32", tmp_path / "x", "series"),
        "from_object": lambda: lacodec.encode(WALK, "series"),
        "encode": lambda: lacodec.encode(WALK, "series"),
        "to_blocks": lambda: lacodec.decode_file(tmp_path / "walk.lac", tmp_path / "x"),
    }
    with pytest.raises(
        LacodecError, match=r"codec 'series' \(series\.Series\).*ValueError: not that way.*report it to its authors"
    ):
        calls.get(where, lambda: lacodec.decode(encoded))()
    assert not (tmp_path / "x").exists()


PROGRAM = """
import sys
import numpy as np
import lacodec
from lacodec.testing import check_codec

walk = np.frombuffer(open(sys.argv[1], "rb").read(), "<f4", offset=4)
check_codec("series", {"a walk": walk[:5000]})
assert np.array_equal(lacodec.decode(lacodec.encode(sys.argv[1], verify=True)), walk)
"""


@pytest.fixture
def installed(tmp_path: Path, repository: Path) -> dict[str, str]:
    """The environment of a machine where the package of the document is installed."""
    package = tmp_path / "my_package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "series.py").write_text(code(repository))
    metadata = tmp_path / "my_package-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1\n")
    (toml,) = re.findall(r"^```toml\n(.*?)^```", document(repository), flags=re.DOTALL | re.MULTILINE)
    points = re.sub(r'^\[project\.entry-points\."(.*)"\]$', r"[\1]", toml, flags=re.MULTILINE).replace('"', "")
    assert "[lacodec.codecs]" in points and "[lacodec.media]" in points
    (metadata / "entry_points.txt").write_text(points)
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(repository)])}


def run(command: list[str], folder: Path, environment: dict[str, str], code: int = 0) -> str:
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == code, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def test_as_an_installed_package(installed, tmp_path):
    (tmp_path / "walk.f32").write_bytes(FILE)
    run([sys.executable, "-c", PROGRAM, "walk.f32"], tmp_path, installed)
    lacodec_ = [sys.executable, "-m", "lacodec"]
    run([*lacodec_, "encode", "walk.f32", "-o", "walk.lac"], tmp_path, installed)  # found by content
    assert "series" in run([*lacodec_, "info", "walk.lac"], tmp_path, installed)
    assert "series" in run([*lacodec_, "list"], tmp_path, installed)
    run([*lacodec_, "decode", "walk.lac", "-o", "back.f32"], tmp_path, installed)
    assert (tmp_path / "back.f32").read_bytes() == FILE
    damaged = bytearray((tmp_path / "walk.lac").read_bytes())
    damaged[Reader(BytesSource(bytes(damaged))).index[0].payload_offset + 50] ^= 1
    (tmp_path / "damaged.lac").write_bytes(damaged)
    told = run([*lacodec_, "decode", "--salvage", "damaged.lac", "-o", "half.f32"], tmp_path, installed, code=1)
    assert "chunk 0" in told and "internal error" not in told
    assert (tmp_path / "half.f32").read_bytes()[-1_000_000:] == FILE[-1_000_000:]
