"""transformers models out of folders whose files lacodec has coded."""

import os
import tempfile
from pathlib import Path
from typing import Any

from lacodec.errors import CorruptFile, MissingDependency, UnsupportedFile
from lacodec.integrations.torch.folders import CODED, MAX_SMALL, find, load_folder, read_small


def load_model(
    folder: str | os.PathLike[str],
    *,
    model_class: Any = None,
    device: Any = "cpu",
    threads: int | None = None,
    base: Any = None,
    **options: Any,
) -> Any:
    """The model in a checkpoint's folder, with every weight from there; its files may be coded (`.lac`) or plain.

    model_class: a class of transformers; by default the first in the configuration's `architectures`. base: what the weights were
    stored as differences to: a folder, a file, or several. `options` go to the class's `from_pretrained` (dtype,
    attn_implementation ...). Raises MissingDependency; CorruptFile when a weight is missing, left over or of another shape; and
    what `load_folder` raises.
    """
    transformers = _require_transformers()
    folder = Path(folder)
    find(folder, "config.json")
    with small_files(folder, (".json",)) as plain:
        config = transformers.AutoConfig.from_pretrained(plain)
    model_class = model_class or _class_of(transformers, config, folder)
    state = load_folder(folder, threads=threads, base=base)
    model, report = model_class.from_pretrained(None, config=config, state_dict=state, output_loading_info=True, **options)
    wrong = {kind: sorted(map(str, names)) for kind, names in report.items() if names}
    if wrong:
        raise CorruptFile(
            f"{folder}: its weights are not those of {model_class.__name__}: "
            + "; ".join(f"{kind} {', '.join(names[:3])}{' ...' if len(names) > 3 else ''}" for kind, names in wrong.items())
        )
    return model.to(device)


def load_tokenizer(folder: str | os.PathLike[str], **options: Any) -> Any:
    """The tokenizer in a checkpoint's folder, whose files may be coded; `options` go to AutoTokenizer.from_pretrained."""
    transformers = _require_transformers()
    with small_files(Path(folder), (".json", ".txt", ".model", ".jinja")) as plain:
        return transformers.AutoTokenizer.from_pretrained(plain, **options)


def small_files(folder: Path, suffixes: tuple[str, ...]) -> "tempfile.TemporaryDirectory[str]":
    """A temporary folder with the plain form of a folder's small files with these suffixes; a context manager."""
    names = {path.name.removesuffix(CODED) for path in folder.iterdir() if path.is_file() and path.stat().st_size <= MAX_SMALL}
    made = tempfile.TemporaryDirectory()
    try:
        for name in sorted(names):
            if name.endswith(suffixes):
                (Path(made.name) / name).write_bytes(read_small(folder, name))
    except BaseException:
        made.cleanup()
        raise
    return made


def _class_of(transformers: Any, config: Any, folder: Path) -> Any:
    for name in config.architectures or ():
        found = getattr(transformers, name, None)
        if found is not None:
            return found
    raise UnsupportedFile(f"{folder}: this transformers has none of its architectures {config.architectures}; pass model_class")


def _require_transformers() -> Any:
    try:
        import transformers
    except ImportError as error:
        raise MissingDependency(f"loading models needs transformers ({error}); install lacodec[transformers]") from error
    return transformers
