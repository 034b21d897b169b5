"""Mutants for `benchmarks/fuzz.py`: (corpus, seed, number) -> the bytes of a damaged or forged `.lac` file."""

import io
import os
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import lacodec
from lacodec.codecs.embedded import embed
from lacodec.codecs.image.jpeg.codec import FILE
from lacodec.container import Chunk, Header, layout, stream, write_container
from lacodec.container.types import INDEX, ChunkHead, content_hash
from lacodec.errors import UnsupportedFile
from lacodec.io.source import BytesSource
from lacodec.media.audio.files import AUDIO
from lacodec.media.audio.value import Audio

FILE_ID = 7
CODECS = (
    "bytes",
    "text",
    "image.lossless",
    "audio.lossless",
    "audio.transform",
    "weights",
    "arrays",
    "points",
    "kv",
    "vectors",
    "features",
    "video.lossless",
    "image.jpeg",
    "image.pc",
    "image.walloc",
    "image.tokens",
    "log",
)
LEARNED = ("image.learned", "image.vq")  # need torch


@dataclass(frozen=True)
class Original:
    """One valid file, and its parts for the forger."""

    data: bytes
    header: bytes
    chunks: tuple[Chunk, ...]


@dataclass(frozen=True)
class Corpus:
    """The valid files that mutants are made from."""

    files: tuple[Original, ...] = field(repr=False)

    @classmethod
    def make(cls, efforts: list[int] | None = None, codecs: Sequence[str] = CODECS) -> "Corpus":
        """Small files of many kinds by these codecs at these efforts (default: all)."""
        from tests.checks import EFFORTS

        makers = {
            "bytes": _bytes_files,
            "text": _text_files,
            "image.lossless": _image_files,
            "audio.lossless": _audio_files,
            "audio.transform": _transform_files,
            "weights": _weights_files,
            "arrays": _arrays_files,
            "points": _points_files,
            "kv": _kv_files,
            "vectors": _vectors_files,
            "features": _features_files,
            "video.lossless": _video_files,
            "image.pc": _circuit_files,
            "image.walloc": _walloc_files,
            "image.tokens": _token_files,
            "image.jpeg": _jpeg_files,
            "log": _log_files,
            "image.learned": _learned_files,
            "image.vq": _vq_files,
        }
        files = [data for codec in codecs for data in makers[codec](efforts or list(EFFORTS))]
        return cls(tuple(Original(data, stream(BytesSource(data))[0].pack(), tuple(_chunks(data))) for data in files))

    def methods(self) -> list[int]:
        """Method bytes to forge: those that occur, and two that no codec has."""
        return sorted({chunk.payload[0] for original in self.files for chunk in original.chunks if chunk.payload} | {4, 255})

    def originals(self) -> list[bytes]:
        """The files themselves."""
        return [original.data for original in self.files]


def _bytes_files(efforts: list[int]) -> list[bytes]:
    """Compact, and in several chunks."""
    from tests.checks import inputs

    chosen = inputs(1500)
    kinds = ["empty", "seven", "short random", "text", "table", "16-bit ramp", "two symbols", "repeat far apart", "x86 calls"]
    files = []
    for effort in efforts:
        coder = lacodec.codec("bytes", effort=effort)
        parts = [_chunks(coder.encode(chosen[kind])) for kind in kinds]
        files += [coder.encode(chosen[kind]) for kind in kinds]
        files.append(coder.encode(inputs(40_000 if effort <= 3 else 8_000)["text"]))  # enough for more than one lane
        files.append(_joined(coder.encode(b""), [chunk for part in parts[1:5] for chunk in part]))
    return files


def _text_files(efforts: list[int]) -> list[bytes]:
    """Compact, and in several chunks."""
    from tests.checks import inputs

    chosen = inputs(1000)
    texts = [chosen["empty"], chosen["seven"], chosen["text"], chosen["text"].replace(b" ", b"\r\n"), chosen["short random"]]
    files = []
    for effort in efforts:
        if effort >= 5:
            coder = lacodec.codec("text", effort=effort)
            parts = [coder.encode(text) for text in texts]
            files += [*parts, _joined(parts[0], [chunk for part in parts[1:4] for chunk in _chunks(part)])]
    return files


def _image_files(efforts: list[int]) -> list[bytes]:
    """Photo, graphics and noise of 1 to 4 channels, 8 and 16 bits; one of several tiles."""
    from lacodec.testing import pictures as kinds

    chosen = kinds()
    names = ["one pixel", "gray", "colour", "colour and alpha", "constant", "noise", "16-bit gray and alpha", "drawn", "wide"]
    coders = [lacodec.codec("image.lossless", effort=effort) for effort in efforts]
    return [coder.encode(chosen[name]) for coder in coders for name in names]


