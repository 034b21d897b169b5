"""Which quality of which part of a cache to send so that all of it is there in time: several files of one cache, chunk by chunk.

    {quality: file} --sizes of chunks--> plan(bandwidth, deadline) --> a quality for each (layers, tokens) --> read

The files were coded alike but for their quality, so their chunks cover the same layers and tokens. A chunk is fetched with one
range read; after a change of the bandwidth, plan again for what is left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import lacodec
from lacodec.container import Reader
from lacodec.errors import BadInput
from lacodec.io.places import open_source
from lacodec.io.source import BytesSource

Place = tuple[tuple[int, int], tuple[int, int]]
"""(first layer, one after the last), (first token, one after the last)"""


@dataclass(frozen=True)
class Choice:
    """A part of a cache, the quality it is read in, and its bytes."""

    place: Place
    quality: float
    size: int


@dataclass(frozen=True)
class Plan:
    """Choices in the order of the files. seconds: until the last one is there; above the deadline if none is quick enough."""

    choices: tuple[Choice, ...]
    seconds: float
    files: Mapping[float, Any]

    def read(self, basis: Any = None) -> list[Any]:
        """For each choice (place, (keys, values) of each layer in it), numpy arrays as `lacodec.kv.decode` gives them."""
        found = []
        for choice in self.choices:
            (first, last), (start, stop) = choice.place
            with lacodec.open(self.files[choice.quality], base=basis) as opened:
                found.append((choice.place, opened[first:last, start:stop]))
        return found


def plan(files: Mapping[float, Any], bandwidth: float, deadline: float, after: int = 0) -> Plan:
    """The best qualities with which all chunks arrive within `deadline` seconds at `bandwidth` bytes a second.

    files: quality -> path, URL or bytes of one cache coded with it. after: chunks that are there already. All chunks get the best
    quality that fits; with the bytes that are left, the next better one from the first chunk on: first tokens and first layers
    matter for all that follow. Raises BadInput for files that were cut in different ways.
    """
    if not files or not bandwidth > 0 or not deadline > 0:
        raise BadInput("give files of at least one quality, a bandwidth in bytes per second and a deadline in seconds above 0")
    qualities = sorted(files)
    chunks = {quality: _chunks(files[quality])[after:] for quality in qualities}
    places = [place for place, _ in chunks[qualities[0]]]
    if any([place for place, _ in chunks[quality]] != places for quality in qualities):
        raise BadInput("the files have different layers, tokens or chunks; encode one cache with the same --tokens")
    sizes = [[size for _, size in chunks[quality]] for quality in qualities]
    chosen = _choose(sizes, int(bandwidth * deadline))
    choices = tuple(
        Choice(place, qualities[level], sizes[level][i]) for i, (place, level) in enumerate(zip(places, chosen, strict=True))
    )
    return Plan(choices, sum(choice.size for choice in choices) / bandwidth, files)


def _choose(sizes: Sequence[Sequence[int]], budget: int) -> list[int]:
    """The level of each chunk; sizes: of the chunks at each level, from the lowest on."""
    fitting = [level for level, own in enumerate(sizes) if sum(own) <= budget]
    base = fitting[-1] if fitting else 0
    chosen, left = [base] * len(sizes[0]), budget - sum(sizes[base])
    for i in range(len(chosen) if base + 1 < len(sizes) else 0):
        more = sizes[base + 1][i] - sizes[base][i]
        if more <= left:
            chosen[i], left = base + 1, left - more
    return chosen


def _chunks(file: Any) -> list[tuple[Place, int]]:
    """(place, bytes) of each chunk."""
    with BytesSource(file) if isinstance(file, bytes | bytearray | memoryview) else open_source(file) as source:
        reader = Reader(source)
        if reader.header.codec not in ("kv", "kv.lossy"):
            raise BadInput(f"{source.name}: holds no KV cache")
        return [(cast(Place, head.covers), head.payload_size) for head in reader.index]
