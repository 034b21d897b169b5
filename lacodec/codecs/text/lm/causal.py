"""Models of transformers for codec `text.lm`: files in, and blocks through the text model with them beside it."""

import json
import os
import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lacodec.codecs import model_files
from lacodec.codecs.text.lm import kernel
from lacodec.codecs.text.lm.start import joined
from lacodec.entropy.mixing import POSITION
from lacodec.entropy.mixing_state import ONE
from lacodec.errors import BadInput, LacodecError, MissingDependency, MissingModel
from lacodec.io.progress import Report
from lacodec.models.text.causal.loading import in_a_line, load

if TYPE_CHECKING:
    from lacodec.models.text.causal.language import CausalLanguage

_GGUF = b"GGUF"
_WEIGHTS = (6 * ONE // 10, 3 * ONE // 10, 0)  # at the start, of what the model says
_OTHERS = 4  # sixteenths that are left of other inputs' weights
_lock = threading.Lock()
_named: dict[bytes, str] = {}  # by id, where models came from


def is_causal(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a checkpoint's folder or a GGUF file, not a model file of ours."""
    try:
        if os.path.isdir(path):
            return os.path.isfile(os.path.join(path, "config.json"))
        with open(path, "rb") as file:
            return file.read(len(_GGUF)) == _GGUF
    except OSError:
        return False


def by_path(path: str | os.PathLike[str]) -> "CausalLanguage":
    """The model in a folder or a GGUF file; raises BadInput where transformers cannot load it, MissingDependency without that."""
    with _lock:
        loaded = _load(os.path.abspath(path), _state_of(path))
        _named[loaded.id] = os.path.abspath(path)
        return loaded


def by_id(beginning: bytes) -> "CausalLanguage":
    """The model whose id begins so: one that this process has loaded, or one that LACODEC_MODELS names; raises MissingModel."""
    users = os.environ.get(model_files.VARIABLE, "").split(os.pathsep)
    known = [path for id, path in _named.items() if id.startswith(beginning)]
    for path in [*known, *[path for path in users if path and is_causal(path)]]:
        try:
            loaded = by_path(path)
        except MissingDependency:
            raise
        except LacodecError:
            continue  # other models may be there, too
        if loaded.id.startswith(beginning):
            return loaded
    raise MissingModel(
        f"needs the transformers model {beginning.hex()}... (hash of weights and pieces), which is not at hand; "
        f"set {model_files.VARIABLE} to its folder or GGUF file"
    )


def size_of(path: str | os.PathLike[str]) -> int:
    """Bytes of the weights' files."""
    if not os.path.isdir(path):
        return os.path.getsize(path)
    return sum(one.stat().st_size for one in Path(path).iterdir() if one.suffix in (".safetensors", ".bin", ".gguf"))


def run_causal(
    language: "CausalLanguage", primer: int, data: np.ndarray, begin: int, stream: np.ndarray, on_work: Report, *, decoding: bool
) -> int:
    """Code data[begin:], in place when decoding, after the primer data[:begin]; returns the position in the stream."""
    from lacodec.models.text.causal.language import computing
    from lacodec.models.text.causal.predictor import Predictor

    coder, model = joined(primer, data.size - begin, stream, _WEIGHTS, _OTHERS, decoding=decoding)
    with computing():
        predictor = Predictor(language)
        coder = coder._replace(language=predictor.tree)
        for at in range(begin, data.size):
            symbol = kernel.code_byte(coder, model, data, at, at == begin, at == data.size - 1)
            if symbol < 0:
                break
            on_work(1)
            if at < data.size - 1:
                predictor.take(int(symbol))
    return int(coder.registers[POSITION])


def _state_of(path: str | os.PathLike[str]) -> tuple[Any, ...]:
    """Changes when the files change."""
    files = sorted(Path(path).iterdir()) if os.path.isdir(path) else [Path(path)]
    try:
        return tuple((one.name, stat.st_mtime_ns, stat.st_size) for one in files for stat in [one.stat()])
    except OSError as error:
        raise BadInput(f"{os.fspath(path)}: cannot be read ({error.strerror})") from error


@lru_cache(maxsize=2)
def _load(path: str, state: tuple[Any, ...]) -> "CausalLanguage":
    tokenizer, network = load(path)
    from lacodec.models.text.causal.language import causal_language
    from lacodec.models.text.causal.vocabulary import vocabulary

    try:
        written = json.loads(tokenizer.backend_tokenizer.to_str())
        tokens = int(network.get_output_embeddings().weight.shape[0])
    except Exception as error:  # tokenizers and networks of other kinds
        raise BadInput(f"{path}: not a causal language model with a fast tokenizer ({in_a_line(error)})") from error
    first = next((n for n in (tokenizer.bos_token_id, tokenizer.eos_token_id) if n is not None and n < tokens), 0)
    try:
        return causal_language(network, vocabulary(written, tokens), first)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error
    except Exception as error:  # and so do its networks, where they have another idea of a cache
        raise BadInput(
            f"{path}: a {type(network).__name__} cannot read one token after the other ({in_a_line(error)})"
        ) from error
