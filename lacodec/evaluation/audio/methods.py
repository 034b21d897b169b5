"""Our own lossy audio codecs as methods to measure: a codec of the registry -> an `OurMethod`."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lacodec.codecs.session import Session
from lacodec.container import stream
from lacodec.errors import BadInput
from lacodec.evaluation.audio.sound import Sound, sound_of
from lacodec.io.source import BytesSource
from lacodec.media.audio.files import AudioMedia
from lacodec.media.audio.samples import to_bytes
from lacodec.media.audio.value import Audio


@dataclass(frozen=True)
class OurMethod:
    """A lacodec codec as a method of `lacodec.evaluation.audio.measure`."""

    name: str
    how: str
    sweep: str
    values: tuple[float, ...]
    mono_values: tuple[float, ...]
    encode: Callable[[Sound, float], bytes]
    decode: Callable[[bytes], Sound]


def our_method(codec: str, sweep: str, values: Sequence[float], **options: object) -> OurMethod:
    """A lossy audio codec of the registry, with `options`, and `sweep` taking each of `values`.

    It is given the samples in the fewest bits that hold them. Raises BadInput for a codec of something else, for a lossless one,
    and for unknown options and values.
    """
    from lacodec.codecs import registry
    from lacodec.pipeline.choice import make_codec
    from lacodec.pipeline.decoding import Decoding
    from lacodec.pipeline.encoding import encode_value

    codec_class = registry.get(codec)
    if not isinstance(codec_class.media, AudioMedia) or codec_class.identical != "none":
        raise BadInput(f"codec {codec!r} is not a lossy audio codec, which a rate-distortion curve of sound needs")
    coders = {value: make_codec(codec, {**options, sweep: value}) for value in values}
    label = codec + "".join(f" --{key.replace('_', '-')} {value}" for key, value in options.items())
    session = Session()

    def encode(sound: Sound, value: float) -> bytes:
        out = io.BytesIO()
        encode_value(coders[value], audio_of(sound), None, out, session=session)
        return out.getvalue()

    def decode(data: bytes) -> Sound:
        header, chunks = stream(BytesSource(data))
        decoding = Decoding(header, codec, session)
        return sound_of(decoding.codec.media.to_object(decoding.whole(chunks)))

    return OurMethod(label, f"lacodec, codec {label}", sweep, tuple(values), tuple(values), encode, decode)


def audio_of(sound: Sound) -> Audio:
    """The sound as a value for codecs: of 16 or 24 bits where its samples are integers of so many, else of 32-bit floats."""
    for bits in (16, 24):
        numbers = sound.samples * (1 << (bits - 1))
        if np.array_equal(numbers, np.rint(numbers)) and numbers.min() >= -(1 << (bits - 1)) and numbers.max() < 1 << (bits - 1):
            layout = f"i{bits}le"
            pcm = to_bytes(np.ascontiguousarray(numbers.T).astype(np.int64), layout)
            return Audio(sound.rate, sound.channels, layout, BytesSource(pcm))
    return Audio.from_samples(sound.samples.astype(np.float32), sound.rate)
