"""Samples <-> a stream of the kernels: `encode_samples`, `decode_samples`."""

import numpy as np

from lacodec.codecs.audio.lossless._kernel import code
from lacodec.codecs.audio.lossless._setup import PROFILES, new_model
from lacodec.codecs.audio.lossless._state import PAD
from lacodec.entropy.mixing import POSITION, READ_AHEAD
from lacodec.errors import CorruptFile
from lacodec.io.progress import Report, ignore, parts


def encode_samples(rows: np.ndarray, lowest: int, highest: int, effort: int, report: Report = ignore) -> bytes:
    """The stream for int64[channels, n], all values from `lowest` to `highest`; longer than the samples in 64 bits at most.

    `report` is called with frames, n in all.
    """
    channels, n = rows.shape
    stream = np.zeros(rows.size * 5 + 64, np.uint8)
    model = new_model(PROFILES[effort], channels, n, lowest, highest, stream, decoding=False)
    model.samples.reshape(channels, PAD + n)[:, PAD:] = rows
    for start, stop in parts(n, n, report):
        if code(model, start, stop) != stop:
            break
    return stream[: int(model.registers[POSITION])].tobytes()


def decode_samples(
    data: bytes, channels: int, n: int, lowest: int, highest: int, profile: int, report: Report = ignore
) -> np.ndarray:
    """int64[channels, n] again; raises CorruptFile when the stream is not one of that profile and length."""
    if profile not in PROFILES:
        raise CorruptFile(f"profile {profile} is unknown; if a newer lacodec wrote it, update")
    if not channels or not n:
        if data:
            raise CorruptFile("it does not end with its last sample")
        return np.zeros((channels, n), np.int64)
    stream = np.frombuffer(data, np.uint8).copy()
    model = new_model(PROFILES[profile], channels, n, lowest, highest, stream, decoding=True)
    if (
        not all(code(model, start, stop) == stop for start, stop in parts(n, n, report))
        or int(model.registers[POSITION]) != len(data) + READ_AHEAD
    ):
        raise CorruptFile("its stream does not end with its last sample")
    return model.samples.reshape(channels, PAD + n)[:, PAD:]
