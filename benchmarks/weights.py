"""Lossless coding of model weights against its peers, in one run, on one thread.

    python benchmarks/weights.py FOLDER [--efforts 1,5,9] [--repeat 3] [--synthetic 64] [--only NAME] [--json FILE]

FOLDER holds models: .safetensors, PyTorch checkpoints (.th; needs torch), llama2.c and rwkv.cpp files (.bin), .onnx. Each becomes
a safetensors file as it is and, from F32, one cast to BF16 and one to F16; `--synthetic N` adds N MiB of BF16 normal values.
Sizes are of whole files, in percent of the safetensors file; speeds are of its bytes, the best of `--repeat` runs, after one that
warms up. `bound` is the entropy of (sign, exponent) of each tensor and then its mantissa bits as they are; `given` that of
(sign, exponent) and the mantissa given the exponent, for 16-bit types (too low for small tensors). Peers: zipnn (whole file, by
type; the better of its two modes), zstd -3, and the size that DFloat11's format would have: one Huffman code of the exponents for
the whole file, a byte of sign and mantissa each, 5 bits of gap for each 8 bytes of code, 4 bytes for each block of 512 threads.
"""

import argparse
import heapq
import json
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import zstandard

import lacodec
from lacodec.codecs.weights._floats import MANTISSAS
from lacodec.codecs.weights._planes import entropy
from lacodec.io.source import BytesSource, FileSource
from lacodec.media.tensors.files import TENSORS
from lacodec.media.tensors.safetensors import build_header

Array = np.ndarray
Named = tuple[str, str, tuple[int, ...], bytes]  # name, dtype, shape, bytes


def subjects(folder: Path, synthetic: int) -> Iterator[tuple[str, bytes]]:
    """(name, a safetensors file)."""
    for path in sorted(folder.rglob("*")):
        name = path.stem if path.stem != "model" else path.parent.name
        if path.suffix == ".safetensors":
            data = path.read_bytes()
            with FileSource(path) as source:
                tensors = [(e.name, e.dtype, e.shape, source.read(e.offset, e.size)) for e in TENSORS.from_source(source).entries]
        elif (tensors := _read(path)) is not None:
            data = _safetensors(tensors)
        else:
            continue
        yield name, data
        if any(dtype == "F32" for _, dtype, _, _ in tensors):
            yield f"{name} as BF16", _safetensors([_cast(tensor, "BF16") for tensor in tensors])
            yield f"{name} as F16", _safetensors([_cast(tensor, "F16") for tensor in tensors])
    if synthetic:
        values = np.random.default_rng(2026).normal(0, 0.02, synthetic << 19).astype(np.float32)
        yield f"normal values, {synthetic} MiB", _safetensors([_cast(("w", "F32", (len(values),), values.tobytes()), "BF16")])


