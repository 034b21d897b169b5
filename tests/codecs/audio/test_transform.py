"""Codec `audio.transform`: sound of every kind has its length and about its samples again; forged files fail cleanly."""

import numpy as np
import pytest

import lacodec
from lacodec import api
from lacodec.codecs.audio.transform import _chunks
from lacodec.codecs.audio.transform import codec as transform
from lacodec.codecs.audio.transform._lapped import dct4, fold, transform_blocks
from lacodec.codecs.audio.transform._payload import decode_groups
from lacodec.codecs.audio.transform._tables import SIZES, bands_at
from lacodec.container import Reader
from lacodec.container.types import CRITICAL, Chunk, content_hash
from lacodec.errors import BadInput, CorruptFile, LacodecError
from lacodec.io.source import BytesSource
from lacodec.media.audio.sound import SOUND
from lacodec.media.audio.value import Audio
from tests.sounds import tone, wav_file

NAME = "audio.transform"


def snr(original: np.ndarray, decoded: np.ndarray) -> float:
    error = np.square(original.astype(float) - decoded).sum()
    return float(10 * np.log10(max(np.square(original.astype(float)).sum(), 1e-9) / max(error, 1e-9)))


def coded(samples: np.ndarray, rate: int = 44100, **options: object) -> tuple[bytes, np.ndarray]:
    encoded = lacodec.encode(Audio.from_samples(samples, rate), NAME, verify=True, **options)
    found = lacodec.decode(encoded).samples
    assert found.shape == (samples if samples.ndim == 2 else samples[:, None]).shape
    return encoded, found


@pytest.fixture
def short_chunks(monkeypatch):
    """Chunks of four frames."""
    monkeypatch.setattr(_chunks, "chunk_samples", lambda rate, channels, frame: 4 * frame)


@pytest.mark.parametrize("n", [8, 64, 1024])
def test_the_transform_is_orthonormal(n):
    k = np.arange(n) + 0.5
    matrix = np.sqrt(2 / n) * np.cos(np.pi / n * k[:, None] * k)
    x = np.random.default_rng(n).normal(size=(3, n))
    assert np.allclose(dct4(x), x @ matrix) and np.allclose(dct4(dct4(x)), x)


def test_blocks_of_any_sizes_overlap_without_aliasing():
    sizes = np.array([256, 128, 64, 64, 512])
    starts = np.cumsum(sizes) - sizes
    overlaps = np.minimum(sizes[:-1], sizes[1:])
    x = np.random.default_rng(1).normal(size=(2, sizes.sum()))
    y = x.copy()
    fold(y, starts[1:], overlaps)
    y = transform_blocks(y, starts, sizes)
    assert np.isclose(np.square(y).sum(), np.square(x).sum())
    y = transform_blocks(y, starts, sizes)
    fold(y, starts[1:], overlaps, inverse=True)
    assert np.allclose(x, y)


@pytest.mark.parametrize("rate", [0, 1, 8000, 22050, 44100, 48000, 96000, 192000, 2**32 - 1])
def test_bands_at_every_rate(rate):
    bands = bands_at(rate)
    for size in range(SIZES):
        edges = bands.edges[size, : bands.counts[size] + 1]
        assert edges[0] == 0 and edges[-1] == bands.frame >> size and np.all(np.diff(edges) >= 4)


def test_more_quality_is_more_bytes_and_less_error():
    sound = np.rint(tone(30000, 2, 9000)).astype(np.int16)
    sizes, errors = [], []
    for quality in (1, 30, 60, 100):
        encoded, found = coded(sound, quality=quality)
        sizes.append(len(encoded))
        errors.append(-snr(sound, found))
    assert sizes == sorted(sizes) and errors == sorted(errors, reverse=True)
    assert sizes[1] < sound.nbytes / 12 and errors[-1] < -40


