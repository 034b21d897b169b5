"""Codec `audio.transform`: sound with loss, by a lapped transform (MDCT) and an entropy model that learns while it codes.

    samples --blocks of fitting sizes--> spectra --levels, steps--> integers --mixed contexts--> chunks
    chunks --> integers --steps, noise--> spectra --> samples

A chunk is about eight seconds and decodes alone, to integers that are the same on every machine; synthesis then needs its
neighbours for the samples at its borders. The content hash is of the integers. A file of one chunk whose samples take fewer bytes
as they are has these instead.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lacodec.codecs.audio.transform._options import Options
from lacodec.codecs.base import Codec
from lacodec.codecs.options import unusual
from lacodec.codecs.regions import Layout, Lost, Range
from lacodec.codecs.session import DEFAULT, Session
from lacodec.container.types import CRITICAL, Chunk, ChunkHead, Header, content_hash
from lacodec.errors import BadInput, CorruptFile
from lacodec.io.source import BytesSource
from lacodec.io.streams import IteratorSource
from lacodec.io.threads import ordered_map
from lacodec.media.audio.sound import SOUND, restored_layout
from lacodec.media.audio.value import LAYOUTS, MAX_CHANNELS, Audio, sample_size

if TYPE_CHECKING:
    from lacodec.codecs.audio.transform._chunks import Planned
    from lacodec.codecs.audio.transform._joined import Part
    from lacodec.codecs.audio.transform._options import Settings

_FACTS = "sound"  # metadata: [rate, channels, place of the layout in LAYOUTS, samples]
_BYTES_PER_SAMPLE = 4  # at most; what `memory` counts in
_LONGEST = 1 << 48
_STORED = b"\1"  # begins the payload of samples as they are


class AudioTransform(Codec[Audio]):
    """Sound of 1 to 8 channels with loss, at a quality from 1 to 100."""

    name = "audio.transform"
    stream_version = 1
    identical = "none"
    media = SOUND
    Options = Options

    def metadata(self, value: Audio, session: Session = DEFAULT) -> dict[str, Any]:
        """Rate, channels, layout, number of samples."""
        size = value.pcm.size
        if size is None:
            raise BadInput(f"{value.pcm.name}: its length must be known before it is encoded; save it to a file first")
        layout = LAYOUTS.index(restored_layout(value.layout))
        return {_FACTS: [value.rate, value.channels, layout, size // value.frame_size]}

    @staticmethod
    def describe(header: Header, index: Sequence[ChunkHead]) -> dict[str, Any]:
        """The metadata as `lacodec info` shows it."""
        try:
            rate, channels, layout, samples = _facts(header)
        except CorruptFile:  # decoding will report it
            return header.metadata
        return {"rate": rate, "channels": channels, "layout": layout, "samples": samples}

    def options_dict(self) -> dict[str, Any]:
        """Those that differ from the defaults."""
        return unusual(self.options)

    def format_of(self, value: Audio) -> str | None:
        """WAV, whatever it was."""
        return "wav"

    @classmethod
    def samples(cls) -> list[Any]:
        """A tone in stereo."""
        import numpy as np

        places = np.arange(6000)
        tone = np.stack([places * places % 4001 - 2000, places * 7 % 3001 - 1500], 1)
        return [Audio.from_samples(tone.astype(np.int16), 44100)]

    def chunk_size(self) -> int:
        """Samples of a million in all channels."""
        return _BYTES_PER_SAMPLE << 20

    def content_size(self, value: Audio) -> int | None:
        """Samples as they are restored."""
        size = value.pcm.size
        return None if size is None else size // value.frame_size * value.channels * sample_size(restored_layout(value.layout))

    def memory(self, size: int, payload: bytes | None = None) -> int:
        """Spectra with blocks of all sizes when encoding, symbols and samples when decoding, 8 bytes each; 16-bit samples."""
        return (120 if payload is None else 48) * size + (48 << 20)

    def encode(self, value: Audio, session: Session = DEFAULT) -> Iterator[Chunk]:
        """One chunk after another is analysed, several are coded at a time."""
        from lacodec.codecs.audio.transform._target import settings_for

        value, stored = _stored(value)
        settings = settings_for(value, self.options)
        return ordered_map(
            lambda item: self._chunk(*item, stored, value, settings, session), _pieces(value, settings), session.threads
        )

    def decode_chunk(self, header: Header, chunk: Chunk, shared: Sequence[Chunk] = (), session: Session = DEFAULT) -> "Part":
        """The symbols of the chunk."""
        from lacodec.codecs.audio.transform._joined import Part
        from lacodec.codecs.audio.transform._payload import decode_groups, symbols_hash
        from lacodec.codecs.audio.transform._tables import bands_at

        rate, channels, layout, samples = _facts(header)
        if chunk.kind != CRITICAL or len(chunk.covers) != 1:
            raise CorruptFile("it does not cover a range of samples")
        start, stop = chunk.covers[0]
        if stop > samples or chunk.decoded_size != (stop - start) * channels * sample_size(layout):
            raise CorruptFile("its decoded size contradicts the range it covers")
        frame = bands_at(rate).frame
        if stop < samples and (stop - start) % frame:
            raise CorruptFile("it ends within a frame")
        if chunk.payload[:1] == _STORED and stop - start == samples:
            part = _stored_part(chunk, layout, channels)
        else:
            groups = decode_groups(chunk.payload, rate, channels, -(-(stop - start) // frame)) if stop > start else []
            if symbols_hash(groups) != chunk.content_hash:
                raise CorruptFile("its symbols differ from those that were encoded")
            part = Part(start, stop, groups)
        session.report(chunk.decoded_size)
        return part

    def assemble(self, header: Header, parts: Iterator["Part | Lost"], session: Session = DEFAULT) -> Audio:
        """Sound that is made while it is read; silence stands for lost chunks."""
        rate, channels, layout, samples = _facts(header)
        return Audio(rate, channels, layout, IteratorSource(_pcm(parts, rate, channels, layout, samples)), "wav")

    def layout(self, header: Header, index: Sequence[ChunkHead], part: Callable[[int], Any]) -> Layout:
        """Samples[samples, channels], as `Audio.samples` has them."""
        import numpy as np

        _, channels, layout, samples = _facts(header)
        return Layout((samples, channels), np.dtype(np.float32 if layout.startswith("f") else np.int32))

    def select(self, header: Header, index: Sequence[ChunkHead], key: Any) -> list[int]:
        """Chunks of a range of samples, and those that overlap with them; `key` is a slice with step 1."""
        wanted = Range.of(key, _facts(header)[3], "audio")
        return wanted.grown(1 << 14).chunks(index)

    def extract(
        self, header: Header, index: Sequence[ChunkHead], key: Any, parts: Sequence["Part"], session: Session = DEFAULT
    ) -> Audio:
        """The sound of that range."""
        rate, channels, layout, samples = _facts(header)
        wanted = Range.of(key, samples, "audio")
        frame = channels * sample_size(layout)
        start = parts[0].start if parts else 0
        data = b"".join(_pcm(iter(parts), rate, channels, layout, samples))
        return Audio(
            rate, channels, layout, BytesSource(data[(wanted.start - start) * frame : (wanted.stop - start) * frame]), "wav"
        )

    def _chunk(
        self, start: int, planned: "Planned", stored: bytes | None, value: Audio, settings: "Settings", session: Session
    ) -> Chunk:
        from lacodec.codecs.audio.transform._payload import encode_groups, symbols_hash

        payload, found = encode_groups(planned.groups, value.rate, settings) if planned.groups else (b"", [])
        size = planned.samples * value.channels * sample_size(restored_layout(value.layout))
        session.report(size)
        covers = ((start, start + planned.samples),)
        if stored is not None and len(stored) < len(payload):
            return Chunk(CRITICAL, covers, _STORED + stored, content_hash(stored), size)
        return Chunk(CRITICAL, covers, payload, symbols_hash(found), size)


def _stored(value: Audio) -> tuple[Audio, bytes | None]:
    """The value, and its samples as they would be restored if all of them make one chunk; it is then held in memory."""
    from lacodec.codecs.audio.transform._chunks import chunk_samples
    from lacodec.codecs.audio.transform._pcm import bytes_of, samples_of
    from lacodec.codecs.audio.transform._tables import bands_at

    size = value.pcm.size
    if size is None or size > chunk_samples(value.rate, value.channels, bands_at(value.rate).frame) * value.frame_size:
        return value, None
    pcm = value.pcm.read(0, size)
    if len(pcm) < size or size % value.frame_size:
        raise BadInput(f"{value.pcm.name}: changed while it was read; encode it again")
    samples = samples_of(pcm, value.layout, value.channels, value.pcm.name)
    return replace(value, pcm=BytesSource(pcm, value.pcm.name)), bytes_of(samples, restored_layout(value.layout))


def _stored_part(chunk: Chunk, layout: str, channels: int) -> "Part":
    from lacodec.codecs.audio.transform._joined import Part
    from lacodec.codecs.audio.transform._pcm import exact_samples

    data = bytes(chunk.payload[1:])
    if len(data) != chunk.decoded_size or content_hash(data) != chunk.content_hash:
        raise CorruptFile("its samples differ from those that were encoded")
    return Part(*chunk.covers[0], None, exact_samples(data, layout, channels))


def _pieces(value: Audio, settings: "Settings") -> Iterator[tuple[int, "Planned"]]:
    """(first sample, what to code) of each chunk; one without samples if there are none."""
    from lacodec.codecs.audio.transform._chunks import Planned, chunk_samples, planned
    from lacodec.codecs.audio.transform._pcm import samples_of
    from lacodec.codecs.audio.transform._tables import bands_at

    bands = bands_at(value.rate)
    size = chunk_samples(value.rate, value.channels, bands.frame) * value.frame_size
    blocks = (samples_of(block, value.layout, value.channels, value.pcm.name) for block in value.pcm.blocks(size))
    at = 0
    for piece in planned(blocks, bands, settings.rule):
        yield at, piece
        at += piece.samples
    if not at:
        yield 0, Planned(0, [])
    if at * value.frame_size != value.pcm.size:
        raise BadInput(f"{value.pcm.name}: changed while it was read; encode it again")


def _pcm(parts: Iterator["Part | Lost"], rate: int, channels: int, layout: str, samples: int) -> Iterator[bytes]:
    from lacodec.codecs.audio.transform._joined import joined
    from lacodec.codecs.audio.transform._pcm import bytes_of
    from lacodec.codecs.audio.transform._tables import bands_at

    for _, values in joined(_known(parts), channels, bands_at(rate)):
        yield bytes_of(values, layout)


def _known(parts: Iterator["Part | Lost"]) -> Iterator["Part"]:
    """The parts, with gaps for lost ones whose range is known."""
    from lacodec.codecs.audio.transform._joined import Part

    for part in parts:
        if isinstance(part, Part):
            yield part
        elif part.covers is not None and len(part.covers) == 1:
            start, stop = part.covers[0]
            for at in range(start, stop, 1 << 20):
                yield Part(at, min(at + (1 << 20), stop), None)


def _facts(header: Header) -> tuple[int, int, str, int]:
    """(rate, channels, layout, samples); raises CorruptFile if the header does not tell them."""
    facts = header.metadata.get(_FACTS)
    if not isinstance(facts, list) or len(facts) != 4 or not all(type(fact) is int for fact in facts):
        raise CorruptFile("the header does not describe the samples")
    rate, channels, layout, samples = facts
    known = 0 <= layout < len(LAYOUTS) and restored_layout(LAYOUTS[layout]) == LAYOUTS[layout]
    if not (known and 0 <= rate < 1 << 32 and 1 <= channels <= MAX_CHANNELS and 0 <= samples < _LONGEST):
        raise CorruptFile(f"the header claims {samples} samples of {channels} channels at {rate} Hz")
    return rate, channels, LAYOUTS[layout], samples