def _audio_files(efforts: list[int]) -> list[bytes]:
    """Integers and floats of several widths, channels, odd values and foreign chunks."""
    from tests.sounds import sounds

    chosen = sounds(500)
    coders = [lacodec.codec("audio.lossless", effort=effort) for effort in efforts]
    return [coder.encode(_audio(data)) for coder in coders for data in chosen.values() if _audio(data) is not None]


def _arrays_files(efforts: list[int]) -> list[bytes]:
    """Arrays of every kind, and two within an error bound."""
    from tools.golden.arrays import FILES, make

    found = [make(f"effort{effort}", name) for effort in efforts for name in FILES]
    return found + [make(f"bound{effort}", name) for effort in efforts[:1] for name in ("smooth", "odd")]


def _log_files(efforts: list[int]) -> list[bytes]:
    """Columns of every type, and lines that no log should have."""
    from tests.codecs.log.made_logs import ODD, log

    kinds = [log(700), log(1500, 2), *(ODD[name] for name in ("quotes", "NUL", "hexadecimal columns", "noise", "empty lines"))]
    return [lacodec.encode(data, "log", effort=effort) for effort in efforts for data in kinds]


def _points_files(efforts: list[int]) -> list[bytes]:
    """Sweeps, sound and damaged, and points of other kinds, with bytes before and behind them."""
    from tools.golden.points import FILES, make

    found = [make(f"effort{effort}", name) for effort in efforts for name in FILES]
    return [*found, make("effort5", "moving")]


def _video_files(efforts: list[int]) -> list[bytes]:
    """Layouts, depths, groups, and a file whose end is cut off."""
    from tools.golden.video import make

    return [make(f"effort{effort}", name) for effort in efforts for name in ("moving", "rgb", "one", "file", "groups")]


def _kv_files(efforts: list[int]) -> list[bytes]:
    """Caches of every type, cut, of other shapes, and empty."""
    from tools.golden.kv import cache

    odd = cache("odd")
    empty = type(odd)(tuple((keys[:, :, :0], values[:, :, :0]) for keys, values in odd.layers), "F32")
    found = [lacodec.encode(cache(name), "kv", effort=effort) for effort in efforts for name in ("bf16", "f16", "odd")]
    found += [lacodec.encode(cache(name), "kv.lossy", quality=50, tokens=40) for name in ("bf16", "f16", "f32")]
    return [*found, lacodec.encode(cache("bf16"), "kv", tokens=40), lacodec.encode(empty, "kv")]


def _vectors_files(efforts: list[int]) -> list[bytes]:
    """Vectors of every type, in order and sorted, and without directions."""
    import numpy as np

    from tools.golden.vectors import WANTED, make

    found = [make(setting, name) for setting, name in WANTED]
    return [*found, lacodec.encode(np.ones((400, 3), np.float32), "vectors", bytes_per_vector=3.5)]


def _features_files(efforts: list[int]) -> list[bytes]:
    """Items alone and together, both types and orders, steps of their own and one for all."""
    from tools.golden.features import WANTED, make

    return [make(setting, name) for setting, name in WANTED]


def _circuit_files(efforts: list[int]) -> list[bytes]:
    """Pictures that suit the circuit, noise, and what is stored; decoders know the circuit, as this process has loaded it."""
    from tools.golden.pictures import WANTED, make

    return [make(setting, name) for setting, name in WANTED]


def _walloc_files(efforts: list[int]) -> list[bytes]:
    """Gray and in colour."""
    from tools.golden.walloc import WANTED, make

    return [make(setting, name) for setting, name in WANTED]


def _token_files(efforts: list[int]) -> list[bytes]:
    """Sequences and maps of several types."""
    from tools.golden.tokens import WANTED, make

    return [make(setting, name) for setting, name in WANTED]


def _vq_files(efforts: list[int]) -> list[bytes]:
    """Books of several sizes, one chunk and two."""
    from tools.golden.vq import WANTED, make

    return [make(setting, name) for setting, name in WANTED]


def _jpeg_files(efforts: list[int]) -> list[bytes]:
    """Baseline, gray, restarts, progressive, with a preview, with a second file behind, tiny, in segments, kept as it is."""
    from lacodec.testing import photo
    from tests.jpegs import files, with_preview

    chosen, small = files(photo(30, 44)), files(photo(9, 17))["baseline"]
    names = ["baseline", "4:2:2", "gray", "CMYK", "restarts", "progressive", "progressive restarts"]
    contents = [chosen[name] for name in names]
    contents += [with_preview(chosen["gray"], small), chosen["coarse"] + chosen["progressive"], small]
    found = [lacodec.encode(content, "image.jpeg", effort=effort) for effort in efforts for content in contents]
    for name in ("baseline", "progressive CMYK"):
        content = files(photo(200, 24))[name]
        found += [lacodec.encode(content, "image.jpeg", effort=effort, tile=64) for effort in efforts]
    return [*found, *(_kept_jpeg(small, effort) for effort in efforts[:1])]


