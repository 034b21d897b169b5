"""Judges and peers of sound: what is judged, figures against their definitions, and files that come back gapless."""

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest

from lacodec.errors import BadInput, MissingDependency
from lacodec.evaluation.audio import judges
from lacodec.evaluation.audio.alignment import delay
from lacodec.evaluation.audio.judges import JUDGES, Verdict, signals
from lacodec.evaluation.audio.measure import restored, settings
from lacodec.evaluation.audio.methods import audio_of
from lacodec.evaluation.audio.sound import Sound, fitted, read_sound, resampled, sound_of
from lacodec.evaluation.audio.verdicts import Verdicts
from lacodec.evaluation.peers import LOSSY_AUDIO_PEERS, LossyAudioPeer
from lacodec.testing import wav_file

RNG = np.random.default_rng(5)


def noisy(seconds: float = 0.5, rate: int = 48000, channels: int = 2) -> Sound:
    """Coloured noise with a slow swell."""
    count = int(seconds * rate)
    white = RNG.normal(0, 1, (count + 8, channels))
    smooth = sum(white[k : k + count] for k in range(8))
    return Sound(np.asarray(0.05 * smooth * (1 + np.sin(np.arange(count) / 3000))[:, None]), rate)


def test_what_is_judged() -> None:
    sound = noisy()
    x = sound.samples
    found = signals(sound, Sound(x * 0.5, 48000))
    assert [*found] == ["left", "right", "side"]
    assert np.array_equal(found["side"][0], (x[:, 0] - x[:, 1]) / 2) and np.array_equal(found["side"][1], found["side"][0] / 2)
    nearly_mono = np.stack([x[:, 0], x[:, 0] * (1 + 1e-4)], 1)
    assert [*signals(Sound(nearly_mono, 48000), sound)] == ["left", "right"]
    assert [*signals(Sound(x[:, :1], 48000), Sound(x[:, :1], 48000))] == ["mono"]
    quad = np.concatenate([x, np.zeros_like(x)], 1)
    assert [*signals(Sound(quad, 48000), Sound(quad, 48000))] == ["0", "1"]


def test_snr_is_that_of_all_samples() -> None:
    sound = noisy()
    error = RNG.normal(0, 0.001, sound.samples.shape)
    found = JUDGES["snr"](sound, Sound(sound.samples + error, 48000))
    assert found.score == pytest.approx(10 * np.log10((sound.samples**2).sum() / (error**2).sum()))
    left = 10 * np.log10((sound.samples[:, 0] ** 2).sum() / (error[:, 0] ** 2).sum())
    assert found.signals["left"] == pytest.approx(left)
    assert JUDGES["snr"](sound, sound).score == math.inf
    with pytest.raises(BadInput, match="cannot be compared"):
        JUDGES["snr"](sound, Sound(sound.samples[1:], 48000))


@pytest.mark.parametrize("name", ["visqol", "visqol-speech", "zimtohrli"])
def test_a_judge_prefers_less_noise(name: str) -> None:
    if not JUDGES[name].installed:
        with pytest.raises(MissingDependency, match="audio-eval"):
            JUDGES[name](noisy(), noisy())
        pytest.skip("not installed")
    if name == "visqol-speech" and importlib.util.find_spec("ai_edge_litert") is None:
        pytest.skip("not installed: ai-edge-litert")
    sound = noisy(1.0, channels=1)
    some, more = (Sound(sound.samples + RNG.normal(0, size, sound.samples.shape), 48000) for size in (0.001, 0.1))
    good, bad = JUDGES[name](sound, some), JUDGES[name](sound, more)
    assert 5 >= good.score > bad.score >= 1 and [*good.signals] == ["mono"]


def test_silence_in_place_of_the_side_scores_1() -> None:
    if not JUDGES["visqol"].installed:
        pytest.skip("not installed")
    sound = noisy(1.0)
    middle = np.repeat(sound.samples.mean(1, keepdims=True), 2, 1)
    found = JUDGES["visqol"](sound, Sound(middle, 48000))
    assert found.signals["side"] == 1.0 and found.score == pytest.approx(np.mean([*found.signals.values()]))


def test_silence_cannot_be_judged() -> None:
    silence = Sound(np.zeros((48000, 2)), 48000)
    with pytest.raises(BadInput, match="silence"):
        judges._mean(silence, silence, 48000, lambda x, y: 5.0)