@pytest.mark.parametrize(
    ("dtype", "peak", "least"), [(np.uint8, 90, 25), (np.int16, 9000, 30), (np.int32, 9000 << 16, 30), (np.float32, 0.3, 30)]
)
def test_every_kind_of_samples(dtype, peak, least):
    sound = tone(6000, 2, peak) + (128 if dtype == np.uint8 else 0)
    encoded, found = coded(sound.astype(dtype), quality=90)
    wanted = (sound - 128) * 256 if dtype == np.uint8 else sound
    assert snr(wanted, found) > least
    assert api.info(encoded).identical == "none"


@pytest.mark.parametrize("channels", [1, 3, 8])
@pytest.mark.parametrize("rate", [8000, 192000])
def test_channels_and_rates(channels, rate):
    sound = np.rint(tone(5000, channels, 9000)).astype(np.int16)
    assert snr(sound, coded(sound, rate, quality=95)[1]) > 25


@pytest.mark.parametrize("samples", [0, 1, 2, 2047, 2048, 2049])
def test_lengths(samples):
    sound = np.full((samples, 1), 12000, np.int16)
    found = coded(sound, quality=90)[1]
    assert samples == 0 or np.abs(found - 12000.0).max() < 2500


def test_a_few_samples_are_stored_as_they_are():
    for dtype, peak in ((np.int16, 30000), (np.int32, 2e9), (np.float32, 1.0)):
        sound = (np.random.default_rng(1).uniform(-peak, peak, (30, 2))).astype(dtype)
        encoded, found = coded(sound, quality=90)
        assert np.array_equal(found, sound) and len(encoded) < sound.nbytes + 44 + 64
    noise = np.random.default_rng(1).integers(-4, 5, (20000, 1)).astype(np.int16)
    encoded, found = coded(noise, quality=100, tune="snr")
    assert len(encoded) < noise.nbytes
    wide = np.random.default_rng(1).integers(-30000, 30000, (3000, 8)).astype(np.int16)
    encoded, found = coded(wide, quality=100, tune="snr")
    assert len(encoded) < wide.nbytes + 44 + 64 + wide.nbytes // 1000 and np.array_equal(found, wide)
    with lacodec.open(encoded) as opened:
        assert np.array_equal(opened[100:300].samples, wide[100:300])


def test_silence_is_silent_and_small():
    encoded, found = coded(np.zeros((200_000, 2), np.int16))
    assert len(encoded) < 400 and not found.any()


@pytest.mark.parametrize("tune", ["ear", "snr"])
def test_the_loudest_tone_is_not_cut_off(tune):
    """All energy in one coefficient, at the smallest steps."""
    for rate, peak in ((44100, 1.0), (192000, 32.0)):
        sound = (peak * np.cos(2 * np.pi * 0.01 * np.arange(40000)))[:, None].astype(np.float32)
        assert snr(sound, coded(sound, rate, quality=100, tune=tune)[1]) > 60


def test_groups_of_channels_have_different_noise():
    sound = np.tile(np.random.default_rng(1).normal(0, 3000, (20000, 1)), (1, 3)).astype(np.int16)
    found = coded(sound, quality=1)[1].astype(float)
    assert np.corrcoef(found[:, 0], found[:, 1])[0, 1] > 0.95  # turned: all in the first of two
    assert abs(np.corrcoef(found[:, 0], found[:, 2])[0, 1]) < 0.9


def test_full_scale_does_not_wrap_around():
    square = np.where(np.arange(20000) // 50 % 2, 32767, -32768).astype(np.int16)[:, None]
    found = coded(square, quality=30)[1]
    assert np.mean(np.sign(found) == np.sign(square)) > 0.99 and found.max() <= 32767 and found.min() >= -32768


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e30])
def test_what_is_no_sound_is_refused(bad):
    sound = tone(3000, 1, 0.3).astype(np.float32)
    sound[77] = bad
    with pytest.raises(BadInput, match="no numbers"):
        lacodec.encode(Audio.from_samples(sound, 44100), NAME)