def _kept_jpeg(data: bytes, effort: int) -> bytes:
    """A file that is kept whole, as its codec does where it gains nothing."""
    encoded = lacodec.encode(data, "image.jpeg", effort=effort)
    payload = bytes([FILE]) + embed("bytes", data, effort=effort)
    return _joined(encoded, [replace(chunk, payload=payload) for chunk in _chunks(encoded)])


def _weights_files(efforts: list[int]) -> list[bytes]:
    """Every kind of group: floats of several widths, listed exponents, integers, few values, zeros, repeats, two values."""
    from tools.golden import filters
    from tools.golden.weights import FILES, content

    files = [lacodec.codec("weights", effort=effort).encode(content(name)) for effort in efforts[::4] for name in FILES]
    return files + [filters.make(*wanted) for wanted in filters.WANTED if set(efforts) & {3, 5, 9}]


def _learned_files(efforts: list[int]) -> list[bytes]:
    """Gray, colours and alpha, of one tile and of two, by the tiny model of the golden files and by the one that is shipped."""
    import torch

    from lacodec.codecs import model_files
    from lacodec.testing import photo
    from tools.golden.learned import MODEL

    torch.set_num_threads(1)  # threads do not survive the fork into workers
    os.environ[model_files.VARIABLE] = str(MODEL)
    shapes = [(1, 1, 3), (40, 50, 1), (33, 70, 3), (64, 48, 4), (20, 30, 2), (16, 1040, 3)]
    files = [lacodec.encode(photo(*shape), "image.learned", model=str(MODEL), quality=60) for shape in shapes]
    return [*files, lacodec.encode(photo(40, 60), "image.learned", quality=30)]


def _transform_files(efforts: list[int]) -> list[bytes]:
    """One channel, two, five; floats; silence; one sample and none."""
    from tests.sounds import sounds

    chosen = sounds(700)
    names = ("mono", "stereo", "five channels", "floats of integers", "silence then sound", "one sample", "no samples")
    coders = [lacodec.codec("audio.transform", quality=10 * effort) for effort in efforts]
    return [coder.encode(_audio(chosen[name])) for coder in coders for name in names]


def _audio(data: bytes) -> Audio | None:
    try:
        return AUDIO.from_source(BytesSource(data))
    except UnsupportedFile:
        return None  # left to codec bytes


def mutant(corpus: Corpus, seed: int, number: int) -> tuple[bytes, bool]:
    """(bytes, whether all checksums and hashes in it are right)."""
    rng = random.Random(f"{seed} {number}")
    original = rng.choice(corpus.files)
    if rng.random() < 0.3:
        return _mutate(rng, original.data, rng.choice(corpus.files).data), False
    return _forge(rng, original, rng.choice(corpus.files), corpus.methods()), True


