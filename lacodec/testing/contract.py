"""Holds a codec to its contract."""

import dataclasses
import pickle
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import lacodec
from lacodec.api import Coder
from lacodec.codecs import registry
from lacodec.codecs.base import Codec
from lacodec.codecs.regions import Layout
from lacodec.container import Reader
from lacodec.container.types import IDENTICAL, MAX_DECODED, MAX_HEADER
from lacodec.io.source import BytesSource
from lacodec.testing.compare import about, alike, as_array, expect, short
from lacodec.testing.hostile import CHUNK_COST, Hostile


def check_codec(
    codec: str | type[Codec[Any]] | Coder,
    values: Mapping[str, Any] | Sequence[Any],
    *,
    same: Callable[[Any, Any], bool] | None = None,
    seed: int = 1,
    **options: Any,
) -> None:
    """Test a codec with these options against the contract; AssertionError names the broken rule and the value.

    `values` are inputs of `lacodec.encode`, by name or as a list; include the empty and the smallest ones. Each is encoded with
    one and two threads to the same bytes; decoded, in memory and as a file; read in part, if the codec has a `layout`; damaged,
    cut off and forged, which must raise only LacodecErrors, in bounded time and memory; and salvaged.
    A class is registered first. same: compares the value with the decoded one, for lossy codecs and for objects that have no
    equality; by default nothing may change.
    """
    if isinstance(codec, type):
        registry.register(codec)
        codec = codec.name
    coder = codec if isinstance(codec, Coder) else lacodec.codec(codec, **options)
    made = registry.get(coder.name)(registry.get(coder.name).Options(**coder.options))
    _check_class(made, coder)
    named = values if isinstance(values, Mapping) else {f"value {i}": value for i, value in enumerate(values)}
    for name, value in named.items():
        with about(f"codec {coder.name!r}, {name}"):
            encoded, seconds = _check_round_trip(made, coder, value, same)
            _check_file(made, coder, value, encoded)
            _check_middle(encoded, lacodec.decode(encoded))
            Hostile(made, encoded, seconds, random.Random(seed)).check()


def _check_class(made: Codec[Any], coder: Coder) -> None:
    with about(f"codec {made.name!r}"):
        expect(isinstance(made.stream_version, int) and made.stream_version >= 0, "stream_version must be a whole number from 0")
        expect(
            {made.identical, *made.also_identical} <= set(IDENTICAL),
            f"identical and also_identical must be among {', '.join(IDENTICAL)}",
        )
        expect(registry.get(made.name) is type(made), "the registry finds another class under its name")
        expect(dataclasses.is_dataclass(made.Options), "Options must be a frozen dataclass")
        for field in dataclasses.fields(made.Options):
            expect(
                "help" in field.metadata,
                f"option {field.name!r} has no metadata {{'help': ...}}, which the command needs for its flag",
            )
        for one in (made, coder, made.options):
            again = pickle.loads(pickle.dumps(one))
            expect(again == one and hash(again) == hash(one), f"{one!r} changes when it is pickled")
        expect(_is_frozen(made), "a codec must be frozen: options belong in Options, all else in a Session")
        for value in made.samples():
            expect(bool(lacodec.encode(value, made.name, **made.sample_options)), "its samples() cannot be encoded")


def _is_frozen(made: Codec[Any]) -> bool:
    try:
        made.check_codec_was_here = 1
    except AttributeError:
        return True
    return False


def _check_round_trip(made: Codec[Any], coder: Coder, value: Any, same: Callable[[Any, Any], bool] | None) -> tuple[bytes, float]:
    """The encoded value, and the seconds that decoding it took."""
    encoded = coder.encode(value, threads=1, verify=True)
    expect(coder.encode(value, threads=1) == encoded, "encoding it again gives other bytes")
    expect(coder.encode(value, threads=2) == encoded, "two threads write different bytes from one thread")
    started = time.perf_counter()
    found = coder.decode(encoded, threads=1)
    seconds = time.perf_counter() - started
    expect(alike(found, coder.decode(encoded, threads=2)), "two threads decode something else than one thread")
    if same is not None:
        expect(same(value, found), "the decoded value is not the same")
    elif made.identical != "none":
        expected = made.media.to_object(made.media.from_object(value))
        expect(alike(found, expected), f"decodes to {short(found)}, not to {short(expected)}")
        if type(found) is type(value):
            expect(
                alike(found, value),
                f"{made.media.name} makes {short(found)} of {short(value)}: refuse values that are not kept exactly",
            )
    reader = Reader(BytesSource(encoded))
    expect(len(reader.header_bytes) <= MAX_HEADER, "the header is too large")
    expect(reader.header.identical == made.restores(made.media.from_object(value)), "the header has another value of identical")
    made.describe(reader.header, reader.index)
    for head in reader.index:
        expect(head.decoded_size <= MAX_DECODED, f"{head.describe()} is larger than {MAX_DECODED} bytes")
    return encoded, seconds


def _check_file(made: Codec[Any], coder: Coder, value: Any, encoded: bytes) -> None:
    """From file to file, and how large the result may be: the size of the file, 0.1 % more, and its description."""
    content = b"".join(made.media.to_blocks(made.media.from_object(value)))
    suffix = next(iter(made.media.suffixes), ".bin")
    with tempfile.TemporaryDirectory() as folder:
        source, middle, target = Path(folder, f"in{suffix}"), Path(folder, "x.lac"), Path(folder, f"out{suffix}")
        source.write_bytes(content)
        done = lacodec.encode_file(source, middle, coder.name, **coder.options)
        expect(lacodec.check(middle).ok and lacodec.info(middle).codec == coder.name, "its file is not valid")
        lacodec.decode_file(middle, target)
        restored = target.read_bytes()
    if done.identical == "bytes":
        expect(restored == content, "its file is not restored byte for byte")
    if made.identical != "none":
        reader = Reader(BytesSource(encoded))
        most = len(content) + 64 + len(content) // 1000 + len(reader.header_bytes) + CHUNK_COST * max(0, len(reader.index) - 1)
        expect(done.encoded <= most, f"a file of {len(content)} bytes becomes {done.encoded} bytes; at most {most} are allowed")


def _check_middle(encoded: bytes, whole: Any) -> None:
    with lacodec.open(encoded) as opened:
        layout: Layout | None = opened._layout
        if layout is None:
            return
        for name, one in (layout.names or {"": layout}).items():
            by_name = bool(layout.names) and (layout.sole is None or len(layout.names or ()) > 1)
            expected = as_array(whole[name] if by_name else whole)
            expect(expected.shape == one.shape, f"layout gives shape {list(one.shape)}, but the value has {list(expected.shape)}")
            for key in _keys(one.shape):
                found = as_array(opened[(name, *key)] if name else opened[key])
                expect(
                    found.shape == expected[key].shape and found.tobytes() == expected[key].tobytes(),
                    f"opened[{', '.join(map(str, key))}] is not that part of the whole",
                )


def _keys(shape: tuple[int, ...]) -> Iterator[tuple[Any, ...]]:
    if shape:
        n = shape[0]
        yield from ((slice(None),), (slice(n // 3, n // 2 + 1),), (slice(n, n + 5),), (slice(None, None, 3),), (slice(-2, None),))
        if n:
            yield (slice(n - 1, None, -2),)
    if len(shape) > 1:
        yield (slice(0, shape[0] // 2 + 1), slice(shape[1] // 3, None))
