"""A transformers model out of a folder whose files are coded."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lacodec import api
from lacodec.errors import BadInput, CorruptFile, UnsupportedFile

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
from lacodec.integrations.transformers import load_model  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model as transformers saves it."""
    torch.manual_seed(1)
    config = transformers.LlamaConfig(
        hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1, vocab_size=128,
        tie_word_embeddings=True, dtype="bfloat16",
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("plain")
    transformers.LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder, max_shard_size="60KB")
    return folder


@pytest.fixture
def folder(plain: Path, tmp_path: Path) -> Path:
    """The model in shards, every file coded."""
    for path in plain.iterdir():
        weights = path.suffix == ".safetensors"
        api.encode_file(path, tmp_path / f"{path.name}.lac", "weights" if weights else "bytes", effort=1)
    assert len(list(tmp_path.glob("*.safetensors.lac"))) > 1
    return tmp_path


def test_a_model_comes_back_with_its_outputs(folder: Path, plain: Path) -> None:
    found: Any = load_model(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(plain)
    assert type(found) is type(model) and found.dtype == torch.bfloat16 and not found.training
    tokens = torch.arange(20)[None]
    with torch.no_grad():
        assert torch.equal(found(tokens).logits, model(tokens).logits)
    assert found.lm_head.weight is found.model.embed_tokens.weight


def test_models_that_lack_something(folder: Path) -> None:
    config = json.loads(api.decode(folder / "config.json.lac"))
    (folder / "config.json.lac").unlink()
    with pytest.raises(BadInput, match="config"):
        load_model(folder)
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    with pytest.raises(CorruptFile, match=r"missing_keys model\.layers\.2"):
        load_model(folder)
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 1}))
    with pytest.raises(CorruptFile, match=r"unexpected_keys model\.layers\.1"):
        load_model(folder)
    (folder / "config.json").write_text(json.dumps(config | {"architectures": ["NoSuchModel"]}))
    with pytest.raises(UnsupportedFile, match="NoSuchModel"):
        load_model(folder)
    assert load_model(folder, model_class=transformers.LlamaForCausalLM) is not None


def test_without_transformers_the_error_says_what_to_install() -> None:
    code = """
import sys
sys.modules["transformers"] = None
from lacodec.integrations.transformers import load_model
try:
    load_model("x")
except Exception as error:
    print(repr(error))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "MissingDependency" in done.stdout and "lacodec[transformers]" in done.stdout
