"""Delays are found, made good when they are small, and refused when they are not."""

import numpy as np
import pytest

from lacodec.errors import BadInput
from lacodec.evaluation.audio.alignment import SMALL, correlations, delay, shifted
from lacodec.evaluation.audio.measure import restored
from lacodec.evaluation.audio.sound import Sound
from lacodec.testing import tone

RNG = np.random.default_rng(16)
NOISE = RNG.normal(0, 0.1, (6000, 2))


@pytest.mark.parametrize("lag", [0, 1, -1, 6, SMALL, -SMALL])
def test_a_small_delay_is_found_and_made_good(lag: int) -> None:
    late = shifted(NOISE, -lag) + RNG.normal(0, 0.02, NOISE.shape)
    assert delay(NOISE, late) == lag
    sound, found = restored(Sound(NOISE, 48000), Sound(late, 48000))
    assert found == lag and sound.samples.shape == NOISE.shape
    inner = slice(SMALL, -SMALL)
    assert np.abs(sound.samples[inner] - NOISE[inner]).max() < 0.12


@pytest.mark.parametrize(("lag", "said"), [(312, "312 samples late"), (-1024, "1024 samples early"), (SMALL + 1, "17 samples")])
def test_the_priming_of_a_codec_is_refused(lag: int, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        delay(NOISE, shifted(NOISE, -lag))


def test_what_is_not_alike_has_no_delay() -> None:
    assert delay(NOISE, RNG.normal(0, 0.1, NOISE.shape)) == 0
    assert delay(np.zeros((500, 1)), np.zeros((500, 1))) == 0
    assert delay(NOISE, np.zeros_like(NOISE)) == 0


def test_a_tone_is_where_it_is_although_it_repeats() -> None:
    wave = tone(5000, 1, 0.5)
    assert delay(wave, 0.9 * wave + RNG.normal(0, 0.05, wave.shape)) == 0


def test_a_voice_of_which_little_is_left_is_not_late_by_a_period() -> None:
    vague = 0.44 * NOISE + 0.54 * shifted(NOISE, -125) + RNG.normal(0, 0.07, NOISE.shape)
    found = correlations(NOISE, vague, 200)
    assert found.argmax() - 200 == 125 and found[325] > 1.15 * found[200] > 0.45
    assert delay(NOISE, vague) == 0


def test_correlations_are_those_of_the_definition() -> None:
    x, y = RNG.normal(0, 1, (90, 2)), RNG.normal(0, 1, (90, 2))
    found = correlations(x, y, 100)
    for lag in (-95, -3, 0, 7, 89, 100):
        products = sum(float((x[i] * y[i + lag]).sum()) for i in range(90) if 0 <= i + lag < 90)
        assert found[lag + 100] == pytest.approx(products / np.sqrt((x**2).sum() * (y**2).sum()), abs=1e-12)


def test_a_few_samples_that_are_missing_are_silence() -> None:
    sound, lag = restored(Sound(NOISE, 48000), Sound(NOISE[:-SMALL], 48000))
    assert lag == 0 and np.array_equal(sound.samples[:-SMALL], NOISE[:-SMALL]) and not sound.samples[-SMALL:].any()


@pytest.mark.parametrize("shape", [(6000 - SMALL - 1, 2), (6000, 1)])
def test_another_shape_is_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(BadInput, match=f"decoded to {shape[0]} samples of {shape[1]} channels instead of 6000 of 2"):
        restored(Sound(NOISE, 48000), Sound(NOISE[: shape[0], : shape[1]], 48000))
