"""For authors of codecs: `check_codec` tests a codec against its contract; sample inputs to test it with.

from lacodec.testing import check_codec, photo
check_codec(MyCodec, {"a photo": photo(40, 60), "one pixel": photo(1, 1)}, effort=3)
"""

import dataclasses
import io
import pickle
import random
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import lacodec
from lacodec.api import Coder
from lacodec.codecs import registry
from lacodec.codecs.base import Codec
from lacodec.codecs.regions import Layout
from lacodec.container import CRITICAL, Chunk, Header, Reader, content_hash, write_container
from lacodec.container.types import IDENTICAL, MAX_DECODED, MAX_HEADER
from lacodec.errors import CorruptFile, LacodecError
from lacodec.io.source import BytesSource, IteratorSource, Source

__all__ = ["check_codec", "photo", "pictures", "texts", "tone", "wav_file"]

_FLIPS = 30  # damaged copies of each file, of every sort
_SECONDS = 5.0  # allowed for a damaged file, in addition to twenty times the time of the sound one
_CHUNK_COST = 160  # bytes that the container takes for each chunk
_CLAIM = 8 << 20  # extra bytes that a forged chunk claims
_SECONDS_PER_BYTE = 1e-6  # allowed for the claimed size of a chunk
_SLACK = 16 << 20  # bytes of memory allowed beyond the codec's `memory`

_FORGERIES: tuple[Any, ...] = (None, -1, 1 << 62, "", b"\xff" * 40, [], [1 << 40] * 3, {"a": []}, float("nan"))


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
        with _about(f"codec {coder.name!r}, {name}"):
            encoded, seconds = _check_round_trip(made, coder, value, same)
            _check_file(made, coder, value, encoded)
            _check_middle(encoded, lacodec.decode(encoded))
            hostile = _Hostile(made, encoded, seconds, random.Random(seed))
            hostile.check_damage()
            hostile.check_forged()
            hostile.check_salvage()


