"""Our coder and CompressAI's on the same latents: bytes and million symbols a second, in both directions.

    python benchmarks/compressai_coder.py PICTURE ... [-q 50] [--rounds 7] [--json FILE]

The latents are real ones: image.learned codes the pictures, and its symbols and table numbers (64 scales from 0.11 to 256, as in
CompressAI) are coded again, with CompressAI's own Gaussian tables of those scales: by its coder from lists that are ready, by its
coder from arrays, by its `EntropyModel.compress` as its models call it, and by ours with the same tables (R64, 16 bits) and
with tables of 14 bits (R32). Processor time of one thread, best of the rounds.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import lacodec
from benchmarks import compressai_models
from benchmarks.learned_ways import Asked
from lacodec.codecs import model_files
from lacodec.codecs.image.learned import tiles
from lacodec.codecs.image.learned.quality import Quality
from lacodec.container import Header, Reader
from lacodec.entropy.distributions import load, scale_of
from lacodec.entropy.rans import RansDecoder, RansEncoder
from lacodec.entropy.tables import Tables, cost_bits
from lacodec.evaluation.rate_distortion import read_rgb
from lacodec.integrations.compressai._steps import Coder, Encoding
from lacodec.io.source import BytesSource
from lacodec.models.image.model import unpack

HEADER = Header("image.learned", 0, {})


@dataclass
class Job:
    """A coder: `decode` gives the symbols back as an array or a list."""

    name: str
    encode: Callable[[], bytes]
    decode: Callable[[bytes], Any]
    size: int = 0
    encode_s: float = 1e9
    decode_s: float = 1e9


def latents(path: Path, quality: float) -> tuple[np.ndarray, np.ndarray]:
    """(symbols, table numbers) int32[n] of a picture's tiles."""
    network = unpack(model_files.read_arrays(model_files.shipped()["small"]))
    asked = Asked(network.entropy, 0)
    network.entropy = asked  # type: ignore[assignment]
    reader = Reader(BytesSource(lacodec.encode(read_rgb(path), "image.learned", quality=quality)))
    contents = []
    for number, head in enumerate(reader.index):
        (top, bottom), (left, right) = head.covers
        contents.append(
            tiles.decode_tile(
                network, reader.chunk(number).payload, (top, bottom, left, right), 3, Quality((quality - 1) / 99), HEADER
            )[1]
        )
    return np.frombuffer(b"".join(contents), "<i2").astype(np.int32), np.concatenate(asked.scales).astype(np.int32)


def jobs(symbols: np.ndarray, index: np.ndarray) -> list[Job]:
    """All ways to code them."""
    from compressai import ans
    from compressai.entropy_models import GaussianConditional

    model = GaussianConditional(scale_of("gaussian-14").tolist())
    model.update()
    lists = [symbols.tolist(), index.tolist()]
    tables = [model.quantized_cdf.tolist(), model.cdf_length.tolist(), model.offset.tolist()]
    tensors = torch.from_numpy(symbols)[None, :].float(), torch.from_numpy(index)[None, :]
    same: Tables = Coder(model, Encoding()).tables
    found = [
        Job(
            "CompressAI, lists ready",
            lambda: ans.RansEncoder().encode_with_indexes(*lists, *tables),
            lambda s: ans.RansDecoder().decode_with_indexes(s, lists[1], *tables),
        ),
        Job(
            "CompressAI, arrays",
            lambda: ans.RansEncoder().encode_with_indexes(symbols.tolist(), index.tolist(), *tables),
            lambda s: np.array(ans.RansDecoder().decode_with_indexes(s, index.tolist(), *tables), np.int32),
        ),
        Job(
            "CompressAI, compress()",
            lambda: model.compress(*tensors)[0],
            lambda s: model.decompress([s], tensors[1])[0].int().numpy(),
        ),
    ]
    short = index.astype(np.uint16)
    for name, width, lanes, ours in (
        ("lacodec R64, the same tables", 64, None, same),
        ("lacodec R32, 14 bits", 32, None, load("gaussian-14")),
        ("lacodec R32, 14 bits, as image.learned", 32, 8, load("gaussian-14")),
    ):
        found.append(
            Job(
                name,
                lambda width=width, lanes=lanes, ours=ours: RansEncoder(width, lanes).push(symbols, ours, short).finish(),  # type: ignore[misc]
                lambda s, ours=ours: RansDecoder(s).pull(len(symbols), ours, short),  # type: ignore[misc]
            )
        )
    print(f"  ideal: {cost_bits(symbols, same, short) / 8:.0f} bytes by CompressAI's tables")
    return found


def measure(found: list[Job], symbols: np.ndarray, rounds: int) -> None:
    """Interleaved."""
    for number in range(rounds + 1):
        for job in found:
            start = time.thread_time()
            stream = job.encode()
            middle = time.thread_time()
            decoded = job.decode(stream)
            end = time.thread_time()
            if number == 0:  # compiles, and shows that all is well
                if not np.array_equal(np.asarray(decoded), symbols):
                    raise SystemExit(f"{job.name}: decodes to other symbols")
                job.size = len(stream)
            else:
                job.encode_s, job.decode_s = min(job.encode_s, middle - start), min(job.decode_s, end - middle)


def main() -> None:
    """A table for all pictures together."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="+", type=Path)
    parser.add_argument("-q", "--quality", type=float, default=50)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    compressai_models.stand_in()
    torch.set_num_threads(1)
    pairs = [latents(path, args.quality) for path in args.pictures]
    symbols, index = (np.concatenate([pair[i] for pair in pairs]) for i in (0, 1))
    print(f"{len(symbols)} symbols of {len(args.pictures)} pictures at quality {args.quality:g}")
    found = jobs(symbols, index)
    measure(found, symbols, args.rounds)
    rows = [(job.name, job.size, len(symbols) / job.encode_s / 1e6, len(symbols) / job.decode_s / 1e6) for job in found]
    for name, size, encode, decode in rows:
        print(f"  {name:40} {size:9} bytes  encode {encode:7.1f}  decode {decode:7.1f} Msym/s")
    if args.json:
        args.json.write_text(json.dumps([dict(zip(("coder", "bytes", "encode", "decode"), row, strict=True)) for row in rows]))


if __name__ == "__main__":
    main()
