"""Codec `audio.walloc`: mono and stereo sound with loss, by an encoder of one matrix, and latents that networks can learn from.

    samples --wavelet packet, one matrix, companding--> int8 latents --codec features--> chunks
    chunks --> latents --one matrix, wavelet packet--> samples

A chunk has the latents of some seconds, all channels. The content hash is of the latents; samples may differ in the last bit
between machines.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from lacodec.codecs import walloc
from lacodec.codecs.base import Codec
from lacodec.codecs.options import unusual
from lacodec.codecs.regions import Lost
from lacodec.codecs.session import DEFAULT, Session
from lacodec.container.types import CRITICAL, Chunk, Header, content_hash
from lacodec.errors import BadInput, CorruptFile, LimitExceeded
from lacodec.io.source import BytesSource
from lacodec.io.threads import ordered_map
from lacodec.media.audio.sound import SOUND
from lacodec.media.audio.value import Audio

if TYPE_CHECKING:
    import numpy as np

    from lacodec.models.walloc.transform import Latents, Transform

_KIND = "audio"
_STEPS = 1 << 12  # latents of a chunk, in time: 24 seconds at 44.1 kHz
_BYTES = 2  # samples are restored as 16 bits
_MOST = 1 << 30


@dataclass(frozen=True)
class _Options:
    profile: str = field(default="20x", metadata={"help": "20x or 4.7x: how many samples become one latent"})
    model: str | None = field(default=None, metadata={"help": "a model file of your own (lacodec train walloc writes them)"})
    step: float | None = field(default=None, metadata={"help": "of latents, in the model's steps (default: by what is left out)"})

    def __post_init__(self) -> None:
        walloc.check_step(self.step)


@dataclass(frozen=True)
class _Part:
    """Latents i8[K, n] from place `first` on."""

    first: int
    latents: "Latents"


class WallocAudio(Codec[Audio]):
    """Mono and stereo sound with loss; 8-bit latents for networks (`latents`)."""

    name = "audio.walloc"
    stream_version = 0
    identical = "none"
    media = SOUND
    nested: ClassVar[Mapping[str, int]] = walloc.NESTED
    Options = _Options

    def model_id(self) -> bytes | None:
        """Of the model that the options name."""
        return self._model().id

    def options_dict(self) -> dict[str, Any]:
        """Those that differ from the defaults, without paths."""
        return unusual(self.options, ("model",))

    def metadata(self, value: Audio, session: Session = DEFAULT) -> dict[str, Any]:
        """Rate, channels, samples, peak in 32768ths, which latents are in units of; their step in sixteenths of the model's."""
        samples = _samples(value)
        return {"sound": [value.rate, value.channels, samples.shape[1], _peak(samples)], "step": self._latents(value, session)[1]}

    def format_of(self, value: Audio) -> str | None:
        """WAV, whatever it was."""
        return "wav"

    def chunk_size(self) -> int:
        """Of a sound in stereo."""
        return _STEPS * 256 * 2 * _BYTES

    def memory(self, size: int, payload: bytes | None = None) -> int:
        """Single-precision bands, a few at a time; coding of the latents."""
        return 40 * size + (64 << 20)

    def encode(self, value: Audio, session: Session = DEFAULT) -> Iterator[Chunk]:
        """The latents of the whole sound, then chunks of them."""
        model, samples = self._model(), _samples(value)
        latents, count = self._latents(value, session)[0], samples.shape[1]

        def chunk(first: int) -> Chunk:
            part = latents[:, first : first + _STEPS]
            start, stop = first * model.side, min(count, (first + _STEPS) * model.side)
            payload = walloc.encode(part, session)
            size = (stop - start) * value.channels * _BYTES
            return Chunk(CRITICAL, ((start, stop),), payload, content_hash(part.tobytes()), size)

        return ordered_map(chunk, range(0, latents.shape[1], _STEPS), session.threads)

    def decode_chunk(self, header: Header, chunk: Chunk, shared: Sequence[Chunk] = (), session: Session = DEFAULT) -> _Part:
        """Its latents."""
        (_, channels, count, _), model = _facts(header), _model_of(header)
        if chunk.kind != CRITICAL or len(chunk.covers) != 1:
            raise CorruptFile("it is not a part of a sound")
        start, stop = chunk.covers[0]
        possible = 0 <= start < stop <= count and not start % model.side and (stop == count or not stop % model.side)
        if not possible or (stop - start) * channels * _BYTES != chunk.decoded_size:
            raise CorruptFile("its samples are not those of a part of the sound")
        latents = walloc.decode(chunk.payload, (model.channels, -(-(stop - start) // model.side)), header, session)
        if content_hash(latents.tobytes()) != chunk.content_hash:
            raise CorruptFile("its latents differ from those that were encoded")
        return _Part(start // model.side, latents)

    def assemble(self, header: Header, parts: Iterator[Any], session: Session = DEFAULT) -> Audio:
        """The sound, of 16 bits; lost parts are silent."""
        import numpy as np

        (rate, channels, count, peak), model = _facts(header), _model_of(header)
        if count > _MOST:
            raise LimitExceeded(f"{count} samples do not fit into memory")
        latents, covered, lost = np.zeros((model.channels, -(-count // model.side)), np.int8), 0, False
        for part in parts:
            if isinstance(part, Lost):
                lost = True
                continue
            latents[:, part.first : part.first + part.latents.shape[1]] = part.latents
            covered += part.latents.shape[1]
        if covered != latents.shape[1] and not lost:
            raise CorruptFile("its parts do not cover the sound exactly")
        step = walloc.step_of(header)
        both = model.values(latents, step)[:, :count] * np.float32(2 * peak) if count else np.zeros((2, 0), np.float32)
        shown = both.mean(axis=0, keepdims=True) if channels == 1 else both
        pcm = np.clip(np.rint(shown), -32768, 32767).astype("<i2").T.tobytes()
        return Audio(rate, channels, "i16le", BytesSource(pcm), "wav")

    def latents(self, value: Any) -> "Latents":
        """i8[K, n] of a sound: what the file stores, to learn from."""
        return self._latents(self.media.from_object(value), DEFAULT)[0]

    def _latents(self, value: Audio, session: Session) -> "tuple[Latents, int]":
        """And their step in sixteenths of the model's; found once in a session."""

        def made() -> "tuple[tuple[Latents, int], Audio]":
            return latents_of(_samples(value), self._model(), walloc.in_sixteenths(self.options.step)), value

        return session.once((type(self), self.options, id(value)), made)[0]

    def _model(self) -> "Transform":
        return walloc.chosen(_KIND, self.options.profile, self.options.model)


def latents_of(samples: "np.ndarray", model: "Transform", step: int | None) -> "tuple[Latents, int]":
    """i8[K, n] of f32[1 or 2, samples] in 32768ths, with a peak of 1/2 after scaling, and their step."""
    import numpy as np

    if not samples.shape[1]:
        return np.zeros((model.channels, 0), np.int8), step or 16
    scaled = samples / np.float32(2 * _peak(samples))
    return model.latents(np.ascontiguousarray(np.broadcast_to(scaled, (2, samples.shape[1]))), step)


def _samples(value: Audio) -> "np.ndarray":
    """f32[channels, samples] in 32768ths; raises BadInput for more than two channels, NaN and infinity."""
    import numpy as np

    if value.channels > 2:
        raise BadInput(f"codec audio.walloc codes one or two channels, not {value.channels}; use audio.transform")
    if value.pcm.size is None:
        raise BadInput(f"{value.pcm.name}: its length must be known before it is encoded; save it to a file first")
    found = np.asarray(value.samples)
    bits = 16 if value.layout.startswith("f") else 8 * value.frame_size // value.channels
    scale = 32768.0 if value.layout.startswith("f") else 2.0 ** (16 - bits)
    numbers = np.ascontiguousarray((found.astype(np.float64) * scale).T, np.float32)
    if not np.isfinite(numbers).all():
        raise BadInput("the sound has NaN or infinite samples, which codec audio.walloc cannot code")
    return numbers


def _peak(samples: "np.ndarray") -> int:
    import numpy as np

    return int(min(max(1, np.ceil(np.abs(samples).max(initial=0))), 1 << 20))


def _model_of(header: Header) -> "Transform":
    return walloc.by_id(_KIND, header.model_id or b"")


def _facts(header: Header) -> tuple[int, int, int, int]:
    """Rate, channels, samples, peak; raises CorruptFile."""
    facts, limits = header.metadata.get("sound"), ((0, 1 << 32), (1, 2), (0, 1 << 40), (1, 1 << 20))
    if not isinstance(facts, list) or len(facts) != 4 or not all(type(n) is int for n in facts):
        raise CorruptFile("the header does not describe the sound")
    if not all(low <= n <= high for n, (low, high) in zip(facts, limits, strict=True)):
        raise CorruptFile("the header describes an impossible sound")
    return facts[0], facts[1], facts[2], facts[3]