def photo(height: int, width: int, channels: int = 3, top: int = 255, seed: int = 1) -> np.ndarray:
    """uint8 or, for a `top` above 255, uint16[height, width, channels]: a smooth picture with edges and noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / 9.0
    base = np.sin(y)[:, :, None] + np.cos(x * 0.7)[:, :, None] + (x > y)[:, :, None] + np.arange(channels) * 0.1
    noisy = (base + 2) / 5.5 + rng.normal(0, 0.01, (height, width, channels))
    return np.clip(noisy * top, 0, top).astype(np.uint16 if top > 255 else np.uint8)


def pictures() -> dict[str, np.ndarray]:
    """uint8 or uint16[height, width, channels] of many sorts, small, by name."""
    rng = np.random.default_rng(5)
    drawn = np.repeat(np.repeat(rng.integers(0, 255, (6, 8, 3)), 7, 0), 5, 1).astype(np.uint8)
    return {
        "one pixel": np.array([[[7, 8, 9]]], np.uint8),
        "one row": photo(1, 70),
        "one column": photo(70, 1),
        "gray": photo(30, 41, 1),
        "gray and alpha": photo(20, 21, 2),
        "colour": photo(40, 33),
        "colour and alpha": photo(18, 50, 4),
        "flat alpha": np.concatenate([photo(18, 50), np.full((18, 50, 1), 255, np.uint8)], 2),
        "constant": np.full((30, 30, 3), 200, np.uint8),
        "noise": rng.integers(0, 256, (24, 25, 3), dtype=np.uint8),
        "noise of 16 bits": rng.integers(0, 65536, (24, 25, 3), dtype=np.uint16),
        "16 bits": photo(31, 30, 3, 65535),
        "few levels in 16 bits": photo(31, 30, 1, 900),
        "16 bits made of 8": photo(80, 90).astype(np.uint16) * 257,
        "stretched": (photo(90, 80, 3, 140) + 3) // 2 * 3,
        "16-bit gray and alpha": photo(15, 16, 2, 65535),
        "drawn": drawn,
        "extremes": (rng.integers(0, 2, (20, 20, 3)) * 255).astype(np.uint8),
        "wide": photo(2, 3000, 1),
    }


def tone(frames: int, channels: int, peak: float, seed: int = 1) -> np.ndarray:
    """float64[frames, channels]: three partials that fade, noise, and channels that resemble each other."""
    rng = np.random.default_rng(seed)
    t = np.arange(frames)[:, None]
    spread = 1 + 0.1 * np.arange(channels)[None, :]
    sound = sum(np.sin(t * w * 0.01 + spread) * a for w, a in ((3, 0.5), (7.1, 0.3), (11.7, 0.1)))
    return np.asarray(peak * (sound * (0.6 + 0.4 * np.cos(t / 3000)) + 0.01 * rng.standard_normal((frames, channels))))


def wav_file(samples: np.ndarray, rate: int = 44100, layout: str = "i16le", tail: bytes = b"") -> bytes:
    """A WAV file of integers or floats [frames, channels]; `tail` are chunks after the samples."""
    from lacodec.media.audio import wav
    from lacodec.media.audio.samples import to_bytes

    numbers = samples.astype(np.float32).view(np.int32) if layout.startswith("f") else np.rint(samples)
    data = to_bytes(numbers.astype(np.int64).T, layout)
    return wav.header(len(samples), rate, samples.shape[1], layout) + data + b"\0" * (len(data) & 1) + tail


def texts(size: int = 20_000) -> dict[str, bytes]:
    """Bytes by name: empty and tiny, random, runs, text, tables, numbers, and some awkward cases."""
    rng = random.Random(size)
    words = [bytes(rng.choices(b"etaoinshrdlu", k=rng.randint(1, 9))) for _ in range(300)]
    text = b" ".join(rng.choices(words, k=size // 5))[:size]
    table = b"".join(b"%06d,%d,2026-11-%02d,ok\n" % (i, rng.randint(0, 99), i % 30 + 1) for i in range(size // 23))
    return {
        "empty": b"",
        "one byte": b"x",
        "zero byte": b"\0",
        "two": b"ab",
        "seven": b"lacodec",
        "random": rng.randbytes(size),
        "short random": rng.randbytes(300),
        "huge run": bytes(10 * size),
        "text": text,
        "table": table,
        "16-bit ramp": b"".join((i * 3 & 0xFFFF).to_bytes(2, "little") for i in range(size // 2)),
        "noise then run": rng.randbytes(size // 2) + bytes([255]) * (size // 2),
        "repeat far apart": text + rng.randbytes(size) + text,
        "every byte": bytes(range(256)) * 3,
        "two symbols": bytes(rng.choices(b"ab", k=size)),
        "rare symbol": bytes(size // 2) + b"\1" + bytes(size // 2),
        "x86 calls": b"".join(
            b"\xe8" + (5000 - i & 0xFFFFFFFF).to_bytes(4, "little") + b"\x90" * (i % 7) for i in range(0, size // 8, 3)
        ),
        "periodic 3": b"abc" * (size // 3),
        "encoded": lacodec.encode(text, effort=1),
    }


class _about:
    """Puts the name of the check in front of the message of an AssertionError; turns any other error into one."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: Any, error: BaseException | None, __: Any) -> None:
        if isinstance(error, AssertionError):
            raise AssertionError(f"{self._what}: {error}") from error
        if isinstance(error, Exception):
            raise AssertionError(f"{self._what}: {type(error).__name__}: {error}") from error


