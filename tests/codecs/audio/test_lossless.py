"""Codec `audio.lossless`: every kind of sound comes back byte for byte, stays within the size promise, opens in the middle."""

import numpy as np
import pytest

import lacodec
from lacodec import api
from lacodec.codecs.audio.lossless import _floats
from lacodec.container import Reader
from lacodec.errors import BadInput, CorruptFile, LacodecError
from lacodec.io.source import BytesSource
from lacodec.media.audio.files import AUDIO
from lacodec.media.audio.value import Audio
from tests.sounds import chunk, sounds, tone, wav_file

SOUNDS = sounds()


def restored(encoded: bytes, **options: object) -> bytes:
    return b"".join(AUDIO.to_blocks(lacodec.decode(encoded, **options)))


@pytest.mark.parametrize("effort", [1, 5, 9])
@pytest.mark.parametrize("name", SOUNDS)
def test_round_trip(name, effort, tmp_path):
    if effort == 9 and name in ("silence", "eight channels"):
        pytest.skip("long; other efforts do it")
    data = SOUNDS[name]
    encoded = lacodec.encode(data, "audio.lossless", effort=effort, verify=True)
    assert len(encoded) <= len(data) + 64 + len(data) // 1000
    assert restored(encoded) == data
    assert Reader(BytesSource(encoded)).decoded_size == len(data)


@pytest.mark.parametrize("effort", range(1, 10))
def test_every_effort(effort):
    data = SOUNDS["stereo"][: 44 + 4 * 3000]
    encoded = lacodec.encode(data, "audio.lossless", effort=effort)
    assert restored(encoded) == data
    assert len(encoded) < 0.75 * len(data)
    assert lacodec.encode(data, "audio.lossless", effort=effort, threads=2) == encoded


def test_more_effort_is_smaller():
    sizes = [len(lacodec.encode(SOUNDS["stereo"], "audio.lossless", effort=effort)) for effort in (1, 5, 9)]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize(
    ("name", "at_most"), [("silence", 300), ("constant", 200), ("mono as stereo", 8000), ("floats of integers", 20000)]
)
def test_what_is_detected(name, at_most):
    assert len(lacodec.encode(SOUNDS[name], "audio.lossless")) < at_most


def test_levels_that_never_occur_cost_nothing():
    quiet = np.rint(tone(60000, 1, 1500))
    normalised = lacodec.encode(wav_file(np.rint(quiet * 5.37)), "audio.lossless", effort=3)
    assert len(normalised) < 1.1 * len(lacodec.encode(wav_file(quiet), "audio.lossless", effort=3))


@pytest.fixture(scope="module")
def long():
    """Three chunks at effort 1."""
    data = wav_file(tone(1_200_000, 2, 9000), tail=b"LIST\4\0\0\0more")
    return data, lacodec.encode(data, "audio.lossless", effort=1)


def test_chunks(long):
    data, encoded = long
    assert len(Reader(BytesSource(encoded)).index) == 3
    assert restored(encoded) == data
    assert restored(encoded, threads=2) == data
    assert lacodec.encode(data, "audio.lossless", effort=1, threads=2) == encoded


NOISE = wav_file(np.random.default_rng(7).integers(-32768, 32768, (1_200_000, 2)))
JUNK = chunk(b"JUNK", np.random.default_rng(8).bytes(3 << 20))


@pytest.mark.parametrize(
    "data",
    [
        NOISE,
        NOISE + chunk(b"LIST", b"x" * 1000),
        NOISE[:12] + JUNK + NOISE[12:],
        wav_file(tone(20_000, 2, 9000), tail=JUNK),
        SOUNDS["noise"][:12] + JUNK + SOUNDS["noise"][12:],
        SOUNDS["short noise"][:12] + chunk(b"JUNK", bytes(3 << 20)) + SOUNDS["short noise"][12:],
    ],
    ids=["noise", "tail", "junk", "junk behind", "junk before a little", "zeros before a little"],
)
def test_noise_of_several_chunks_and_much_around_the_samples(data, tmp_path):
    """What cannot be coded is stored in every chunk; the first and the last one carry what stands around the samples."""
    (tmp_path / "x.wav").write_bytes(data)
    result = api.encode_file(tmp_path / "x.wav", tmp_path / "x.lac", "audio.lossless", effort=1)
    assert result.encoded <= len(data) + 64 + len(data) // 1000
    api.decode_file(tmp_path / "x.lac", tmp_path / "y.wav")
    assert (tmp_path / "y.wav").read_bytes() == data
    with lacodec.open(tmp_path / "x.lac") as file:
        assert np.array_equal(file[10:40].samples, AUDIO.from_source(BytesSource(data)).samples[10:40])


def test_opens_in_the_middle(long):
    _, encoded = long
    whole = lacodec.decode(encoded).samples
    with lacodec.open(encoded) as file:
        for start, stop in ((0, 10), (524_200, 524_400), (1_199_990, 1_200_000), (7, 7), (500, 600_000)):
            part = file[start:stop]
            assert part.rate == 44100
            assert np.array_equal(part.samples, whole[start:stop])
        assert len(file[2_000_000:].samples) == 0
        with pytest.raises(BadInput):
            file[1_200_000]
        with pytest.raises(BadInput):
            file["name"]


