"""Golden files: small inputs, encoded by every stream version, that every later version must decode to the same content.

    python -m tools.golden [MODULE ...]    adds the missing files of the current versions; never touches a file that exists

`tests/golden/v<stream version>/<codec>-<setting>-<input>.lac`; behind the version stand those of nested payloads beyond 1, as in
`v1-bytes2`. The inputs are made by the modules of this package, one for each
codec, and stay out of the tree, but for the JPEG files in `tests/golden/jpeg`. Each module has CODEC, WANTED (pairs of setting
and input), `content(input)`, `make(setting, input)`, `restored(path)`, which is compared with the content, and `exact(setting,
input)`: whether the encoder writes the same bytes on every machine; and VERSION where such inputs need another stream version
than most of their codec do.
"""

import importlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "golden"
MODULES = (
    "bytes",
    "text",
    "textlm",
    "image",
    "jpeg",
    "audio",
    "sound",
    "weights",
    "gguf",
    "filters",
    "quantised",
    "arrays",
    "points",
    "kv",
    "kvlossy",
    "vectors",
    "features",
    "video",
    "logcolumns",
    "loglines",
    "learned",
    "videolearned",
    "field",
    "pictures",
    "walloc",
    "wallocsound",
    "vq",
    "tokens",
)


def maker_of(name: str) -> ModuleType:
    """The module of a file whose name begins so."""
    return importlib.import_module(f"tools.golden.{name}")


def files() -> Iterator[tuple[int, Path]]:
    """(stream version, path) of all files."""
    for path in sorted(FOLDER.glob("v*/*.lac")):
        yield int(path.parent.name[1:].partition("-")[0]), path


def folder_of(maker: ModuleType) -> Path:
    """Where the files are that this version writes."""
    from lacodec.codecs import registry

    codec = registry.get(maker.CODEC)
    nested = "".join(f"-{name}{version}" for name, version in sorted(codec.nested.items()) if version > 1)
    return FOLDER / f"v{getattr(maker, 'VERSION', codec.stream_version)}{nested}"


def write_missing(modules: Sequence[str] = MODULES) -> None:
    """Write the missing files of some modules; report how the others compare with the current output."""
    for name in modules:
        maker = maker_of(name)
        folder = folder_of(maker)
        folder.mkdir(parents=True, exist_ok=True)
        for setting, content in maker.WANTED:
            path = folder / f"{name}-{setting}-{content}.lac"
            made = maker.make(setting, content)
            if path.exists():
                same = path.read_bytes() == made
                print(f"{path.name}: left alone, {'as this version writes it' if same else 'THIS VERSION WRITES OTHER BYTES'}")
            else:
                path.write_bytes(made)
                print(f"{path.name}: made, {path.stat().st_size} bytes")
