"""safetensors files that hold coded tensors: in `encode` (asked for by the name of the output), `decode`, `info` and `test`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from lacodec.cli._files import PIPE, Job
from lacodec.codecs.registry import HEAD_SIZE
from lacodec.errors import BadInput
from lacodec.media.tensors.files import TENSORS

if TYPE_CHECKING:
    from lacodec.api import FileResult, Info, TestResult

_SUFFIX = ".safetensors"


def wanted(job: Job, codec: str | None) -> bool:
    """Whether encoding this job shall give a safetensors file."""
    return PIPE not in (job.source, job.target) and job.target.endswith(_SUFFIX) and codec in (None, "weights")


def is_safetensors(path: str | Path) -> bool:
    """Whether a file is a safetensors file by its first bytes, coded or not."""
    if not os.path.isfile(path):  # nothing is taken from a pipe
        return False
    with open(path, "rb") as file:
        head = file.read(HEAD_SIZE)
    return TENSORS.sniff(head) and head[8:9] == b"{"


def holds_coded(path: str | Path) -> bool:
    """Whether a file holds coded tensors, by its header."""
    if not is_safetensors(path):
        return False
    from lacodec.pipeline import coded_safetensors

    return coded_safetensors.holds_coded(path)


def encode(job: Job, threads: int | None, force: bool, options: dict[str, object]) -> "FileResult":
    """Code it; every tensor is decoded and compared before the file is kept."""
    from lacodec.api import FileResult
    from lacodec.pipeline.coded_safetensors import encode_safetensors

    encode_safetensors(job.source, job.target, threads=threads, force=force, **options)
    return FileResult(os.path.getsize(job.source), os.path.getsize(job.target), "weights", "bytes")


def decode(job: Job, force: bool, salvage: bool, base: list[str]) -> "FileResult":
    """Write the original; to a file only, since its hash is known to be right at the end."""
    if job.target == PIPE:
        raise BadInput(f"{job.source}: its tensors can be decoded to a file only; name one with -o")
    from lacodec.api import FileResult
    from lacodec.pipeline.coded_safetensors import decode_safetensors

    damage = decode_safetensors(job.source, job.target, force=force, salvage=salvage, base=base)
    return FileResult(os.path.getsize(job.target), os.path.getsize(job.source), "weights", "bytes", damage)


def info(path: str) -> "Info":
    """What `lacodec info` shows."""
    from lacodec.pipeline import coded_inspect

    return coded_inspect.info(path)


def test(path: str, base: list[str]) -> "TestResult":
    """What `lacodec test` finds."""
    from lacodec.pipeline import coded_inspect

    return coded_inspect.test(path, base=base)
