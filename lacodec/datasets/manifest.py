"""The list of a coded data set, `manifest.jsonl`, and the journal of a run, from which the next run goes on.

settings                                        one JSON line each
item, item, ..., output                         an output comes after the items in it; the journal has them in any order
item, item, ..., output

The journal grows with every output; at the end it becomes the manifest, in the order of the input.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

from lacodec.datasets.place import Place
from lacodec.errors import BadInput, CorruptFile
from lacodec.io.remote import is_url

MANIFEST, JOURNAL = "manifest.jsonl", "manifest.partial.jsonl"
VERSION, WITH_DICTIONARY = 0, 1
"""With one, items may be frames, which readers of version 0 do not know."""

_SELDOM = 200  # outputs between two versions of a journal at a URL, which cannot be appended to


@dataclass(frozen=True)
class Item:
    """size, digest: bytes and xxh3-128 of the original. encoded: bytes of the `.lac` file, which begins at `offset` of the
    output. codec: None for an item that is kept as it is. identical: what decoding restores. error: why it was left out."""

    item: str
    size: int = 0
    digest: str = ""
    encoded: int = 0
    offset: int = 0
    codec: str | None = None
    identical: str = ""
    error: str = ""


@dataclass(frozen=True)
class Output:
    """A file that was written: of these inputs, [name, version] each. size, digest: of the file."""

    output: str
    inputs: tuple[tuple[str, str], ...]
    size: int
    digest: str
    items: tuple[Item, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether an item of it was left out."""
        return any(item.error for item in self.items)

    def lines(self) -> str:
        """Its part of a manifest."""
        own = {key: value for key, value in asdict(self).items() if key != "items"}
        return "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in [*map(_short, self.items), own])


class Journal:
    """Appends what is done to a file in the target; `close` leaves it there."""

    def __init__(self, place: Place, settings: Mapping[str, Any], known: Mapping[str, Output]) -> None:
        """known: outputs of earlier runs that stay."""
        self._place, self._text, self._pending = place, head(settings) + "".join(o.lines() for o in known.values()), 0
        self._file: BinaryIO | None = None
        self._save()
        if not is_url(place.root):
            self._file = open(place.path(JOURNAL), "ab")  # noqa: SIM115  (closed by close())

    def add(self, output: Output) -> None:
        """An output is complete."""
        if self._file is not None:
            self._file.write(output.lines().encode())
            self._file.flush()
            return
        self._text += output.lines()
        self._pending += 1
        if self._pending >= _SELDOM:
            self._save()

    def close(self) -> None:
        """Everything is kept."""
        if self._file is not None:
            self._file.close()
        elif self._pending:
            self._save()

    def _save(self) -> None:
        with self._place.written(JOURNAL) as file:
            file.write(self._text.encode())
        self._pending = 0


def head(settings: Mapping[str, Any]) -> str:
    """The first line of a manifest."""
    version = WITH_DICTIONARY if "dictionary" in settings else VERSION
    return json.dumps({"lacodec_dataset": version, **settings}, ensure_ascii=False) + "\n"


def read_manifest(place: Place, name: str = MANIFEST) -> tuple[dict[str, Any], dict[str, Output]]:
    """(settings, outputs by name); raises BadInput if there is no such file, CorruptFile if it is not one of ours.

    Lines after the last output, of a run that was killed, are left out.
    """
    if place.size(name) is None:
        raise BadInput(f"{place.root}: has no {name}; give a folder that lacodec encode-dataset wrote")
    lines = _lines(place.read(name))
    settings: dict[str, Any] = next(lines, {})
    if settings.pop("lacodec_dataset", None) not in (VERSION, WITH_DICTIONARY):
        raise CorruptFile(f"{place.path(name)}: is not the manifest of a data set that this lacodec can read")
    outputs: dict[str, Output] = {}
    items: list[Item] = []
    try:
        for line in lines:
            if "item" in line:
                items.append(Item(**line))
                _check_name(items[-1].item)
            else:
                inputs = tuple((str(given), str(version)) for given, version in line.pop("inputs"))
                made = Output(inputs=inputs, items=tuple(items), **line)
                for named in (made.output, *(given for given, _ in inputs)):
                    _check_name(named)
                outputs[made.output], items = made, []
    except (TypeError, ValueError, KeyError) as error:
        raise CorruptFile(f"{place.path(name)}: has a line that cannot be understood ({error})") from error
    return settings, outputs


def begun_with(place: Place) -> dict[str, Any] | None:
    """The settings of an earlier run; None if there was none."""
    for name in (MANIFEST, JOURNAL):
        if place.size(name) is not None:
            return read_manifest(place, name)[0]
    return None


def earlier(place: Place, settings: Mapping[str, Any]) -> dict[str, Output]:
    """What earlier runs with the same settings wrote; raises BadInput if the settings were others."""
    found: dict[str, Output] = {}
    for name in (MANIFEST, JOURNAL):
        if place.size(name) is None:
            continue
        then, outputs = read_manifest(place, name)
        if then != json.loads(json.dumps(settings)):
            raise BadInput(f"{place.root}: was begun with other options ({_described(then)}); repeat them, or use another folder")
        found |= outputs
    return found


def _check_name(name: str) -> None:
    """Raise ValueError for one that leads out of its folder: it becomes a path."""
    if not name or name.startswith("/") or "\0" in name or ".." in name.split("/"):
        raise ValueError(f"{name[:100]!r} is not a name in a folder")


def _described(settings: Mapping[str, Any]) -> str:
    given = {**settings, **settings.get("options", {})}
    return ", ".join(f"{key} {value}" for key, value in given.items() if key != "options" and value is not None) or "none"


def _short(item: Item) -> dict[str, Any]:
    return {key: value for key, value in asdict(item).items() if value not in ("", None)}


def _lines(data: bytes) -> Iterator[dict[str, Any]]:
    for line in data.split(b"\n"):
        try:
            found = json.loads(line)
        except ValueError:
            return  # the run was killed while it wrote this line
        if isinstance(found, dict):
            yield found