def test_options():
    for options in ({"quality": 0}, {"quality": True}, {"tune": "eye"}, {"target_kbps": -1}, {"target_kbps": 9, "target_snr": 9}):
        with pytest.raises(BadInput):
            lacodec.codec(NAME, **options)


def test_targets():
    sound = np.rint(tone(40000, 1, 9000) + np.random.default_rng(1).normal(0, 500, (40000, 1))).astype(np.int16)
    payload = sum(chunk.payload_size for chunk in Reader(BytesSource(coded(sound, target_kbps=40)[0])).index)
    assert 30 < payload * 8 / 1000 * 44100 / 40000 <= 40
    assert 20 <= snr(sound, coded(sound, target_snr=20, tune="snr")[1]) < 22
    with pytest.raises(BadInput, match="cannot be reached"):
        coded(sound, target_kbps=0.01)
    with pytest.raises(BadInput, match="cannot be reached"):
        coded(sound, target_snr=300)


def test_tune_snr_has_more_of_it_at_equal_bytes():
    sound = np.rint(tone(40000, 1, 9000) + np.random.default_rng(1).normal(0, 500, (40000, 1))).astype(np.int16)
    ear, exact = (snr(sound, coded(sound, target_kbps=40, tune=tune)[1]) for tune in ("ear", "snr"))
    assert exact > ear + 1


def test_chunks_join_without_a_seam(short_chunks):
    sound = np.rint(tone(60000, 2, 9000)).astype(np.int16)
    encoded, found = coded(sound, quality=95)
    assert len(Reader(BytesSource(encoded)).index) == 8
    error = np.abs(found - sound.astype(float)).max(1)
    borders = np.concatenate([error[at - 64 : at + 64] for at in range(8192, 57000, 8192)])
    assert borders.max() < 3 * error.max() and borders.mean() < 2 * error.mean()
    assert lacodec.encode(Audio.from_samples(sound, 44100), NAME, quality=95, threads=2) == encoded
    assert np.array_equal(lacodec.decode(encoded, threads=2).samples, found)


def test_a_range_opens_in_the_middle(short_chunks):
    sound = np.rint(tone(60000, 2, 9000)).astype(np.int16)
    encoded, found = coded(sound)
    with lacodec.open(encoded) as opened:
        for start, stop in ((0, 10), (8000, 8400), (20000, 45000), (59999, 60000), (5, 5)):
            assert np.array_equal(opened[start:stop].samples, found[start:stop])


def test_salvage(short_chunks, tmp_path):
    sound = np.rint(tone(40000, 1, 9000)).astype(np.int16)
    encoded, found = coded(sound)
    damaged = bytearray(encoded)
    damaged[Reader(BytesSource(encoded)).index[2].payload_offset + 9] ^= 1
    (tmp_path / "x.lac").write_bytes(damaged)
    with pytest.raises(CorruptFile):
        lacodec.decode(bytes(damaged))
    assert api.decode_file(tmp_path / "x.lac", tmp_path / "x.wav", salvage=True).damage
    saved = SOUND.from_source(BytesSource((tmp_path / "x.wav").read_bytes())).samples
    assert saved.shape == found.shape and not saved[17000:23000].any()
    assert np.array_equal(saved[:15000], found[:15000]) and np.array_equal(saved[26000:], found[26000:])


def test_files(tmp_path):
    sound = tone(5000, 2, 3e6)
    (tmp_path / "x.wav").write_bytes(wav_file(sound, 48000, "i24le", tail=b"LIST\4\0\0\0abcd"))
    api.encode_file(tmp_path / "x.wav", tmp_path / "x.lac", NAME, quality=80)
    api.decode_file(tmp_path / "x.lac", tmp_path / "y.wav")
    value = SOUND.from_source(BytesSource((tmp_path / "y.wav").read_bytes()))
    assert (value.rate, value.layout, value.samples.shape) == (48000, "i24le", (5000, 2))
    assert (
        SOUND.difference(BytesSource((tmp_path / "x.wav").read_bytes()), BytesSource((tmp_path / "y.wav").read_bytes())) is None
    )


