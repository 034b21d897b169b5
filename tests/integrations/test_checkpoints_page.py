"""docs/tutorials/checkpoints.md is true: its commands and programs run, one after the other, beside a small checkpoint."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
tokenizers = pytest.importorskip("tokenizers")

pytestmark = pytest.mark.torch


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with `checkpoint`, a model in shards with its tokenizer."""
    torch.manual_seed(1)
    config = transformers.LlamaConfig(
        hidden_size=128, intermediate_size=192, num_hidden_layers=2, num_attention_heads=2, vocab_size=64, dtype="bfloat16"
    )
    model = transformers.LlamaForCausalLM(config).to(torch.bfloat16)
    model.save_pretrained(tmp_path / "checkpoint", max_shard_size="200KB")
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel({"tokens": 0, "?": 1}, unk_token="?"))
    transformers.PreTrainedTokenizerFast(tokenizer_object=words).save_pretrained(tmp_path / "checkpoint")
    assert len(json.loads((tmp_path / "checkpoint/model.safetensors.index.json").read_text())["weight_map"]) == 21
    return tmp_path


def test_the_page(folder: Path, repository: Path) -> None:
    text = (repository / "docs/tutorials/checkpoints.md").read_text()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(repository), "HF_HUB_OFFLINE": "1"}
    for language, block in re.findall(r"^```(sh|python)\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE):
        command = ["bash", "-e", "-c", block] if language == "sh" else [sys.executable, "-c", block]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
    assert (folder / "decoded.safetensors").read_bytes() == (folder / "plain.safetensors").read_bytes()
    assert (folder / "coded.safetensors").stat().st_size < 0.9 * (folder / "plain.safetensors").stat().st_size
