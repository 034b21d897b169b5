"""A sound file written in another format than it came in: what that format cannot hold is an error that says so.

WAV or AIFF -> FLAC    all chunks are kept, in application blocks "riff" or "aiff" (as by `flac --keep-foreign-metadata`)
FLAC -> WAV or AIFF    they come back out of such blocks
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from lacodec.errors import BadInput, LacodecError
from lacodec.io.source import BytesSource
from lacodec.media.audio import aiff, flac, flac_metadata, wav
from lacodec.media.audio.samples import from_bytes, to_bytes
from lacodec.media.audio.value import Audio

_APPLICATIONS = {"wav": b"riff", "aiff": b"aiff"}
_SAMPLES = {"wav": b"data", "aiff": b"SSND"}  # the chunk that holds them
_EMPTY = {  # chunks that say nothing which another format's header does not
    "wav": (b"fmt ", b"fact", b"ds64", b"JUNK", b"junk", b"PAD ", b"FLLR", b"PEAK"),
    "aiff": (b"COMM", b"FVER", b"JUNK", b"FLLR", b"PEAK"),
}
_USUAL_MASKS = {0: (), 1: (4,), 2: (3,), 3: (7,), 4: (0x33,), 5: (0x37, 0x607), 6: (0x3F, 0x60F), 7: (0x70F,), 8: (0x63F,)}
_UNKNOWN = 0xFFFFFFFF


@dataclass
class _Around:
    """What stands around the samples. names: what of it another format lacks; pieces: all of it, chunk by chunk, None when it is
    no sequence of chunks; described: the content of the chunk that describes the samples."""

    names: list[str] = field(default_factory=list)
    described: bytes = b""
    pieces: list[bytes] | None = field(default_factory=list)


def writer(format: str) -> Callable[[Audio], Iterator[bytes]]:
    """What writes files of this format."""
    return {"wav": wav.write, "aiff": aiff.write, "flac": flac.write}[format]


def converted(value: Audio, wanted: str) -> Iterator[bytes]:
    """A file of format `wanted` with a sound that came from a file of another one; raises BadInput for what it cannot hold."""
    if value.format == "flac":
        yield from _from_flac(value, wanted)
        return
    value = replace(value, tail=BytesSource(b"".join(value.tail.blocks(1 << 20))))
    around = _around(value)
    if around.names and wanted == "flac" and around.pieces:
        id_ = _APPLICATIONS[value.format or ""]
        blocks = tuple((flac_metadata.APPLICATION, id_ + piece) for piece in around.pieces)
        value = replace(value, format="flac", head=flac_metadata.join_blocks(blocks))
    elif around.names:
        raise _refused(value, wanted, around.names)
    yield from writer(wanted)(value)


def _from_flac(value: Audio, wanted: str) -> Iterator[bytes]:
    names, pieces = [], []
    for kind, body in flac_metadata.split_blocks(value.head):
        if kind == flac_metadata.APPLICATION and body[:4] == _APPLICATIONS[wanted]:
            pieces.append(body[4:])
        elif kind == flac_metadata.COMMENTS:
            found = sorted(set(flac_metadata.tags(body)))
            names += [f"tags ({', '.join(found)})"] if found else []
        else:
            names.append(flac_metadata.name_of(kind))
    if names:
        raise _refused(value, wanted, names)
    if not pieces:
        yield from writer(wanted)(value)
        return
    at = next((i for i, piece in enumerate(pieces, 1) if piece[:4] == _SAMPLES[wanted]), 0)
    head, tail = b"".join(pieces[:at]), b"".join(pieces[at:])
    size = value.pcm.size or 0
    try:
        found_at = (wav if wanted == "wav" else aiff).locate(BytesSource(head))
    except LacodecError as error:
        raise _refused(value, wanted, [flac_metadata.name_of(flac_metadata.APPLICATION)]) from error
    layout = found_at.layout
    same_kind = layout[0] != "f" and int(layout[1:].rstrip("lbe")) == int(value.layout[1:].rstrip("lbe"))
    if (found_at.start, found_at.size, found_at.channels, found_at.rate, same_kind) != (
        len(head),
        size,
        value.channels,
        value.rate,
        True,
    ):
        raise _refused(value, wanted, [flac_metadata.name_of(flac_metadata.APPLICATION)])
    yield head
    for block in value.pcm.blocks(value.frame_size * (1 << 16)):
        yield to_bytes(from_bytes(block, value.layout, value.channels), layout)
    yield (b"\0" if size & 1 else b"") + tail


def _refused(value: Audio, wanted: str, names: list[str]) -> BadInput:
    format_ = value.format or "wav"
    return BadInput(
        f"{wanted.upper()} cannot hold everything in this {format_.upper()} file: {', '.join(names)}; decode to .{format_}"
    )


def _around(value: Audio) -> _Around:
    """What stands before and behind the samples of a WAV or AIFF file."""
    format_ = value.format or ""
    found = _Around()
    start = _head(value, format_, found)
    tail = value.tail.read(0, value.tail.size or 0)
    declared = _declared(value, format_, start)
    size = value.pcm.size or 0
    missing = min(len(tail), declared - size) if declared is not None else len(tail) if len(tail) < value.frame_size else 0
    if missing > 0 and any(tail[:missing]):
        found.names.append(f"part of a sample at the end ({missing} bytes)")
    if missing or declared is None:
        found.pieces = None
    at = max(0, missing)
    if declared is not None and declared & 1 and tail[at : at + 1] == b"\0":
        at += 1
    at = _walk(tail, at, format_, found)
    if any(tail[at:]):
        found.names.append(f"{len(tail) - at} bytes after the sound")
        found.pieces = None
    _format_details(value, format_, found)
    return found


def _head(value: Audio, format_: str, found: _Around) -> int:
    """Note the chunks before the samples; returns where the chunk that holds those begins."""
    head = value.head
    if found.pieces is not None:
        found.pieces.append(head[:12])
    at = _walk(head, 12, format_, found)
    if head[at : at + 4] == _SAMPLES[format_] and found.pieces is not None and head[:4] != b"RF64":
        found.pieces.append(head[at:])
    else:
        found.pieces = None
    return at


def _walk(data: bytes, at: int, format_: str, found: _Around) -> int:
    """Note the chunks in `data` from `at` on, up to the one with the samples or what is none; returns where it stopped."""
    order = "<" if format_ == "wav" else ">"
    while at + 8 <= len(data):
        name, size = struct.unpack(f"{order}4sI", data[at : at + 8])
        stop = at + 8 + size + (size & 1)
        if name == _SAMPLES[format_] or at + 8 + size > len(data) or not name.isascii():
            break
        if name in (b"fmt ", b"COMM"):
            found.described = data[at + 8 : at + 8 + size]
        if name not in _EMPTY[format_]:
            found.names.append(f"the chunk {name.decode('ascii')!r}")
        if found.pieces is not None:
            found.pieces.append(data[at:stop])
        at = min(stop, len(data))
    return at


def _declared(value: Audio, format_: str, start: int) -> int | None:
    """Bytes of samples that the file's own header tells; None when it does not, as streams do."""
    head = value.head[start : start + 16]
    if format_ == "wav":
        size = int.from_bytes(head[4:8], "little")
        return None if size in (0, _UNKNOWN) and value.pcm.size else size
    size, offset = int.from_bytes(head[4:8], "big"), int.from_bytes(head[8:12], "big")
    return size - 8 - offset


def _format_details(value: Audio, format_: str, found: _Around) -> None:
    """Note what the header says of the samples that other formats' headers, as they are written here, do not."""
    said = found.described
    if format_ == "wav":
        kind, bits = struct.unpack("<H12xH", said[:16])
        if kind == 0xFFFE and len(said) >= 24:
            valid, mask = struct.unpack("<HI", said[18:24])
            bits = valid or bits
            if mask and mask not in _USUAL_MASKS[value.channels]:
                found.names.append(f"the loudspeakers {mask:#x}")
    else:
        bits, exponent, mantissa = struct.unpack(">HHQ", said[6:18])
        shift = 16383 + 63 - exponent
        if shift < 0 or value.rate << 64 != (mantissa << 64) >> shift:
            found.names.append("a rate that is not a whole number")
    if bits % 8:
        found.names.append(f"samples of {bits} bits")