def test_forged_payloads_fail_cleanly():
    sound = np.rint(tone(9000, 2, 9000)).astype(np.int16)
    payload = Reader(BytesSource(coded(sound)[0])).chunk(0).payload
    rng = np.random.default_rng(1)
    outcomes = {"decoded": 0, "refused": 0}
    for _ in range(60):
        forged = bytearray(payload)
        for at in rng.integers(0, len(forged), rng.integers(1, 4)):
            forged[at] = rng.integers(256)
        if rng.random() < 0.2:
            forged = forged[: rng.integers(len(forged))]
        try:
            decode_groups(bytes(forged), 44100, 2, 5)
            outcomes["decoded"] += 1
        except LacodecError:
            outcomes["refused"] += 1
    assert outcomes["refused"] > 10, outcomes


def test_settings_out_of_range_are_refused():
    """Rules and paces that would lead outside of tables; what is left after the last coefficient."""
    payload = Reader(BytesSource(coded(np.rint(tone(900, 1, 9000)).astype(np.int16), 8000)[0])).chunk(0).payload
    assert payload[:12] == bytes([0, 41, 190, 1, 30, 18, 16, 36, 16, 40, 25, 4])  # as docs/audio-transform.md has them
    wrong = [(0, [2]), (1, [129, 4]), (2, [129, 2]), (4, [129, 2]), (5, [129, 2]), (6, [129, 8]), (7, [129, 8]), (8, [17])]
    wrong += [(9, [0]), (9, [103]), (10, [0]), (10, [103]), (11, [129, 1])]
    for at, number in wrong:
        forged = payload[:at] + bytes(number) + payload[at + (2 if at == 2 else 1) :]
        with pytest.raises(CorruptFile, match="invalid|unknown"):
            decode_groups(forged, 8000, 1, 4)
    with pytest.raises(CorruptFile, match="last coefficient"):
        decode_groups(payload + b"\0", 8000, 1, 4)


def test_forged_stored_samples_fail_cleanly():
    """Hashes are right, the samples are none."""
    original = Reader(BytesSource(coded(np.float32([[0.5], [1]]), quality=90)[0]))
    assert original.chunk(0).payload[0] == 1
    for data in (np.float32([np.nan, 0]).tobytes(), np.float32([1e9, 0]).tobytes(), b"", bytes(7)):
        chunk = Chunk(CRITICAL, ((0, 2),), b"\1" + data, content_hash(data), 8)
        with pytest.raises(CorruptFile):
            transform.AudioTransform().decode_chunk(original.header, chunk)


def test_memory_is_that_of_a_chunk():
    codec = transform.AudioTransform()
    for rate, channels in ((8000, 1), (48000, 2), (192000, 8)):
        samples = _chunks.chunk_samples(rate, channels, bands_at(rate).frame)
        assert samples * channels <= 1.2 * (1 << 20)
    assert codec.memory(4 << 20) < 1 << 30 and codec.chunk_size() == 4 << 20


def test_noise_stands_in_with_its_level():
    sound = np.random.default_rng(1).normal(0, 3000, (40000, 1)).astype(np.int16)
    encoded, found = coded(sound, quality=5)
    assert len(encoded) < sound.nbytes / 30
    spectra = [np.abs(np.fft.rfft(signal[:32768, 0].astype(float))) ** 2 for signal in (sound, found)]
    for low, high in ((500, 3000), (3000, 8000), (8000, 15000)):
        ratio = spectra[1][low:high].mean() / spectra[0][low:high].mean()
        assert 0.6 < ratio < 1.6
    values = found[:, 0].astype(float)
    assert np.mean(values**4) < 5 * np.mean(values**2) ** 2  # no clicks: of normal noise it is 3
