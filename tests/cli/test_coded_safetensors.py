"""`encode -o x.safetensors` and `decode` of such a file."""

import json

import numpy as np
import pytest

from lacodec.media.tensors.files import TENSORS


@pytest.fixture
def model(tmp_path):
    rng = np.random.default_rng(1)
    value = TENSORS.from_object({"a": rng.normal(0, 0.02, (64, 64)).astype(np.float32), "b": np.arange(5)})
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"".join(TENSORS.to_blocks(value)))
    return path


def test_there_and_back(lacodec, model, tmp_path):
    coded, back = tmp_path / "coded.safetensors", tmp_path / "back.safetensors"
    done = lacodec("encode", model, "-o", coded)
    assert b"verified" in done.stdout + done.stderr
    data = coded.read_bytes()
    head = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert head["a"]["dtype"] == "U8" and head["b"]["dtype"] == "I64" and len(data) < model.stat().st_size
    lacodec("decode", coded, "-o", back)
    assert back.read_bytes() == model.read_bytes()
    assert b"already exists" in lacodec("encode", model, "-o", coded, code=1).stderr


def test_what_cannot_be_coded_so(lacodec, model, text, tmp_path):
    refused = lacodec("encode", text, "-o", tmp_path / "x.safetensors", code=1)
    assert b"tensors" in refused.stderr and not (tmp_path / "x.safetensors").exists()


def test_info_and_test(lacodec, model, tmp_path):
    coded = tmp_path / "folder" / "coded.safetensors"
    lacodec("encode", model, "-o", coded, "--effort", "3")
    shown = lacodec("info", coded).stdout.decode()
    assert "a safetensors file, 1 of its tensors coded" in shown and "effort 3" in shown and "a: F32 64x64, 16,384 -> " in shown
    found = json.loads(lacodec("info", "--json", coded.parent).stdout)
    size = coded.stat().st_size
    assert found["encoded"] == size == sum(found["sections"].values()) and found["size"] == model.stat().st_size
    assert found["metadata"]["tensors"]["a"]["coded"] == found["sections"]["coded tensors"] < 16_384
    assert found["metadata"]["tensors"]["b"] == {"dtype": "I64", "shape": [5], "size": 40, "coded": 40}
    assert b"ok, " in lacodec("test", coded).stdout and b"in 2 tensors" in lacodec("test", coded.parent).stdout
    for verb in "info", "test", "decode":
        assert b"plain safetensors file, its tensors are not coded" in lacodec(verb, model, code=1).stderr


def test_damage_is_named_and_the_rest_saved(lacodec, model, tmp_path):
    coded, back = tmp_path / "coded.safetensors", tmp_path / "back.safetensors"
    lacodec("encode", model, "-o", coded)
    data = bytearray(coded.read_bytes())
    data[-3000] ^= 1
    coded.write_bytes(data)
    for verb in (("test", coded), ("decode", coded, "-o", back)):
        message = lacodec(*verb, code=1).stderr
        assert b"tensor 'a': " in message and b"damaged" in message
    assert not back.exists()
    assert b"1 part is damaged or lost" in lacodec("decode", "--salvage", coded, "-o", back, code=1).stdout
    plain = model.read_bytes()
    begin = 8 + int.from_bytes(plain[:8], "little")
    saved = back.read_bytes()
    assert len(saved) == len(plain) and saved[: begin + 40] == plain[: begin + 40] and not any(saved[begin + 40 :])
    coded.write_bytes(data[:-100])
    for verb in "info", "test", "decode":
        assert b"cut off" in lacodec(verb, coded, code=1).stderr


def test_differences_to_a_base(lacodec, model, tmp_path):
    value = TENSORS.from_object({"a": np.ones((64, 64), np.float32), "b": np.arange(5)})
    other = tmp_path / "other.safetensors"
    other.write_bytes(b"".join(TENSORS.to_blocks(value)))
    for coded in tmp_path / "coded.safetensors", tmp_path / "model.lac":
        lacodec("encode", model, "-o", coded, "--base", model)
        assert coded.stat().st_size < 1500
        back = coded.with_suffix(".back")
        lacodec("decode", coded, "-o", back, "--base", model, "--base", other)
        assert back.read_bytes() == model.read_bytes()
        lacodec("test", coded, "--base", model)
        assert b"base       model.safetensors, " in lacodec("info", coded).stdout
        for arguments, what in (([], b"not given"), (["--base", other], b"other.safetensors is not")):
            for verb in (["test", coded], ["decode", "-f", coded, "-o", back]):
                message = lacodec(*verb, *arguments, code=1).stderr
                assert b"'model.safetensors'" in message and what in message and b"--base FILE" in message


def test_folders_with_a_base(lacodec, model, tmp_path):
    for name in "before", "after":
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}" * 100)
        (tmp_path / name / "model.safetensors").write_bytes(model.read_bytes())
    (tmp_path / "after" / "new.safetensors").write_bytes(model.read_bytes())
    done = lacodec("encode", tmp_path / "after", "-o", tmp_path / "small", "--base", tmp_path / "before")
    assert b"config.json: holds no tensors" in done.stderr and b"new.safetensors: " in done.stderr
    sizes = {path.name: path.stat().st_size for path in (tmp_path / "small").iterdir()}
    assert sizes["model.safetensors.lac"] < 1000 < sizes["new.safetensors.lac"]
    lacodec("decode", tmp_path / "small", "-o", tmp_path / "again", "--base", tmp_path / "before")
    assert (tmp_path / "again" / "model.safetensors").read_bytes() == model.read_bytes()
    assert b"not given" in lacodec("test", tmp_path / "small", code=1).stderr