def _read(path: Path) -> list[Named] | None:
    """The tensors of a file in another format than safetensors; None if it is not a model."""
    if path.suffix == ".th":
        import torch

        found = torch.load(path, map_location="cpu", weights_only=True)
        found = found.get("state_dict", found)
        kinds = {torch.float32: "F32", torch.float64: "F64", torch.int64: "I64"}
        return [(k, kinds[v.dtype], tuple(v.shape), v.contiguous().numpy().tobytes()) for k, v in found.items()]
    if path.suffix == ".onnx":
        return [(f"{i}", *tensor) for i, tensor in enumerate(_onnx(path.read_bytes()))]
    if path.suffix != ".bin" or path.stat().st_size < 100_000:
        return None
    data = path.read_bytes()
    if data[:4] != b"fmgg":
        return [("weights", "F32", ((len(data) - 28) // 4,), data[28:])]
    at, tensors = 24, []
    while at < len(data):
        dimensions, length, kind = struct.unpack_from("<3i", data, at)
        shape = struct.unpack_from(f"<{dimensions}i", data, at + 12)
        at += 12 + 4 * dimensions + length
        size = (4, 2)[kind] * int(np.prod(shape))
        tensors.append((data[at - length : at].decode(), ("F32", "F16")[kind], tuple(shape), data[at : at + size]))
        at += size
    return tensors


def _onnx(message: bytes, depth: int = 0) -> Iterator[tuple[str, tuple[int, ...], bytes]]:
    """Every TensorProto of float type with raw data, however deep in the model."""
    fields: dict[int, list[Any]] = {}
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        if key & 7 == 2:
            size, at = _varint(message, at)
            value: Any = message[at : at + size]
            at += size
        elif key & 7 == 0:
            value, at = _varint(message, at)
        elif key & 7 in (1, 5):
            size = 8 if key & 7 == 1 else 4
            value, at = None, at + size
        else:
            return
        if at > len(message):
            return
        fields.setdefault(key >> 3, []).append(value)
    kind = {1: "F32", 10: "F16"}.get(fields.get(2, [None])[0]) if isinstance(fields.get(2, [None])[0], int) else None
    if kind and isinstance(fields.get(9, [None])[0], bytes):
        raw = fields[9][0]
        if len(raw) >= 64:
            yield kind, (len(raw) // (4 if kind == "F32" else 2),), raw
        return
    for value in (value for found in fields.values() for value in found if isinstance(value, bytes) and len(value) > 64):
        if depth < 12:
            yield from _onnx(value, depth + 1)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data):
        value |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 128:
            break
    return value, at


def _cast(tensor: Named, dtype: str) -> Named:
    """F32 as BF16 or F16, rounded to the nearest; others as they are."""
    name, before, shape, data = tensor
    if before != "F32":
        return tensor
    if dtype == "F16":
        return name, dtype, shape, np.frombuffer(data, np.float32).astype(np.float16).tobytes()
    bits = np.frombuffer(data, np.uint32)
    return name, dtype, shape, ((bits + ((bits >> 16 & 1) + 0x7FFF)) >> 16).astype(np.uint16).tobytes()


def _safetensors(tensors: list[Named]) -> bytes:
    tensors = sorted(tensors, key=lambda tensor: (-len(tensor[3]) // max(1, int(np.prod(tensor[2]))), tensor[0]))
    head = build_header([(name, dtype, shape, len(data)) for name, dtype, shape, data in tensors])
    return head + b"".join(data for *_, data in tensors)


def bounds(data: bytes) -> tuple[float, float | None]:
    """(bytes at `bound`, at `given` or None) of a safetensors file; other types than floats count unchanged."""
    bound = given = 0.0
    short = True
    for entry in TENSORS.from_source(BytesSource(data)).entries:
        part = data[entry.offset : entry.stop]
        if entry.dtype not in MANTISSAS:
            bound, given = bound + 8 * len(part), given + 8 * len(part)
            continue
        size, mantissa = MANTISSAS[entry.dtype]
        values = np.frombuffer(part, f"<u{size}")
        bound += entropy(np.unique(values >> mantissa, return_counts=True)[1]) + len(values) * mantissa
        short &= size == 2
        given += entropy(np.unique(values, return_counts=True)[1]) if size == 2 else 0
    return bound / 8, given / 8 if short else None


def dfloat11(data: bytes) -> int | None:
    """Bytes in DFloat11's format (see above); None for other types than BF16."""
    entries = TENSORS.from_source(BytesSource(data)).entries
    if any(entry.dtype != "BF16" for entry in entries):
        return None
    values = np.concatenate([np.frombuffer(data[entry.offset : entry.stop], "<u2") for entry in entries])
    counts = np.bincount(values >> 7 & 255, minlength=256)
    heap = [(int(count), number) for number, count in enumerate(counts) if count]
    bits, number = 0, 256
    heapq.heapify(heap)
    while len(heap) > 1:  # each merge adds one bit to every symbol below it
        first, second = heapq.heappop(heap)[0], heapq.heappop(heap)[0]
        bits += first + second
        heapq.heappush(heap, (first + second, number))
        number += 1
    code = -(-bits // 8)
    threads = -(-code // 8)
    return code + len(values) + -(-threads * 5 // 8) + -(-threads // 512) * 4 + entries[0].offset


def measured(
    encode: Callable[[Any], Any], decode: Callable[[Any], Any], data: bytes, repeat: int, copy: Callable[[bytes], Any] = bytes
) -> tuple[float, float, Any]:
    """(encoding, decoding) in GB/s, best of `repeat`, and the encoded form. `copy` makes the input, outside the clock."""
    encoded = encode(copy(data))
    decode(encoded)
    best = [9e9, 9e9]
    for _ in range(repeat):
        given = copy(data)
        start = time.perf_counter()
        encoded = encode(given)
        middle = time.perf_counter()
        decode(encoded)
        best = [min(best[0], middle - start), min(best[1], time.perf_counter() - middle)]
    return len(data) / best[0] / 1e9, len(data) / best[1] / 1e9, encoded


def _ours(effort: int, data: bytes, repeat: int) -> tuple[float, float, int]:
    coder = lacodec.codec("weights", effort=effort)

    def decode(encoded: bytes) -> None:
        with lacodec.open(encoded) as opened:
            for position in range(len(opened._reader.index)):
                opened._decoding.part(opened._reader.chunk(position, True))  # as opened[name] does

    fast, slow, encoded = measured(coder.encode, decode, data, repeat)
    from lacodec.container import Limits, stream
    from lacodec.pipeline.decoding import Decoding

    header, chunks = stream(BytesSource(encoded), Limits())
    decoding = Decoding(header, "check")
    if b"".join(TENSORS.to_blocks(decoding.codec.assemble(header, decoding.parts(chunks, 1)))) != data:
        raise SystemExit("not restored")
    return fast, slow, len(encoded)


def _zipnn(data: bytes, dtype: str, repeat: int) -> tuple[float, float, int] | None:
    from zipnn import ZipNN

    names = {"BF16": "bfloat16", "F16": "float16", "F32": "float32"}
    if dtype not in names:
        return None
    best = None
    for streaming in (False, True):
        coder = ZipNN(input_format="byte", bytearray_dtype=names[dtype], threads=1, is_streaming=streaming)

        # It changes its input.
        fast, slow, encoded = measured(coder.compress, coder.decompress, data, repeat, bytearray)
        if bytes(coder.decompress(encoded)) != data:
            continue  # it loses data in this mode
        if best is None or len(encoded) < best[2]:
            best = fast, slow, len(encoded)
    return best


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--efforts", default="1,5,9")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--synthetic", type=int, default=64)
    parser.add_argument("--only", default="", help="subjects with this in their name")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    efforts = [int(effort) for effort in args.efforts.split(",")]
    rows: list[dict[str, Any]] = []
    heads = [f"{name:>16}" for name in [*(f"effort {effort}" for effort in efforts), "zipnn"]]
    print(f"{'subject, bytes':44}{'bound':>7}{'given':>7}{'DF11':>7}{'zstd':>7}{''.join(heads)}   % (GB/s in, out)")
    for name, data in subjects(args.folder, args.synthetic):
        if args.only not in name:
            continue
        dtypes = [entry.dtype for entry in TENSORS.from_source(BytesSource(data)).entries]
        dtype = max(set(dtypes), key=dtypes.count)
        bound, given = bounds(data)
        row: dict[str, Any] = {"subject": name, "bytes": len(data), "dtype": dtype, "bound": bound, "given": given}
        row |= {"dfloat11": dfloat11(data), "zstd": len(zstandard.ZstdCompressor(level=3).compress(data))}
        for effort in efforts:
            row[f"effort {effort}"] = _ours(effort, data, args.repeat)
        row["zipnn"] = _zipnn(data, dtype, args.repeat)
        rows.append(row)
        print(_line(row, len(data)), flush=True)
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1))


def _line(row: dict[str, Any], size: int) -> str:
    shares = "".join(
        f"{100 * row[key] / size:7.2f}" if row[key] else f"{'-':>7}" for key in ("bound", "given", "dfloat11", "zstd")
    )
    methods = [value for key, value in row.items() if key.startswith("effort") or key == "zipnn"]
    cells = [f"{100 * m[2] / size:6.2f} {m[0]:4.2f} {m[1]:4.2f}" if m else "-" for m in methods]
    return f"{row['subject'] + f', {size:,}':44}{shares}{''.join(f'{cell:>16}' for cell in cells)}"


if __name__ == "__main__":
    main()