@pytest.mark.parametrize("peer", LOSSY_AUDIO_PEERS, ids=lambda peer: peer.name)
@pytest.mark.parametrize(("rate", "channels"), [(48000, 2), (44100, 1), (16000, 1)])
def test_peers_come_back_gapless(peer: LossyAudioPeer, rate: int, channels: int) -> None:
    if not peer.installed:
        pytest.skip(f"not installed: {peer.install}")
    if peer.name == "opus" and rate == 44100:
        pytest.importorskip("scipy")
    sound = noisy(0.4, rate, channels)
    low, high = (peer.encode(sound, settings(peer, channels)[i]) for i in (0, -1))
    assert len(low) < len(high) == len(peer.encode(sound, settings(peer, channels)[-1]))
    decoded, lag = restored(sound, peer.decode(high))
    assert lag == 0 and decoded.samples.shape == sound.samples.shape and decoded.rate == rate
    assert JUDGES["snr"](sound, decoded).score > 5
    assert delay(sound.samples[1:], decoded.samples[:-1]) == 1


def test_peers_are_compared_on_two_channels_at_most() -> None:
    pytest.importorskip("av")
    with pytest.raises(BadInput, match="mono and stereo only"):
        LOSSY_AUDIO_PEERS[0].encode(noisy(0.1, channels=3), 64)


def test_resampling_neither_delays_nor_colours() -> None:
    pytest.importorskip("scipy")
    places = np.arange(44100) / 44100
    for tone_hz in (100, 5000, 19000):
        wave = np.sin(2 * np.pi * tone_hz * places)[:, None]
        found = resampled(Sound(wave, 44100), 48000)
        expected = np.sin(2 * np.pi * tone_hz * np.arange(48000) / 48000)
        assert found.samples.shape == (48000, 1)
        assert np.abs(found.samples[500:-500, 0] - expected[500:-500]).max() < 1e-3
    assert fitted(found, 48003).samples[-3:].any() == np.False_


@pytest.mark.parametrize(
    ("samples", "layout"),
    [
        (np.array([[-32768, 5], [32767, 0]]) / 32768, "i16le"),
        (np.array([[-8388608], [8388607]]) / 8388608, "i24le"),
        (np.array([[0.1], [1.5]], np.float32).astype(float), "f32le"),
        (np.array([[1.0]]), "f32le"),
    ],
)
def test_sounds_are_given_in_the_fewest_bits(samples: np.ndarray, layout: str) -> None:
    audio = audio_of(Sound(samples, 8000))
    assert audio.layout == layout
    assert np.array_equal(sound_of(audio).samples, samples)


def test_files_are_read_with_their_full_scale(tmp_path: Path) -> None:
    for layout, peak in (("u8", 127), ("i16le", 32767), ("i24le", 8388607), ("i32le", 2147483647)):
        (tmp_path / "a.wav").write_bytes(wav_file(np.array([[0], [peak]]), 8000, layout))
        assert read_sound(tmp_path / "a.wav").samples.ravel() == pytest.approx([0, 1], abs=0.01)
    (tmp_path / "a.wav").write_bytes(wav_file(np.zeros((0, 1)), 8000))
    with pytest.raises(BadInput, match="no samples"):
        read_sound(tmp_path / "a.wav")
    (tmp_path / "a.wav").write_bytes(wav_file(np.zeros((5, 1)), 0))
    with pytest.raises(BadInput, match="0 Hz"):
        read_sound(tmp_path / "a.wav")
    (tmp_path / "a.wav").write_bytes(wav_file(np.array([[np.nan]], np.float32), 8000, "f32le"))
    with pytest.raises(BadInput, match="a.wav: has samples that are no numbers"):
        read_sound(tmp_path / "a.wav")


def test_verdicts_are_asked_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def judge(original: Sound, decoded: Sound) -> Verdict:
        asked.append(decoded)
        return Verdict(float(len(asked)), {"mono": 1.0})

    counting = judges.Judge("counting", "", "", "numpy", "numpy", judge)
    sound, other = noisy(0.01), noisy(0.01)
    verdicts = Verdicts(tmp_path / "kept")
    assert [verdicts(counting, sound, one).score for one in (sound, other, sound)] == [1, 2, 1]
    with (tmp_path / "kept").open("a") as file:
        file.write('{"key": "half a li')
    again = Verdicts(tmp_path / "kept")
    assert [again(counting, sound, one).score for one in (other, sound)] == [2, 1]
    assert again(counting, other, sound).score == 3
    monkeypatch.setattr("importlib.metadata.version", lambda name: "another")
    assert again(counting, sound, sound).score == 4
