"""Codec `text.lm` with models of transformers. They are bound to a machine, so there are no golden files of them."""

import contextlib
import json
import os
import random
import subprocess
import sys
from functools import cache

import pytest

import lacodec
from lacodec.errors import CorruptFile, LacodecError, MissingModel, UnsupportedFile

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
from lacodec.cli import main  # noqa: E402
from lacodec.codecs.text.lm import causal  # noqa: E402
from lacodec.codecs.text.lm.codec import TextLM  # noqa: E402
from reference.container import read  # noqa: E402
from tests import causal_models, languages  # noqa: E402
from tests.reference.test_text import TEXTS, short_primer  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.usefixtures(short_primer.__name__)]
PROSE = (languages.TEXT[:110] * 2)[:200]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return str(causal_models.folder(tmp_path_factory.mktemp("model")))


@pytest.fixture
def encoded(path):
    """PROSE, which shrinks."""
    return _encoded(path)


@cache
def _encoded(path):
    return lacodec.encode(PROSE, "text.lm", model=path)


@pytest.fixture
def elsewhere(monkeypatch):
    """A machine that computes otherwise, without the models of this process."""

    def move(what: str = "environment") -> None:
        monkeypatch.setattr(causal, "_named", {})
        causal._load.cache_clear()
        if what == "environment":
            monkeypatch.setattr("lacodec.models.text.causal.language.environment", lambda: "torch 99 on paper")
        else:  # the same in words, other sums
            monkeypatch.setattr("lacodec.models.text.causal.kernel._PER_NAT", 1477.0)
            monkeypatch.setattr("lacodec.models.text.causal.language._answer", lambda *_: b"other sums")

    yield move
    causal._load.cache_clear()


@pytest.mark.parametrize("name", TEXTS)
def test_round_trips(path, name):
    text = TEXTS[name][:100]
    assert lacodec.decode(lacodec.encode(text, "text.lm", model=path)) == text


def test_any_bytes_in_several_chunks_and_threads(path, monkeypatch):
    monkeypatch.setattr(TextLM, "chunk_size", lambda self: 90)
    text = PROSE + random.Random(1).randbytes(40)
    encoded = lacodec.encode(text, "text.lm", model=path, threads=2)
    assert encoded == lacodec.encode(text, "text.lm", model=path, threads=1)
    assert lacodec.decode(encoded, threads=2) == text
    with lacodec.open(encoded) as file:
        assert file[80:100] == text[80:100]


def test_another_process_decodes_it(path, tmp_path, encoded):
    (tmp_path / "a.lac").write_bytes(encoded)
    code = (
        "import numpy as np, lacodec, sys\n"
        "from tests.reference.test_text import short_primer\n"
        "import pytest\n"
        "patch = pytest.MonkeyPatch()\n"
        "next(short_primer.__wrapped__(patch) if hasattr(short_primer, '__wrapped__') else short_primer(patch))\n"
        "sys.stdout.buffer.write(lacodec.decode(sys.argv[1]))\n"
    )
    environment = {**os.environ, "LACODEC_MODELS": path}
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "a.lac"], env=environment, capture_output=True, check=False)
    assert done.stdout == PROSE, done.stderr.decode()


def test_the_header_says_what_it_is(path, tmp_path, capsys):
    (tmp_path / "a.txt").write_bytes(PROSE)
    assert main(["encode", "--codec", "text.lm", "--model", path, "--no-verify", str(tmp_path / "a.txt")]) == 0
    shown = capsys.readouterr()
    assert "can be decoded only where all is computed alike: torch" in shown.err
    header, (chunk,) = read((tmp_path / "a.txt.lac").read_bytes())
    assert header["metadata"] == {"model_bytes": causal.size_of(path), "machine_bound": causal.by_path(path).environment}
    assert header["model_id"] == causal.by_path(path).id and not header.get("options")
    assert chunk.payload[:9] == b"\2" + header["model_id"][:8]
    assert main(["info", str(tmp_path / "a.txt.lac")]) == 0
    assert "machine_bound" in capsys.readouterr().out
    assert "(verified)" in shown.out


def test_another_model_is_refused(path, tmp_path, encoded, monkeypatch, capsys):
    (tmp_path / "a.txt.lac").write_bytes(encoded)
    other = causal_models.folder(tmp_path / "other", seed=5)
    assert causal.by_path(other).id != causal.by_path(path).id
    monkeypatch.setattr(causal, "_named", {})
    monkeypatch.setenv("LACODEC_MODELS", str(other))
    with pytest.raises(MissingModel, match="LACODEC_MODELS"):
        lacodec.decode(tmp_path / "a.txt.lac")
    assert main(["decode", str(tmp_path / "a.txt.lac")]) == 1
    assert "needs the transformers model" in capsys.readouterr().err and not (tmp_path / "a.txt").exists()
    monkeypatch.setenv("LACODEC_MODELS", os.pathsep.join([str(other), path]))
    assert lacodec.decode(tmp_path / "a.txt.lac") == PROSE


