"""`encode -o x.safetensors` and `decode` of such a file."""

import json

import numpy as np
import pytest

from laconic.media import tensors


@pytest.fixture
def model(tmp_path):
    rng = np.random.default_rng(1)
    value = tensors.from_object({"a": rng.normal(0, 0.02, (64, 64)).astype(np.float32), "b": np.arange(5)})
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"".join(tensors.to_blocks(value)))
    return path


def test_there_and_back(laconic, model, tmp_path):
    coded, back = tmp_path / "coded.safetensors", tmp_path / "back.safetensors"
    done = laconic("encode", model, "-o", coded)
    assert b"verified" in done.stdout + done.stderr
    data = coded.read_bytes()
    head = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert head["a"]["dtype"] == "U8" and head["b"]["dtype"] == "I64" and len(data) < model.stat().st_size
    laconic("decode", coded, "-o", back)
    assert back.read_bytes() == model.read_bytes()
    assert b"exists already" in laconic("encode", model, "-o", coded, code=1).stderr


def test_what_cannot_be_coded_so(laconic, model, text, tmp_path):
    refused = laconic("encode", text, "-o", tmp_path / "x.safetensors", code=1)
    assert b"tensors" in refused.stderr and not (tmp_path / "x.safetensors").exists()
    assert b"not a .lac file" in laconic("decode", model, code=1).stderr
