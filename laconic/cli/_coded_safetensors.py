"""safetensors files that hold coded tensors, in `encode` (asked for by the name of the output) and `decode`."""

import os
from typing import TYPE_CHECKING

from laconic.cli._files import PIPE, Job

if TYPE_CHECKING:
    from laconic.api import FileResult

_SUFFIX = ".safetensors"


def wanted(job: Job, codec: str | None) -> bool:
    """Whether encoding this job shall give a safetensors file."""
    return PIPE not in (job.source, job.target) and job.target.endswith(_SUFFIX) and codec in (None, "weights")


def given(job: Job) -> bool:
    """Whether the source of a job for `decode` is such a file."""
    from laconic.integrations.coded_safetensors import holds_coded

    return job.source != PIPE and holds_coded(job.source)


def encode(job: Job, threads: int | None, force: bool, options: dict[str, object]) -> "FileResult":
    """Code it; every tensor is decoded and compared before the file is kept."""
    from laconic.api import FileResult
    from laconic.integrations.coded_safetensors import encode_safetensors

    encode_safetensors(job.source, job.target, threads=threads, force=force, **options)
    return FileResult(os.path.getsize(job.source), os.path.getsize(job.target), "weights", "bytes")


def decode(job: Job, force: bool) -> "FileResult":
    """Write the original; to a file only, since its hash is known to be right at the end."""
    from laconic.api import FileResult
    from laconic.integrations.coded_safetensors import decode_safetensors

    decode_safetensors(job.source, job.target, force=force)
    return FileResult(os.path.getsize(job.target), os.path.getsize(job.source), "weights", "bytes")
