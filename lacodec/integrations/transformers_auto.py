"""Coded checkpoints for `from_pretrained` of transformers itself, as a quantisation method that loses nothing.

code_checkpoint("checkpoint", "coded")                       config.json names the method; model.safetensors.lac has the weights
import lacodec.integrations.transformers_auto                once in a program that loads
AutoModelForCausalLM.from_pretrained("coded")                the plain model, bit for bit
AutoModelForCausalLM.from_pretrained("someone/coded")        ... from a hub, to which the folder "coded" was uploaded

In place of model.safetensors lies a stub that no reader of safetensors accepts, so programs without this module fail and name it.
"""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from transformers.quantizers import HfQuantizer
from transformers.quantizers.auto import register_quantization_config, register_quantizer
from transformers.utils.quantization_config import QuantizationConfigMixin

from lacodec import api
from lacodec.errors import BadInput
from lacodec.integrations.torch.folders import CODED

METHOD = "lacodec"
_WEIGHTS = ".safetensors"
_REFUSAL = "coded by lacodec: import lacodec.integrations.transformers_auto before loading"


def code_checkpoint(source: Any, target: Any, *, threads: int | None = None, **options: Any) -> None:
    """Write the checkpoint in the folder `source` to the new folder `target` with coded .safetensors files, for from_pretrained.

    options: of codec `weights`, such as effort=9. Every coded file is decoded and compared. Raises BadInput if there are no such
    files, if the model is quantised by another method, or if the target exists.
    """
    source, target = Path(source), Path(target)
    if not (source / "config.json").is_file() or not any(source.glob(f"*{_WEIGHTS}")):
        raise BadInput(f"{source}: has no config.json with {_WEIGHTS} files; name the folder of a checkpoint")
    if target.exists():
        raise BadInput(f"{target}: already exists; name a new folder")
    config = json.loads((source / "config.json").read_text())
    if "quantization_config" in config:
        raise BadInput(f"{source}: the model is quantised, and transformers knows one method for a model; use lacodec encode")
    target.mkdir(parents=True)
    try:
        for path in sorted(source.iterdir()):
            if path.name.endswith(_WEIGHTS):
                api.encode_file(path, target / f"{path.name}{CODED}", "weights", threads=threads, **options)
                (target / path.name).write_bytes(_stub())
            elif path.name == "config.json":
                config["quantization_config"] = {"quant_method": METHOD}
                (target / path.name).write_text(json.dumps(config, indent=2) + "\n")
            elif path.is_file():
                shutil.copy2(path, target / path.name)
    except BaseException:
        shutil.rmtree(target)
        raise


def _stub() -> bytes:
    """A file of safetensors with a type that does not exist, so that the message of every reader repeats it."""
    head = json.dumps({"weights": {"dtype": _REFUSAL, "shape": [0], "data_offsets": [0, 0]}}).encode()
    return len(head).to_bytes(8, "little") + head


def _fetched(path: Path) -> Path:
    """The same file out of the hub whose cache `path` lies in: transformers fetches only the files that it knows the names of.

    cache / models--someone--model / snapshots / revision / path of the file
    """
    if "snapshots" not in path.parts:
        raise BadInput(f"{path}: is missing; fetch it, or the whole checkpoint")
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    at = len(path.parts) - 1 - path.parts[::-1].index("snapshots")
    repository = path.parts[at - 1].removeprefix("models--").replace("--", "/")
    name, cache = "/".join(path.parts[at + 2 :]), Path(*path.parts[: at - 1])
    try:
        return Path(hf_hub_download(repository, name, revision=path.parts[at + 1], cache_dir=cache))
    except EntryNotFoundError as error:
        raise BadInput(f"{repository}: {name} is missing, or cannot be reached; upload the whole coded folder") from error


@register_quantization_config(METHOD)
class LacodecConfig(QuantizationConfigMixin):
    """What `config.json` says of a coded checkpoint."""

    def __init__(self, **_: Any) -> None:
        self.quant_method = METHOD


@register_quantizer(METHOD)
class LacodecQuantizer(HfQuantizer):
    """Restores the coded files into a temporary folder before transformers reads them; the model is a plain one afterwards."""

    requires_calibration = False

    def _process_model_before_weight_loading(self, model: Any, checkpoint_files: Any = None, **_: Any) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="lacodec-")
        for i, name in enumerate(checkpoint_files or ()):
            coded = Path(f"{name}{CODED}")
            if not coded.is_file():
                coded = _fetched(coded)
            plain = Path(self._folder.name, f"{i}{_WEIGHTS}")
            api.decode_file(coded, plain)
            checkpoint_files[i] = str(plain)

    def _process_model_after_weight_loading(self, model: Any, **_: Any) -> Any:
        self._folder.cleanup()
        self.remove_quantization_config(model)
        return model

    def get_new_dtype(self, converter: Any, param: Any, dtype: Any) -> Any:
        """As without a quantiser."""
        return dtype

    def is_serializable(self) -> bool:
        """The model is a plain one."""
        return True

    @property
    def is_trainable(self) -> bool:
        """The model is a plain one."""
        return True
