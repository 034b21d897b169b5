"""Sounds made here, pre-echo, equal bytes, word errors."""

import math

import numpy as np
import pytest

from lacodec.errors import BadInput, MissingDependency
from lacodec.evaluation.audio import synthetic
from lacodec.evaluation.audio.matched import largest_within
from lacodec.evaluation.audio.onsets import WINDOW_S, pre_echo
from lacodec.evaluation.audio.sound import Sound
from lacodec.evaluation.audio.words import heard, word_errors, words


@pytest.mark.parametrize("name", synthetic.names())
def test_sounds_are_the_same_on_every_run(name: str) -> None:
    made, again = synthetic.make(name), synthetic.make(name)
    samples = made.sound.samples
    assert np.array_equal(samples, again.sound.samples) and made.onsets == again.onsets
    assert samples.ndim == 2 and samples.shape[1] == 2 and np.abs(samples).max() == pytest.approx(0.8, abs=1e-4)
    assert np.array_equal(samples * 32768, np.rint(samples * 32768))


@pytest.mark.parametrize("name", ["impulses", "castanets"])
def test_onsets_are_where_something_begins(name: str) -> None:
    made = synthetic.make(name)
    loud = np.abs(made.sound.samples).max(axis=1)
    size = round(WINDOW_S * made.sound.rate)
    assert len(made.onsets) >= 10
    for onset in made.onsets:
        assert loud[onset - size : onset].max() < 0.02 * loud[onset : onset + size].max()
    assert pre_echo(made.sound, made.sound, made.onsets) == -math.inf


def test_pre_echo_is_the_error_before_onsets() -> None:
    original = np.zeros((4800, 1))
    original[2400:2640] = 0.5
    decoded = original.copy()
    decoded[2160:2400] += 0.05  # in the window: 20 dB down
    decoded[:2160] += 0.3  # before it
    decoded[2400:] += 0.3  # after it
    assert pre_echo(Sound(original, 48000), Sound(decoded, 48000), [2400]) == pytest.approx(-20)
    with pytest.raises(BadInput, match="240 samples on either side"):
        pre_echo(Sound(original, 48000), Sound(decoded, 48000), [239])
    with pytest.raises(BadInput, match="on either side"):
        pre_echo(Sound(original, 48000), Sound(decoded, 48000), [])


@pytest.mark.parametrize(("size", "value"), [(10, 1), (19, 1), (20, 2), (999, 99), (5000, 100)])
def test_the_largest_file_within_a_size(size: int, value: int) -> None:
    asked = []

    def encode(value: int) -> bytes:
        asked.append(value)
        return bytes(10 * value)

    found, data = largest_within(encode, range(1, 101), size)
    assert (found, len(data)) == (value, 10 * value)
    assert len(asked) <= 8
    with pytest.raises(BadInput, match="smallest file has 10 bytes, more than 9"):
        largest_within(encode, range(1, 101), 9)


@pytest.mark.parametrize(
    ("expected", "found", "errors"),
    [
        ("a b c", "a b c", 0),
        ("a b c", "a x c", 1),
        ("a b c", "", 3),
        ("", "a b", 2),
        ("a b c d", "b c d e", 2),
        ("a b", "b a", 2),
    ],
)
def test_word_errors_are_edits(expected: str, found: str, errors: int) -> None:
    assert word_errors(words(expected), words(found)) == errors


def test_words_are_without_case_and_punctuation() -> None:
    assert words("Don't ASK, what: 7 times.") == ["don't", "ask", "what", "7", "times"]


def test_silence_has_no_words() -> None:
    silence = Sound(np.zeros((16000, 1)), 16000)
    try:
        assert len(heard(silence)) <= 1
    except MissingDependency as error:
        pytest.skip(str(error))
