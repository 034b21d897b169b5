"""Causal models of transformers from a folder or a GGUF file, with their tokenizers."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from typing import Any

from lacodec.errors import BadInput, MissingDependency


def load(path: str | os.PathLike[str]) -> tuple[Any, Any]:
    """(tokenizer, network in bfloat16); raises BadInput where transformers cannot load them, MissingDependency without that."""
    path = os.path.abspath(path)
    try:
        import torch
        import transformers
    except ImportError as error:
        raise MissingDependency(
            f"{path}: models of transformers need torch and transformers; install them with: pip install 'lacodec[lm]'"
        ) from error
    folder, options = (path, {}) if os.path.isdir(path) else (os.path.dirname(path), {"gguf_file": os.path.basename(path)})
    try:
        with _quiet(transformers):
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True, **options)
            network = transformers.AutoModelForCausalLM.from_pretrained(
                folder, dtype=torch.bfloat16, local_files_only=True, **options
            )
    except ImportError as error:
        raise MissingDependency(f"{path}: {in_a_line(error)}; pip install 'lacodec[lm]' brings what GGUF files need") from error
    except Exception as error:  # transformers raises anything
        raise BadInput(
            f"{path}: transformers cannot load a causal language model and its tokenizer from it ({in_a_line(error)})"
        ) from error
    return tokenizer, network


def in_a_line(error: Exception) -> str:
    """What an error says, or its type."""
    return " ".join(str(error).split())[:200] or type(error).__name__


@contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """Without the bars and remarks of transformers."""
    log = transformers.utils.logging
    level, bars = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        with redirect_stderr(io.StringIO()):  # GGUF files have a bar that no setting turns off
            yield
    finally:
        log.set_verbosity(level)
        if bars:
            log.enable_progress_bar()
