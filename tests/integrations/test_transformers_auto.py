"""`from_pretrained` of transformers on coded checkpoints; programs that know nothing of lacodec fail loudly."""

from pathlib import Path

import pytest

from lacodec.errors import BadInput, LacodecError

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
from transformers.quantizers import auto  # noqa: E402

from lacodec.integrations.transformers import load_model  # noqa: E402
from lacodec.integrations.transformers_auto import METHOD, code_checkpoint  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module", params=["one file", "shards"])
def folders(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A model as transformers saves it, and coded."""
    torch.manual_seed(1)
    config = transformers.LlamaConfig(
        hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1, vocab_size=128,
        dtype="bfloat16",
    )  # fmt: skip
    plain, coded = tmp_path_factory.mktemp("plain"), tmp_path_factory.mktemp("coded") / "model"
    model = transformers.LlamaForCausalLM(config).to(torch.bfloat16)
    model.save_pretrained(plain, max_shard_size="60KB" if request.param == "shards" else "5GB")
    code_checkpoint(plain, coded, effort=1)
    return plain, coded


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def test_from_pretrained(folders: tuple[Path, Path]) -> None:
    plain, coded = folders
    assert size(coded) < 0.9 * size(plain)
    expected = transformers.AutoModelForCausalLM.from_pretrained(plain)
    tokens = torch.arange(20)[None]
    for found in (transformers.AutoModelForCausalLM.from_pretrained(coded), load_model(coded)):
        assert found.state_dict().keys() == expected.state_dict().keys()
        assert all(torch.equal(found.state_dict()[name], tensor) for name, tensor in expected.state_dict().items())
        assert found.dtype == torch.bfloat16
        with torch.no_grad():
            assert torch.equal(found(tokens).logits, expected(tokens).logits)
    wide = transformers.AutoModelForCausalLM.from_pretrained(coded, dtype=torch.float32)
    assert wide.dtype == torch.float32 and torch.equal(wide.lm_head.weight, expected.lm_head.weight.float())
    again = coded.parent / "again"
    found.save_pretrained(again)
    assert "lacodec" not in (again / "config.json").read_text()


def test_without_lacodec_loading_fails_and_says_why(folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    safetensors = pytest.importorskip("safetensors.torch")
    _, coded = folders
    for stub in coded.glob("*.safetensors"):
        with pytest.raises(Exception, match=r"lacodec\.integrations\.transformers_auto"):
            safetensors.load_file(stub)
    monkeypatch.delitem(auto.AUTO_QUANTIZER_MAPPING, METHOD)
    monkeypatch.delitem(auto.AUTO_QUANTIZATION_CONFIG_MAPPING, METHOD)
    with pytest.raises(Exception, match=r"lacodec\.integrations\.transformers_auto"):
        transformers.AutoModelForCausalLM.from_pretrained(coded)


def test_what_cannot_be_coded_or_loaded(folders: tuple[Path, Path], tmp_path: Path) -> None:
    plain, coded = folders
    with pytest.raises(BadInput, match="exists"):
        code_checkpoint(plain, tmp_path)
    with pytest.raises(BadInput, match="quantised"):
        code_checkpoint(coded, tmp_path / "x")
    with pytest.raises(BadInput, match=r"config\.json"):
        code_checkpoint(tmp_path, tmp_path / "x")
    first = sorted(coded.glob("*.lac"))[0]
    data = first.read_bytes()
    for wrong in (data[:-20], None):
        first.write_bytes(wrong) if wrong else first.unlink()
        with pytest.raises(LacodecError):
            transformers.AutoModelForCausalLM.from_pretrained(coded)
    first.write_bytes(data)
