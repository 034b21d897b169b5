"""Streams of codec `video.learned` by `reference/`."""

import numpy as np
import pytest

from lacodec.codecs.video.learned import _latent_kernel as kernel
from lacodec.codecs.video.learned import _motion_kernel as motion
from lacodec.codecs.video.learned._state import new_state
from reference.video_latents import Frame, Latents

CHANNELS = 12
JOBS = np.array([(0, 6, 0, 0), (6, 12, 0, 0), (0, 12, 0, 1), (0, 12, 1, 0), (0, 12, 1, 1)], np.int64)


@pytest.mark.parametrize("spread", [20, 400, 40000])
def test_three_frames(spread):
    rng, height, width = np.random.default_rng(spread), 4, 5
    shape, levels = (height, width, CHANNELS), rng.integers(0, 64, 7).astype(np.uint8)
    s = new_state(CHANNELS, "sparse-14", np.zeros(1 << 18, np.uint8), decoding=False)
    coded = []
    sizes_before = np.zeros((height + 2 * kernel.PAD, width + 2 * kernel.PAD, CHANNELS), np.uint8)
    sums_before, hyper_before = np.zeros((3, height + 2, width + 2), np.int32), np.zeros((1, 2, 7), np.int32)
    for t in range(3):
        vectors = rng.integers(-3 - 100 * t, 4 + 100 * t, (2 * height, 2 * width, 2)).astype(np.int16)
        vectors[:4] = vectors[0, 0]
        hyper = (hyper_before + rng.integers(-3, 4, hyper_before.shape) * (rng.random(hyper_before.shape) < 0.4)).astype(np.int32)
        hyper[0, 0, 0] += 70
        means = rng.integers(-spread, spread + 1, shape).astype(np.int32)
        scales, past = rng.integers(0, 64, shape).astype(np.int32), (means + rng.integers(-30, 31, shape)).astype(np.int32)
        wanted = ((means + rng.integers(-spread, spread + 1, shape)) / 16).astype(np.float32)
        values, sizes, sums = np.zeros(shape, np.int32), np.zeros_like(sizes_before), np.zeros_like(sums_before)
        assert not motion.code_vectors(s, 0, vectors)
        assert not kernel.code_whole(s, 0, levels, hyper_before, hyper)
        before = sizes_before, sums_before
        kernel.code_step(s, JOBS, 0, int(t > 0), 1.0, means, scales, past, wanted, values, sizes, before[0], sums, before[1])
        coded.append((vectors, hyper, means, scales, past, values))
        sizes_before, sums_before, hyper_before = sizes, sums, hyper
    data = s.stream[: int(s.registers[3])].tobytes() + (int(s.registers[1]) >> 16).to_bytes(2, "big")
    reader, before_frame, hyper_before = Latents(data, CHANNELS, "sparse-14"), None, np.zeros((1, 2, 7), np.int64)
    for t, (vectors, hyper, means, scales, past, values) in enumerate(coded):
        assert np.array_equal(reader.vectors(*vectors.shape[:2]), vectors)
        hyper_before = reader.whole(levels, hyper_before)
        assert np.array_equal(hyper_before, hyper)
        frame = Frame(means, scales, past)
        reader.step(JOBS.tolist(), t > 0, frame, before_frame or Frame(means, scales, past))
        assert np.array_equal(frame.values, values)
        before_frame = frame