@pytest.mark.parametrize("what", ["environment", "answer"])
def test_another_machine_is_refused(path, tmp_path, encoded, elsewhere, monkeypatch, capsys, what):
    (tmp_path / "a.txt.lac").write_bytes(encoded)
    elsewhere(what)
    monkeypatch.setenv("LACODEC_MODELS", path)
    with pytest.raises(UnsupportedFile, match="bound to a kind of machine"):
        lacodec.decode(tmp_path / "a.txt.lac")
    assert main(["decode", str(tmp_path / "a.txt.lac")]) == 1
    message = capsys.readouterr().err
    assert "it was encoded by: torch" in message and not (tmp_path / "a.txt").exists()


@pytest.mark.parametrize("seed", range(12))
def test_forged_payloads(path, encoded, seed):
    rng = random.Random(seed)
    codec = TextLM(TextLM.Options(model=path))
    payload = bytearray(read(encoded)[1][0].payload)
    assert payload[0] == 2
    for _ in range(rng.randint(1, 4)):
        payload[rng.randrange(0 if seed % 2 else 17, len(payload))] = rng.randrange(256)
    if seed % 5 == 0:
        del payload[rng.randrange(len(payload)) :]
    with contextlib.suppress(CorruptFile, MissingModel, UnsupportedFile):
        codec.decode_block(bytes(payload), len(PROSE), 0)


def test_impossible_sizes(path, encoded):
    codec, payload = TextLM(TextLM.Options(model=path)), read(encoded)[1][0].payload
    for size in (len(PROSE) // 2, 1 << 20):
        with pytest.raises(CorruptFile):
            codec.decode_block(payload, size, 0)


def test_memory_counts_the_model(path, encoded):
    codec = TextLM(TextLM.Options(model=path))
    assert codec.memory(1000) > TextLM().memory(1000)
    assert codec.memory(1000, read(encoded)[1][0].payload) == codec.memory(1000)


@pytest.mark.parametrize("break_it", ["config", "weights", "tokenizer"])
def test_folders_that_transformers_cannot_load(tmp_path, break_it):
    folder = causal_models.folder(tmp_path / "model")
    if break_it == "config":
        (folder / "config.json").write_text("{}")
    elif break_it == "weights":
        (folder / "model.safetensors").write_bytes(b"no weights")
    else:
        (folder / "tokenizer.json").write_text("{")
    with pytest.raises(LacodecError, match="cannot load a causal language model"):
        lacodec.encode(PROSE, "text.lm", model=str(folder))


def test_a_gguf_file(tmp_path, capsys):
    pytest.importorskip("gguf")
    path = causal_models.gguf_file(tmp_path)
    capsys.readouterr()
    assert lacodec.decode(lacodec.encode(PROSE, "text.lm", model=str(path))) == PROSE
    assert len(causal.by_path(path).words.texts) == 299
    assert capsys.readouterr().err == ""


def test_a_damaged_gguf_file(tmp_path):
    (tmp_path / "model.gguf").write_bytes(b"GGUF\3\0\0\0" + bytes(100))
    with pytest.raises(LacodecError):
        lacodec.encode(PROSE, "text.lm", model=str(tmp_path / "model.gguf"))


def test_without_transformers_the_error_says_what_to_install(path):
    code = f"""
import sys
sys.modules["transformers"] = None
import lacodec
try:
    lacodec.encode(b"x", "text.lm", model={path!r})
except Exception as error:
    print(repr(error))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "MissingDependency" in done.stdout and "lacodec[lm]" in done.stdout, done.stderr


def test_bits_per_character(path, tmp_path, capsys):
    (tmp_path / "a.txt").write_bytes(PROSE)
    args = ["eval", "bpc", str(tmp_path / "a.txt"), "--model", path, "--train", str(tmp_path / "a.txt")]
    assert main([*args, "--json", str(tmp_path / "a.json")]) == 0
    assert "unknown" in capsys.readouterr().out
    (row,) = json.loads((tmp_path / "a.json").read_text())
    assert row["training"] == "unknown" and "overlap" not in row
    assert row["checked_bytes"] == len(PROSE) and abs(row["bits"] / 8 - row["checked_coded_bytes"]) < 8
    assert row["model_bytes"] == os.path.getsize(os.path.join(path, "model.safetensors"))
