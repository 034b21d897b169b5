"""Whether a data set gets a dictionary, and which: from a sample of its items, where that pays, or as asked.

sample --most of it--> dictionary --the rest, coded with it and as files--> does it pay?
"""

import io
from collections.abc import Mapping
from typing import Any

import xxhash

from lacodec import api
from lacodec.codecs.bytes.small.dictionary import LARGEST, Dictionary
from lacodec.datasets.dictionaries import is_short_text, packed, read_dictionary, write_dictionary
from lacodec.datasets.manifest import begun_with
from lacodec.datasets.place import Entry, Place
from lacodec.datasets.sampling import sample
from lacodec.errors import BadInput
from lacodec.io.source import BytesSource

AUTO, NONE = "auto", "none"
_EFFORT = 5  # if none is given
_SMALL = 4096  # mean bytes of items beyond which they do well as files
_LEAST, _MOST = 2 << 10, 256 << 10  # bytes of a dictionary
_PER_BYTE = 32  # bytes of items for each of the dictionary
_JUDGED = 48  # items that are coded in both ways
_FEW = 64  # items that are too few for a dictionary


def settled(
    asked: str | int,
    goal: Place,
    kind: str,
    place: Place,
    files: list[Entry],
    field: str | None,
    codec: str | None,
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """What the manifest says about the dictionary: {"dictionary": its hash, "dictionary_size": as asked}, or nothing without one.

    An earlier run's stays, as long as the data set does. Else one is made, and written to `goal`. Raises BadInput for a size that
    cannot be had.
    """
    _check(asked, kind, codec)
    wanted: dict[str, Any] = {"dictionary_size": asked} if isinstance(asked, int) else {}
    begun = begun_with(goal)
    if begun is not None:
        said: dict[str, Any] = {key: begun[key] for key in ("dictionary", "dictionary_size") if key in begun}
        if asked != AUTO and said.get("dictionary_size") != wanted.get("dictionary_size"):
            return wanted  # other options, as the manifest will say
        if "dictionary" in said:
            read_dictionary(goal, said["dictionary"])
        return said if asked != NONE else {}
    if asked == NONE or kind == "files" or codec not in (None, "bytes"):
        return {}
    found, share = sample(kind, place, files, field)
    items = [item for item in found if item and is_short_text(item, codec)]
    made = _of_size(asked, items, options) if isinstance(asked, int) else _paying(items, share, codec, options)
    if made is None:
        return {}
    write_dictionary(goal, made)
    return {"dictionary": made.digest, **wanted}


def _check(asked: str | int, kind: str, codec: str | None) -> None:
    if isinstance(asked, str):
        if asked not in (AUTO, NONE):
            raise BadInput(f"the dictionary is {asked!r}; give auto, none or a size in bytes")
        return
    if not 1024 <= asked <= LARGEST:
        raise BadInput(f"a dictionary of {asked} bytes: give 1024 to {LARGEST}")
    if kind == "files":
        raise BadInput("a dictionary is for items in shards or in a column; give the number of items in a shard")
    if codec not in (None, "bytes"):
        raise BadInput(f"codec {codec!r} takes no dictionary; leave it out, or use codec 'bytes'")


def _mixed(items: list[bytes]) -> list[bytes]:
    """Each once, in an order that only their bytes decide."""
    return sorted(set(items), key=lambda item: (xxhash.xxh3_64_intdigest(item), item))


def _of_size(size: int, items: list[bytes], options: Mapping[str, Any]) -> Dictionary:
    made = Dictionary.made(_mixed(items), size, options.get("effort", _EFFORT))
    if made is None:
        raise BadInput("there are too few short items to make a dictionary of")
    return made


def _paying(items: list[bytes], share: float, codec: str | None, options: Mapping[str, Any]) -> Dictionary | None:
    """A dictionary that makes the whole data set smaller, its own file counted; None where there is no such one."""
    size = sum(map(len, items))
    if len(items) < _FEW or size > _SMALL * len(items):
        return None
    room = int(size / max(share, 1e-9)) // _PER_BYTE
    if room < _LEAST:
        return None
    different = _mixed(items)
    judged = different[: min(_JUDGED, len(different) // 4)]
    made = Dictionary.made(different[len(judged) :], min(_MOST, room), options.get("effort", _EFFORT))
    if made is None or not judged:
        return None
    gain = sum(_as_file(item, codec, options) - len(made.encode(item)) for item in judged)
    return made if gain / len(judged) * len(items) / share > len(packed(made)) else None


def _as_file(item: bytes, codec: str | None, options: Mapping[str, Any]) -> int:
    out = io.BytesIO()
    return api.encode_file(BytesSource(item), out, codec, threads=1, verify=False, **options).encoded
