"""`from_pretrained` of transformers on coded checkpoints; programs that know nothing of lacodec fail loudly."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import MappingProxyType

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


_COMMIT = "1f" * 20


@contextmanager
def hub(folder: Path) -> Iterator[str]:
    """A server that answers as a hub does about the files of one model."""

    class Answer(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.do_GET(body=False)

        def do_GET(self, body: bool = True) -> None:
            if self.path.startswith("/api/"):
                found = [{"type": "file", "path": path.name, "size": path.stat().st_size, "oid": ""} for path in folder.iterdir()]
                facts = {"id": "someone/coded", "sha": _COMMIT, "siblings": [{"rfilename": file["path"]} for file in found]}
                self._send(200, json.dumps(found if "/tree/" in self.path else facts).encode(), body)
                return
            path = folder / self.path.rpartition("/")[2]
            if path.is_file():
                self._send(200, path.read_bytes(), body)
            else:
                self._send(404, b"", body, {"X-Error-Code": "EntryNotFound"})

        def _send(self, status: int, data: bytes, body: bool, more: Mapping[str, str] = MappingProxyType({})) -> None:
            self.send_response(status)
            tag = f'"{hashlib.sha256(data).hexdigest()}"'
            for name, value in {"X-Repo-Commit": _COMMIT, "ETag": tag, "Content-Length": str(len(data)), **more}.items():
                self.send_header(name, value)
            self.end_headers()
            if body:
                self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


_LOAD = """
import sys
from transformers import AutoModelForCausalLM
import lacodec.integrations.transformers_auto
AutoModelForCausalLM.from_pretrained("someone/coded").save_pretrained(sys.argv[1])
"""


def test_from_a_hub(folders: tuple[Path, Path], tmp_path: Path) -> None:
    plain, coded = folders
    with hub(coded) as url:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "TRANSFORMERS_"))}
        environment = {**kept, "HF_ENDPOINT": url, "HF_HOME": str(tmp_path / "home"), "NO_PROXY": "127.0.0.1"}
        command = [sys.executable, "-c", _LOAD, str(tmp_path / "again")]
        first = sorted(coded.glob("*.lac"))[0]
        data = first.read_bytes()
        first.unlink()
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode and f"{first.name} is missing" in done.stderr
        first.write_bytes(data)
        subprocess.run(command, env=environment, check=True, capture_output=True)
        again = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "again").state_dict()
    expected = transformers.AutoModelForCausalLM.from_pretrained(plain).state_dict()
    assert all(torch.equal(again[name], tensor) for name, tensor in expected.items())
