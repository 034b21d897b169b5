"""Tensors encoded by earlier versions decode to the same bytes, and this version writes them the same, also for a plain CPU."""

import io
import os
import subprocess
import sys
import zlib

import pytest

from lacodec import api
from tools import make_golden_weights as maker
from tools.golden import FOLDER

GOLDEN = sorted(FOLDER.glob("weights-*.lac"))


def test_there_are_some():
    assert len(GOLDEN) >= 12


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden(path):
    _, effort, name = path.stem.split("-")
    out = io.BytesIO()
    api.decode_file(path, out)
    assert out.getvalue() == maker.content(name)
    assert api.check(path).ok
    if zlib.ZLIB_RUNTIME_VERSION.startswith("1.") and "ng" not in zlib.ZLIB_RUNTIME_VERSION:
        # Names and runs are packed by zlib, which others implement in other ways.
        assert maker.make(int(effort[6:]), name) == path.read_bytes(), "the encoder writes other bytes: raise the stream version"


@pytest.mark.slow
def test_same_bytes_without_vector_instructions(repository, tmp_path):
    code = (
        "from pathlib import Path; from tools import make_golden_weights as maker\n"
        "for name in maker.FILES:\n"
        "    assert maker.make(5, name) == Path(f'tests/golden/weights-effort5-{name}.lac').read_bytes(), name\n"
    )
    env = {**os.environ, "NUMBA_CPU_NAME": "generic", "LACODEC_CACHE_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=repository, env=env)
