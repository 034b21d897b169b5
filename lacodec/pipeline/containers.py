"""The two containers, told apart by the first bytes of a file: `.lac`, and safetensors with coded tensors.

    file --first bytes--> `files.py`, `inspect.py`  |  `coded_safetensors.py`, `coded_inspect.py`

`encode_file` decides by the request: a target named *.safetensors for codec `weights`.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lacodec.codecs.registry import HEAD_SIZE
from lacodec.codecs.session import Session
from lacodec.container.layout import MAGIC
from lacodec.errors import BadInput
from lacodec.io.places import is_special, open_source
from lacodec.io.progress import Progress
from lacodec.io.source import Source
from lacodec.io.streams import seekable
from lacodec.media.tensors.files import TENSORS
from lacodec.pipeline import files, inspect
from lacodec.pipeline.choice import make_codec
from lacodec.pipeline.files import FileResult, Place
from lacodec.pipeline.inspect import CheckResult, Info
from lacodec.pipeline.references import opened_references

SAFETENSORS = ".safetensors"


def is_safetensors(source: Source) -> bool:
    """Whether a file is a safetensors file by its first bytes, coded or not."""
    head = source.peek(HEAD_SIZE)
    return head[8:9] == b"{" and TENSORS.sniff(head)


def is_encoded(path: str | os.PathLike[str]) -> bool:
    """Whether a regular file is one of ours: a `.lac` file by its first bytes, or a safetensors file with coded tensors."""
    with open_source(path) as source:
        if source.peek(len(MAGIC)) == MAGIC:
            return True
        if not is_safetensors(source):
            return False
        from lacodec.pipeline.coded_safetensors import holds_coded

        return holds_coded(source)


def codes_as_safetensors(target: Place, codec: str | None) -> bool:
    """Whether encoding to `target` gives a safetensors file with coded tensors."""
    if not isinstance(target, str | os.PathLike) or codec not in (None, "weights") or is_special(target):
        return False
    return os.fspath(target).endswith(SAFETENSORS)


def encode_file(
    source: Place | Source,
    target: Place,
    codec: str | None = None,
    options: Mapping[str, Any] | None = None,
    *,
    threads: int = 1,
    verify: bool = True,
    force: bool = False,
    progress: Progress | None = None,
    max_memory: int | None = None,
    device: str | None = None,
) -> FileResult:
    """Encode a file or pipe; see `lacodec.encode_file`. A safetensors target with coded tensors is always verified."""
    options = dict(options or {})
    as_safetensors = codes_as_safetensors(target, codec)
    made = make_codec("weights" if as_safetensors else codec, options)  # reports errors before anything is opened
    if as_safetensors and made.identical != "bytes":
        raise BadInput(f"{target}: coded tensors in a safetensors file are lossless; with --bits or --size name it .lac")
    files.refuse_early(source, target, force)
    with open_source(source, may_grow=True) as opened:
        session = Session(threads, device=device, max_memory=max_memory)
        if as_safetensors:
            from lacodec.pipeline.coded_safetensors import encode_opened

            assert isinstance(target, str | os.PathLike)
            with seekable(opened) as whole:
                return encode_opened(whole, target, session=session, force=force, progress=progress, options=options)
        with opened_references(options.get(made.reference_option or "")) as references:
            session = replace(session, references=references)
            return files.encode_opened(
                opened, target, codec, options, session=session, verify=verify, force=force, progress=progress
            )


def decode_file(
    source: Place | Source,
    target: Place,
    *,
    threads: int = 1,
    force: bool = False,
    salvage: bool = False,
    progress: Progress | None = None,
    max_size: int | None = None,
    max_memory: int | None = None,
    base: Any = None,
    device: str | None = None,
) -> FileResult:
    """Decode a file or pipe; see `lacodec.decode_file`. A safetensors file with coded tensors becomes a plain one."""
    files.refuse_early(source, target, force)
    with open_source(source) as opened, opened_references(base) as bases:
        session = Session(threads, bases, device=device, max_memory=max_memory)
        if not is_safetensors(opened):
            return files.decode_opened(
                opened, target, session=session, force=force, salvage=salvage, progress=progress, max_size=max_size
            )
        from lacodec.pipeline.coded_safetensors import decode_opened

        with seekable(opened) as whole:
            return decode_opened(
                whole, target, session=session, force=force, salvage=salvage, progress=progress, max_size=max_size
            )


def info(path: str | os.PathLike[str] | Source) -> Info:
    """Describe a file from its header and index; raises LacodecError when not even those can be read."""
    with open_source(path) as opened:
        if not is_safetensors(opened):
            return inspect.info(opened)
        from lacodec.pipeline import coded_inspect

        with seekable(opened) as whole:
            return coded_inspect.info(whole)


def check(
    place: Place | Source,
    *,
    threads: int = 1,
    progress: Progress | None = None,
    max_size: int | None = None,
    base: Any = None,
    device: str | None = None,
) -> CheckResult:
    """Decode everything without writing, and report all damage. A file of another kind raises UnsupportedFile."""
    with open_source(place) as opened:
        if not is_safetensors(opened):
            return inspect.check(opened, threads=threads, progress=progress, max_size=max_size, base=base, device=device)
        from lacodec.pipeline import coded_inspect

        with seekable(opened) as whole, opened_references(base) as bases:
            return coded_inspect.check(whole, Session(threads, bases, device=device), progress)