def test_salvage_keeps_what_is_whole(long, tmp_path):
    data, encoded = long
    head = Reader(BytesSource(encoded)).index[1]
    damaged = bytearray(encoded)
    damaged[head.payload_offset + 100] ^= 1
    (tmp_path / "x.lac").write_bytes(damaged)
    with pytest.raises(CorruptFile):
        lacodec.decode(bytes(damaged))
    result = api.decode_file(tmp_path / "x.lac", tmp_path / "x.wav", salvage=True)
    assert len(result.damage) == 1
    start, stop = (44 + 4 * place for place in head.covers[0])
    assert (tmp_path / "x.wav").read_bytes() == data[:start] + bytes(stop - start) + data[stop:]


def test_arrays_in_and_out():
    for dtype in (np.uint8, np.int8, np.int16, np.int32, np.float32):
        samples = tone(2000, 2, 100).astype(dtype)
        back = lacodec.decode(lacodec.encode(Audio.from_samples(samples, 22050)))
        assert back.rate == 22050
        wanted = samples.astype(np.int32) - 128 if dtype == np.uint8 else samples
        assert np.array_equal(back.samples, wanted)
    with pytest.raises(BadInput):
        Audio.from_samples(np.zeros((3, 2)), 44100)
    with pytest.raises(BadInput):
        lacodec.encode(np.zeros(5), "audio.lossless")


def test_nan_bits_survive_in_arrays():
    samples = np.array([0x7F800001, 0x7FC00000, -1, 1, -(2**31)], np.int32).view(np.float32)
    back = lacodec.decode(lacodec.encode(Audio.from_samples(samples, 8000))).samples
    assert np.array_equal(back[:, 0].view(np.int32), samples.view(np.int32))


def test_damaged_and_forged_payloads_are_refused():
    """Hashes made right again: whatever the payload says, an error or other samples come out, never a crash."""
    from lacodec.codecs.audio.lossless._payload import decode_piece

    rng = np.random.default_rng(5)
    for name in ("stereo", "normalised", "awkward floats", "foreign chunks", "mono as stereo"):
        encoded = lacodec.encode(SOUNDS[name], "audio.lossless", effort=1)
        chunk = Reader(BytesSource(encoded)).chunk(0)
        frames = chunk.covers[0][1]
        for trial in range(60):
            payload = bytearray(chunk.payload)
            at = int(rng.integers(0, min(len(payload), 40 if trial % 2 else 1 << 30)))
            payload[at] = int(rng.integers(0, 256))
            if trial % 5 == 0:
                payload = payload[:at]
            try:
                piece = decode_piece(bytes(payload), chunk.decoded_size, frames, None)
            except LacodecError:
                continue
            assert len(piece.content) == chunk.decoded_size


def test_absurd_numbers_of_samples_and_lost_chunks_are_refused():
    from lacodec.codecs.audio.lossless._payload import decode_piece
    from lacodec.codecs.audio.lossless.codec import AudioLossless
    from lacodec.container import Header

    chunk = Reader(BytesSource(lacodec.encode(SOUNDS["stereo"], "audio.lossless", effort=1))).chunk(0)
    with pytest.raises(CorruptFile, match="contradicts"):
        decode_piece(chunk.payload, chunk.decoded_size, 1 << 63, None)
    with pytest.raises(CorruptFile, match="no chunk"):
        AudioLossless().extract(Header("audio.lossless", 0, {}), [], slice(0, 5), [])


def test_options_are_checked():
    for effort in (0, 10, 2.5, True, "5"):
        with pytest.raises(BadInput):
            lacodec.codec("audio.lossless", effort=effort)


@pytest.mark.parametrize("data", [b"", b"RIFF", b"not audio at all, but long enough to look at"])
def test_what_is_no_audio_is_refused(data):
    with pytest.raises(LacodecError):
        lacodec.encode(data, "audio.lossless")


def test_floats_are_rounded_in_integers():
    """As the processor rounds, subnormal numbers, overflow and ties included."""
    rng = np.random.default_rng(3)
    q = rng.integers(-(1 << 33), 1 << 33, 200_000) >> rng.integers(0, 33, 200_000)
    for scale in (*range(-200, 201, 7), 23, 126, 149, 150, -94):
        with np.errstate(over="ignore", under="ignore"):
            wanted = np.ldexp(q.astype(np.float64), -scale).astype(np.float32).view(np.int32).astype(np.int64)
        assert np.array_equal(_floats._bits(q.astype(np.float64), scale), wanted), scale


def test_subnormal_sound_on_a_processor_that_flushes_them_to_zero():
    torch = pytest.importorskip("torch")
    sound = Audio.from_samples((np.arange(-3000, 3000) * 1e-41).astype(np.float32), 8000)
    encoded = lacodec.encode(sound)
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor cannot")
    try:
        flushed = lacodec.encode(sound)  # may be another file, but says the same
        found = [lacodec.decode(data).pcm.read(0, 1 << 20) for data in (encoded, flushed)]
    finally:
        torch.set_flush_denormal(False)
    found.append(lacodec.decode(flushed).pcm.read(0, 1 << 20))
    assert all(data == sound.pcm.read(0, 1 << 20) for data in found)
