"""How lossy audio codecs of others are called: a `Sound` and a setting -> a whole file -> the `Sound` again, exactly as long.

FFmpeg writes its files without tags and names. What encoders put in front (priming) and behind is dropped
by the decoders of FFmpeg and libsndfile as the file says: Opus's pre-skip, the edit list of MPEG-4, the Xing header of MP3.
"""

import io
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from lacodec.errors import BadInput
from lacodec.evaluation.audio.sound import Sound, missing, resampled

_OPUS_HZ = (8000, 12000, 16000, 24000, 48000)
_LAYOUTS = {1: "mono", 2: "stereo"}
_BLOCK = 1024  # samples that libsndfile gets at a time: its Vorbis encoder overflows the stack on long ones


def opus(sound: Sound, kbps: float) -> bytes:
    """libopus in Ogg: variable rate, complexity 10, 20 ms; at the lowest of its rates that holds the sound's band."""
    rate = next((rate for rate in _OPUS_HZ if rate >= sound.rate), _OPUS_HZ[-1])
    options = {"application": "audio", "vbr": "on", "compression_level": "10"}
    return _encoded(resampled(sound, rate), "libopus", "ogg", kbps, options)


def aac(sound: Sound, kbps: float) -> bytes:
    """FFmpeg's AAC-LC in MPEG-4 (.m4a)."""
    return _encoded(sound, "aac", "ipod", kbps, {})


def aac_snr(sound: Sound, kbps: float) -> bytes:
    """The same for SNR instead of for the ear: no noise substitution, no intensity stereo, the search that keeps most of it."""
    return _encoded(sound, "aac", "ipod", kbps, {"aac_coder": "fast", "aac_pns": "0", "aac_is": "0"})


def mp3(sound: Sound, kbps: float) -> bytes:
    """LAME at a constant rate, joint stereo."""
    return _encoded(sound, "libmp3lame", "mp3", kbps, {})


def mp3_snr(sound: Sound, kbps: float) -> bytes:
    """The same for SNR instead of for the ear: LAME does not shape noise from level 7 on."""
    return _encoded(sound, "libmp3lame", "mp3", kbps, {"compression_level": "7"})


def vorbis(sound: Sound, quality: float) -> bytes:
    """libvorbis in Ogg, by libsndfile; quality 0 to 1."""
    import soundfile

    out = io.BytesIO()
    with soundfile.SoundFile(out, "w", sound.rate, sound.channels, "VORBIS", format="OGG", compression_level=1 - quality) as file:
        for start in range(0, len(sound.samples), _BLOCK):
            file.write(sound.samples[start : start + _BLOCK])
    return out.getvalue()


def av_decoded(data: bytes) -> Sound:
    """The sound in a file, by FFmpeg."""
    with _av().open(io.BytesIO(data)) as file:
        frames = list(file.decode(file.streams.audio[0]))
    if not frames:
        raise BadInput("the file has no samples")
    samples = np.concatenate([_planar(frame) for frame in frames], axis=1)
    return Sound(samples.T.astype(np.float64), frames[0].sample_rate)


def sndfile_decoded(data: bytes) -> Sound:
    """The sound in a file, by libsndfile."""
    import soundfile

    samples, rate = soundfile.read(io.BytesIO(data), dtype="float64", always_2d=True)
    return Sound(samples, rate)


def packet_bytes(data: bytes) -> int:
    """The bytes of a file's packets alone, without those of the container around them."""
    with _av().open(io.BytesIO(data)) as file:
        return sum(packet.size for packet in file.demux(file.streams.audio[0]))


def _encoded(sound: Sound, codec: str, container: str, kbps: float, options: dict[str, str]) -> bytes:
    if sound.channels not in _LAYOUTS:
        raise BadInput(f"{sound.channels} channels: the other codecs are compared on mono and stereo only")
    out = io.BytesIO()
    # `bitexact` leaves out names, versions and random serial numbers.
    with _av().open(out, "w", format=container, options={"fflags": "+bitexact"}) as file:
        stream = file.add_stream(codec, rate=sound.rate, options=options)
        stream.bit_rate = round(1000 * kbps)
        stream.layout = _LAYOUTS[sound.channels]
        stream.format = "s16" if codec == "libopus" else "fltp"
        stream.codec_context.open()
        for frame in _frames(sound, stream.codec_context.frame_size, stream.format.name):
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return out.getvalue()


def _frames(sound: Sound, size: int, sample_format: str) -> Iterator[Any]:
    """FFmpeg's frames of `size` samples, the last one shorter."""
    av = _av()
    for start in range(0, len(sound.samples), size):
        block = sound.samples[start : start + size]
        if sample_format == "s16":  # which libopus spends its bits better on than on floats
            array: np.ndarray = np.clip(np.rint(block * 32768), -32768, 32767).astype(np.int16).reshape(1, -1)
        else:
            array = np.ascontiguousarray(block.T.astype(np.float32))
        frame = av.AudioFrame.from_ndarray(array, format=sample_format, layout=_LAYOUTS[sound.channels])
        frame.sample_rate, frame.pts, frame.time_base = sound.rate, start, Fraction(1, sound.rate)
        yield frame


def _planar(frame: Any) -> np.ndarray:
    """float32[channels, samples] of a frame."""
    array: np.ndarray = frame.to_ndarray()
    if frame.format.is_planar:
        return array
    return array.reshape(-1, frame.layout.nb_channels).T


def _av() -> Any:
    try:
        import av
    except ImportError:
        raise missing("av, which encodes and decodes Opus, AAC and MP3") from None
    return av