def _mutate(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """1 to 4 changes: flipped bits, overwritten, inserted, removed, repeated or foreign bytes."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(changed) + 1) if rng.random() < 0.6 else min(len(changed), int(rng.expovariate(0.1)))
        length = rng.choice((1, 1, 2, 4, 8, 30))
        kind = rng.randrange(7)
        if kind == 0 and at < len(changed):
            changed[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            changed[at : at + length] = rng.randbytes(length)
        elif kind == 2:
            changed[at : at + length] = bytes([rng.choice((0, 1, 127, 128, 255))]) * length
        elif kind == 3:
            changed[at:at] = rng.randbytes(length)
        elif kind == 4:
            del changed[at : at + length]
        elif kind == 5:
            changed[at:at] = changed[at : at + length] * rng.choice((1, 2, 50))
        else:
            start = rng.randrange(len(other) + 1)
            changed[at : at + length] = other[start : start + length]
    return bytes(changed)


def _forge(rng: random.Random, original: Original, other: Original, methods: list[int]) -> bytes:
    """A file with right sums: mutated header, payloads, chunk facts or order."""
    header, chunks = original.header, list(original.chunks)
    what = rng.random()
    if what < 0.15:
        header = (
            _mutate(rng, header, other.header) if rng.random() < 0.8 else Header("bytes", 0, {}, metadata=_nested(rng)).pack()
        )
    elif what < 0.75 or not chunks:
        i = rng.randrange(len(chunks))
        chunks[i] = _with_payload(rng, chunks[i], rng.choice(other.chunks).payload if other.chunks else b"", methods)
    elif what < 0.9:
        i = rng.randrange(len(chunks))
        chunks[i] = _with_facts(rng, chunks[i])
    else:
        chunks = rng.choices(chunks + list(other.chunks), k=rng.randint(0, 5))
        if rng.random() < 0.7:
            chunks = _in_order(chunks)
    if len(chunks) == 1 and rng.random() < 0.5 and len(chunks[0].covers) and all(start == 0 for start, _ in chunks[0].covers):
        return layout.pack_compact_head(header, _head(chunks[0], 0)) + chunks[0].payload + layout.COMPACT_END
    return _chunked(rng, header, chunks)


def _with_payload(rng: random.Random, chunk: Chunk, other: bytes, methods: list[int]) -> Chunk:
    method = chunk.payload[:1] if rng.random() < 0.9 else bytes([rng.choice(methods)])
    payload = method + _mutate(rng, chunk.payload[1:], other) if rng.random() < 0.95 else rng.randbytes(rng.randrange(40))
    chunk = replace(chunk, payload=payload)
    if rng.random() < 0.3:
        size = rng.choice((0, 1, len(payload) - 1, len(payload), chunk.decoded_size + 1, rng.randrange(1 << 20), 1 << 20))
        covers = ((0, max(0, size)),) if rng.random() < 0.7 else chunk.covers
        chunk = replace(chunk, decoded_size=max(0, size), covers=covers)
    return chunk


def _with_facts(rng: random.Random, chunk: Chunk) -> Chunk:
    big = rng.choice((0, 1, 255, 65536, (1 << 26) + 1, (1 << 32) - 1, 1 << 40, (1 << 63) - 1, 1 << 63, (1 << 64) - 1))
    kind = rng.randrange(5)
    if kind == 0:
        return replace(chunk, decoded_size=min(big, (1 << 32) - 1))
    if kind == 1:
        return replace(chunk, covers=((rng.choice((0, 1, big)), rng.choice((0, big))),) * rng.choice((1, 1, 1, 2, 8)))
    if kind == 2:
        return replace(chunk, kind=rng.randrange(4))
    if kind == 3:
        return replace(chunk, depends=tuple(rng.choice((0, 1, 2, 77)) for _ in range(rng.randrange(4))))
    return replace(chunk, content_hash=rng.getrandbits(64))


def _chunked(rng: random.Random, header: bytes, chunks: list[Chunk]) -> bytes:
    data = bytearray(layout.pack_head(header, FILE_ID))
    index = bytearray(layout.index_start(header))
    for i, chunk in enumerate(chunks):
        sequence = i if rng.random() < 0.98 else rng.randrange(5)
        packed = layout.pack_chunk_head(_head(chunk, sequence), FILE_ID)
        index += layout.index_entry(len(data) if rng.random() < 0.98 else rng.randrange(1 << 40), packed)
        data += packed + chunk.payload
    if rng.random() < 0.05:
        index = bytearray(_mutate(rng, bytes(index), header))
    digest, at = content_hash(bytes(index)), len(data)
    data += layout.pack_chunk_head(ChunkHead(len(chunks), INDEX, (), len(index), 0, digest, digest), FILE_ID) + index
    data += layout.pack_footer(FILE_ID, at, len(data) - at)
    return bytes(data)


def _head(chunk: Chunk, sequence: int) -> ChunkHead:
    digest = content_hash(chunk.payload)
    return ChunkHead(
        sequence, chunk.kind, chunk.covers, len(chunk.payload), chunk.decoded_size, digest, chunk.content_hash, chunk.depends
    )


def _in_order(chunks: list[Chunk]) -> list[Chunk]:
    start, moved = 0, []
    for chunk in chunks:
        moved.append(replace(chunk, covers=((start, start + chunk.decoded_size),)))
        start += chunk.decoded_size
    return moved


def _nested(rng: random.Random) -> dict[str, object]:
    value: object = rng.choice((None, 1, "x", [1, 2], 2.5))
    for _ in range(rng.randrange(30)):
        value = [value] * rng.choice((1, 2)) if rng.random() < 0.5 else {"k": value}
        if isinstance(value, list) and len(str(value)) > 1000:
            break
    return {"value": value}


def _chunks(data: bytes) -> list[Chunk]:
    return list(stream(BytesSource(data))[1])


def _joined(like: bytes, chunks: list[Chunk]) -> bytes:
    out = io.BytesIO()
    write_container(stream(BytesSource(like))[0], _in_order(chunks), out)
    return out.getvalue()