def _expect(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def _check_class(made: Codec[Any], coder: Coder) -> None:
    with _about(f"codec {made.name!r}"):
        _expect(isinstance(made.stream_version, int) and made.stream_version >= 0, "stream_version must be a whole number from 0")
        _expect(
            {made.identical, *made.also_identical} <= set(IDENTICAL),
            f"identical and also_identical must be among {', '.join(IDENTICAL)}",
        )
        _expect(registry.get(made.name) is type(made), "the registry finds another class under its name")
        _expect(dataclasses.is_dataclass(made.Options), "Options must be a frozen dataclass")
        for field in dataclasses.fields(made.Options):
            _expect(
                "help" in field.metadata,
                f"option {field.name!r} has no metadata {{'help': ...}}, which the command needs for its flag",
            )
        for one in (made, coder, made.options):
            again = pickle.loads(pickle.dumps(one))
            _expect(again == one and hash(again) == hash(one), f"{one!r} changes when it is pickled")
        _expect(_is_frozen(made), "a codec must be frozen: options belong in Options, all else in a Session")
        for value in made.samples():
            _expect(bool(coder.encode(value)), "its samples() must be encodable")


def _is_frozen(made: Codec[Any]) -> bool:
    try:
        made.check_codec_was_here = 1
    except AttributeError:
        return True
    return False


def _check_round_trip(made: Codec[Any], coder: Coder, value: Any, same: Callable[[Any, Any], bool] | None) -> tuple[bytes, float]:
    """The encoded value, and the seconds that decoding it took."""
    encoded = coder.encode(value, threads=1, verify=True)
    _expect(coder.encode(value, threads=1) == encoded, "encoding it again gives other bytes")
    _expect(coder.encode(value, threads=2) == encoded, "two threads write different bytes from one thread")
    started = time.perf_counter()
    found = coder.decode(encoded, threads=1)
    seconds = time.perf_counter() - started
    _expect(_alike(found, coder.decode(encoded, threads=2)), "two threads decode something else than one thread")
    if same is not None:
        _expect(same(value, found), "the decoded value is not the same")
    elif made.identical != "none":
        expected = made.media.to_object(made.media.from_object(value))
        _expect(_alike(found, expected), f"decodes to {_short(found)}, not to {_short(expected)}")
        if type(found) is type(value):
            _expect(
                _alike(found, value),
                f"{made.media.name} makes {_short(found)} of {_short(value)}: refuse values that are not kept exactly",
            )
    reader = Reader(BytesSource(encoded))
    _expect(len(reader.header_bytes) <= MAX_HEADER, "the header is too large")
    _expect(reader.header.identical == made.restores(made.media.from_object(value)), "the header has another value of identical")
    made.describe(reader.header, reader.index)
    for head in reader.index:
        _expect(head.decoded_size <= MAX_DECODED, f"{head.describe()} is larger than {MAX_DECODED} bytes")
    return encoded, seconds


def _check_file(made: Codec[Any], coder: Coder, value: Any, encoded: bytes) -> None:
    """From file to file, and how large the result may be: the size of the file, 0.1 % more, and its description."""
    content = b"".join(made.media.to_blocks(made.media.from_object(value)))
    suffix = next(iter(made.media.suffixes), ".bin")
    with tempfile.TemporaryDirectory() as folder:
        source, middle, target = Path(folder, f"in{suffix}"), Path(folder, "x.lac"), Path(folder, f"out{suffix}")
        source.write_bytes(content)
        done = lacodec.encode_file(source, middle, coder.name, **coder.options)
        _expect(lacodec.check(middle).ok and lacodec.info(middle).codec == coder.name, "its file is not valid")
        lacodec.decode_file(middle, target)
        restored = target.read_bytes()
    if done.identical == "bytes":
        _expect(restored == content, "its file is not restored byte for byte")
    if made.identical != "none":
        reader = Reader(BytesSource(encoded))
        most = len(content) + 64 + len(content) // 1000 + len(reader.header_bytes) + _CHUNK_COST * max(0, len(reader.index) - 1)
        _expect(done.encoded <= most, f"a file of {len(content)} bytes becomes {done.encoded} bytes; at most {most} are allowed")


def _check_middle(encoded: bytes, whole: Any) -> None:
    with lacodec.open(encoded) as opened:
        layout: Layout | None = opened._layout
        if layout is None:
            return
        for name, one in (layout.names or {"": layout}).items():
            expected = _array(whole[name] if layout.names and layout.sole is None else whole)
            _expect(
                expected.shape == one.shape, f"layout gives shape {list(one.shape)}, but the value has {list(expected.shape)}"
            )
            for key in _keys(one.shape):
                found = _array(opened[(name, *key)] if name else opened[key])
                _expect(
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


class _Hostile:
    """One encoded value, and the attacks on it."""

    def __init__(self, made: Codec[Any], encoded: bytes, seconds: float, rng: random.Random) -> None:
        self._made, self._encoded, self._rng = made, encoded, rng
        self._most_seconds = 20 * seconds + _SECONDS
        self._whole = lacodec.decode(encoded)
        reader = Reader(BytesSource(encoded))
        self._header, self._chunks = reader.header, [reader.chunk(i) for i in range(len(reader.index))]
        largest = max((chunk.decoded_size for chunk in self._chunks), default=0)
        total = sum(chunk.decoded_size for chunk in self._chunks)
        longest = max((chunk.payload for chunk in self._chunks), key=len, default=b"")
        self._most_memory = made.memory(largest, longest) + 6 * total + 2 * len(encoded) + _SLACK

    def check_damage(self) -> None:
        """Flipped bits, missing and extra bytes: must be noticed or have no effect."""
        size = len(self._encoded)
        for _ in range(_FLIPS):
            at = self._rng.randrange(size)
            damaged = bytearray(self._encoded)
            damaged[at] ^= 1 << self._rng.randrange(8)
            self._read(bytes(damaged), f"a bit flipped in byte {at}", noticed=True)
        for cut in {1, size // 2, *(self._rng.randrange(size) for _ in range(6))}:
            self._read(self._encoded[:cut], f"cut off after {cut} bytes", noticed=True, must_fail=True)

    def check_forged(self) -> None:
        """Files with correct checksums and false content."""
        for number, chunk in enumerate(self._chunks[:4]):
            for _ in range(_FLIPS):
                payload = self._mutant(chunk.payload)
                self._read(self._with(number, payload=payload), f"chunk {number} with a forged payload", noticed=True)
            if chunk.kind == CRITICAL and chunk.covers:
                for grown in (1, chunk.decoded_size + 1, _CLAIM):
                    if 0 < grown <= MAX_DECODED - chunk.decoded_size:
                        self._check_size(number, chunk, grown)
        for metadata in self._forged_metadata():
            self._read(self._written(self._chunks, metadata), f"metadata forged to {str(metadata)[:80]}", noticed=False)

    def _check_size(self, number: int, chunk: Chunk, grown: int) -> None:
        start, stop = chunk.covers[-1]
        longer = (*chunk.covers[:-1], (start, stop + grown))
        what = f"chunk {number} that claims {grown} more"
        claimed, most, seconds = chunk.decoded_size + grown, self._most_memory, self._most_seconds
        self._most_seconds += claimed * _SECONDS_PER_BYTE
        self._most_memory += 2 * claimed + self._made.memory(claimed, chunk.payload)
        self._read(self._with(number, decoded_size=claimed), f"{what} bytes", noticed=True)
        self._read(self._with(number, covers=longer, decoded_size=claimed), f"{what}, covered", noticed=True)
        self._most_memory, self._most_seconds = most, seconds

    def check_salvage(self) -> None:
        """Each chunk lost in turn: the others are decoded, and the damage is reported."""
        for number, chunk in enumerate(self._chunks[:6]):
            if not chunk.payload:
                continue
            data = self._encoded.replace(chunk.payload, bytes(255 - byte for byte in chunk.payload), 1)
            if len(data) != len(self._encoded) or data == self._encoded:
                continue
            out = io.BytesIO()
            what = f"with chunk {number} lost"
            with self._bounded(what):
                try:
                    done = lacodec.decode_file(BytesSource(data), out, salvage=True)
                except CorruptFile:
                    _expect(len(self._chunks) == 1, f"{what}, nothing else is decoded (is `assemble` given a Lost?)")
                    continue
            _expect(bool(done.damage), f"{what}, salvage reports no damage")

    def _mutant(self, payload: bytes) -> bytes:
        at = self._rng.randrange(len(payload) + 1)
        kind = self._rng.randrange(4)
        if kind == 0:
            return payload[:at]
        if kind == 1:
            return payload[:at] + self._rng.randbytes(3) + payload[at:]
        if kind == 2:
            return payload + bytes(self._rng.randrange(1, 40))
        changed = bytearray(payload)
        for _ in range(self._rng.randrange(1, 4) if payload else 0):
            changed[self._rng.randrange(min(len(payload), 64) if self._rng.random() < 0.5 else len(payload))] = (
                self._rng.randrange(256)
            )
        return bytes(changed)

    def _forged_metadata(self) -> Iterator[dict[str, Any]]:
        yield {}
        for key, value in self._header.metadata.items():
            yield {name: item for name, item in self._header.metadata.items() if name != key}
            for forged in _FORGERIES:
                if forged != value:
                    yield {**self._header.metadata, key: forged}

    def _with(self, number: int, **changes: Any) -> bytes:
        chunks = list(self._chunks)
        chunks[number] = dataclasses.replace(chunks[number], **changes)
        return self._written(chunks, self._header.metadata)

    def _written(self, chunks: list[Chunk], metadata: dict[str, Any]) -> bytes:
        """A file of these chunks; empty if the container does not allow it."""
        import msgspec

        header: Header = msgspec.structs.replace(self._header, metadata=metadata)
        out = io.BytesIO()
        try:
            write_container(header, iter(chunks), out)
        except LacodecError:
            return b""
        return out.getvalue()

    def _read(self, data: bytes, what: str, noticed: bool, must_fail: bool = False) -> None:
        """Decode; only LacodecErrors may be raised, and only the value returned if damage must be noticed."""
        with self._bounded(what):
            try:
                found = lacodec.decode(data)
            except LacodecError as error:
                _expect("\n" not in str(error), f"{what}: the message has several lines")
                cause = error.__cause__
                blamed = type(error) is LacodecError and cause is not None
                _expect(
                    not blamed, f"{what}: {type(cause).__name__}: {cause}; raise CorruptFile for data that no encoder produces"
                )
                return
        _expect(not must_fail, f"{what}: goes unnoticed")
        _expect(not noticed or _alike(found, self._whole), f"{what}: decodes to something else unnoticed")

    def _bounded(self, what: str) -> "_Bounded":
        return _Bounded(what, self._most_seconds, self._most_memory)


class _Bounded:
    """Limits the time, memory and errors of the code inside."""

    def __init__(self, what: str, seconds: float, memory: int) -> None:
        self._what, self._seconds, self._memory = what, seconds, memory

    def __enter__(self) -> None:
        tracemalloc.start(1)
        self._started = time.perf_counter()

    def __exit__(self, _: Any, error: BaseException | None, __: Any) -> None:
        seconds, peak = time.perf_counter() - self._started, tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        if isinstance(error, Exception) and not isinstance(error, LacodecError | AssertionError):
            text = f"{self._what}: {type(error).__name__}: {error}; only a LacodecError may be raised"
            raise AssertionError(text) from error
        _expect(
            seconds <= self._seconds,
            f"{self._what}: took {seconds:.1f} s, the limit is {self._seconds:.1f} s (20 times the sound file)",
        )
        _expect(
            peak <= self._memory, f"{self._what}: took {peak >> 20} MiB, but `memory` promises at most {self._memory >> 20} MiB"
        )


def _array(value: Any) -> np.ndarray:
    if isinstance(value, bytes | bytearray | memoryview):
        return np.frombuffer(value, np.uint8)
    if isinstance(value, int):
        return np.asarray(value, np.uint8)
    return np.asarray(value)


def _alike(one: Any, other: Any) -> bool:
    """Whether two values are the same in type, shape and content."""
    if type(one) is not type(other):
        return False
    if isinstance(one, Mapping):
        return list(one) == list(other) and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    if isinstance(one, Source):
        return _content(one) == _content(other)
    if dataclasses.is_dataclass(one):
        fields = [field.name for field in dataclasses.fields(one) if field.compare]
        return all(_alike(getattr(one, name), getattr(other, name)) for name in fields)
    if type(one).__module__.split(".")[0] == "torch":
        return bool(one.dtype == other.dtype and one.shape == other.shape and one.equal(other))
    return bool(one == other)


def _content(source: Source) -> int:
    pieces = source.pieces() if isinstance(source, IteratorSource) else source.blocks(1 << 20)
    return content_hash(b"".join(pieces))


def _short(value: Any) -> str:
    return " ".join(repr(value).split())[:80]
