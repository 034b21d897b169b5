"""Sounds encoded by earlier versions decode to the same bytes, and this version writes them the same, also for a plain CPU."""

import os
import subprocess
import sys

import pytest

import lacodec
from lacodec import api
from lacodec.media.audio.files import AUDIO
from tools import make_golden_audio as maker
from tools.golden import FOLDER

GOLDEN = sorted(FOLDER.glob("audio-*.lac"))


def test_there_are_some():
    assert len(GOLDEN) >= 18


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden(path):
    _, effort, name = path.stem.split("-")
    assert b"".join(AUDIO.to_blocks(lacodec.decode(path))) == maker.content(name)
    assert api.check(path).ok
    if name != "float":  # zstd packs the low bits of floats; another version of it may do so differently
        assert maker.make(int(effort[6:]), name) == path.read_bytes(), "the encoder writes other bytes: raise the stream version"


@pytest.mark.slow
def test_same_bytes_without_vector_instructions(repository):
    """The arithmetic is ordered, so the machine's vectors cannot matter."""
    code = (
        "import sys; from pathlib import Path; import lacodec; from lacodec.media.audio.files import AUDIO\n"
        "for effort in (1, 5, 9):\n"
        "    path = Path('tests/golden') / f'audio-effort{effort}-stereo.lac'\n"
        "    data = b''.join(AUDIO.to_blocks(lacodec.decode(path)))\n"
        "    assert lacodec.encode(data, 'audio.lossless', effort=effort) == path.read_bytes(), effort\n"
    )
    env = {**os.environ, "NUMBA_CPU_NAME": "generic"}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=repository, env=env)
