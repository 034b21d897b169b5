"""Codec `audio.transform` by `reference/`: the symbols of every kind of block, channel and setting."""

import numpy as np
import pytest

import lacodec
from lacodec.codecs.audio.transform import _chunks, _payload
from lacodec.codecs.audio.transform._options import Settings
from lacodec.codecs.audio.transform._payload import decode_groups, symbols_hash
from lacodec.codecs.audio.transform._setup import Pace, Rule
from lacodec.codecs.audio.transform._synthesis import Symbols
from lacodec.codecs.audio.transform._tables import SIZES, bands_at
from lacodec.media.audio.value import Audio
from reference.container import read
from reference.stream import Damaged
from reference.transform_sound import Coded, read_sound
from reference.transform_symbols import Block, read_chunk, stored_samples
from tests.sounds import tone
from tools import golden


def agree(symbols: Symbols, blocks: list[Block], rate: int) -> None:
    """Both have the same symbols."""
    slots = np.flatnonzero(symbols.sizes < SIZES)
    assert [block.slot for block in blocks] == slots.tolist()
    assert [block.size for block in blocks] == symbols.sizes[slots].tolist()
    channels, at = len(symbols.quantised), 0
    for block in blocks:
        count = int(bands_at(rate).counts[block.size])
        if channels == 2:
            assert block.angles == symbols.angles[block.slot, :count].tolist()
        for c in range(channels):
            assert block.levels[c] == symbols.levels[c, block.slot, :count].tolist()
            length = len(block.coefficients[c])
            assert block.coefficients[c] == symbols.quantised[c, at : at + length].tolist()
        at += length
    assert at == symbols.quantised.shape[1]


@pytest.mark.parametrize(
    ("channels", "rate", "options"),
    [
        (1, 44100, {"quality": 20}),
        (2, 44100, {"quality": 70}),
        (3, 16000, {"quality": 40}),
        (1, 8000, {"quality": 100}),
        (2, 48000, {"quality": 60, "tune": "snr"}),
    ],
)
def test_symbols(channels, rate, options):
    sound = tone(2500, channels, 3000)
    sound[:1200] *= 0.01
    sound[1500:1510] += 20000
    encoded = lacodec.encode(Audio.from_samples(np.rint(sound).astype(np.int16), rate), "audio.transform", **options)
    payload = read(encoded)[1][0].payload
    groups = read_chunk(payload, rate, channels, 2500)
    expected = decode_groups(payload, rate, channels, -(-2500 // bands_at(rate).frame))
    assert len(groups) == len(expected) == (channels + 1) // 2
    for symbols, blocks in zip(expected, groups, strict=True):
        agree(symbols, blocks, rate)
    assert channels != 2 or len({block.size for block in groups[0]}) > 1


@pytest.mark.parametrize("stem", ["sound-q20-mono", "sound-q60-stereo", "sound-snr70-mono", "sound-q60-triple"])
def test_golden_files(stem):
    header, chunks = read((golden.FOLDER / "v1" / f"{stem}.lac").read_bytes())
    rate, channels, _, samples = header["metadata"]["sound"]
    symbols = decode_groups(chunks[0].payload, rate, channels, -(-samples // bands_at(rate).frame))
    assert symbols_hash(symbols) == chunks[0].content_hash
    for found, blocks in zip(symbols, read_chunk(chunks[0].payload, rate, channels, samples), strict=True):
        agree(found, blocks, rate)


def test_stored_samples():
    _, chunks = read((golden.FOLDER / "v1" / "sound-q95-short.lac").read_bytes())
    original = golden.maker_of("sound").sound("short").samples
    assert stored_samples(chunks[0].payload) == original.astype("<i2").tobytes()
    with pytest.raises(Damaged):
        read_chunk(chunks[0].payload, 8000, 2, 30)


@pytest.mark.parametrize("options", [{"quality": 20}, {"quality": 70, "tune": "snr"}])
def test_sound(options, monkeypatch):
    """Noise, angles, blocks of all sizes and borders of chunks, in samples."""
    monkeypatch.setattr(_chunks, "chunk_samples", lambda rate, channels, frame: 3 * frame)
    sound = tone(1500, 3, 3000)
    sound[:700] *= 0.02
    sound[900:910] += 20000
    encoded = lacodec.encode(Audio.from_samples(np.rint(sound).astype(np.int16), 6000), "audio.transform", **options)
    chunks = [Coded(*chunk.covers[0], chunk.payload) for chunk in read(encoded)[1]]
    expected = lacodec.decode(encoded).samples
    found = np.clip(np.rint(read_sound(chunks, 6000, 3)), -32768, 32767).T
    assert len(chunks) == 2 and found.shape == expected.shape and np.abs(found - expected).max() <= 1


def test_another_rule_and_pace(monkeypatch):
    """The payload says how steps follow and how fast the coder learns, so that tuning needs no other reader."""
    monkeypatch.setattr(_payload, "_PACE", Pace(12, 9, 7))
    monkeypatch.setattr(Settings, "rule", Rule(0, 150, 40, 20, up=9, down=20))
    sound = np.rint(tone(1500, 2, 3000)).astype(np.int16)
    payload = read(lacodec.encode(Audio.from_samples(sound, 8000), "audio.transform"))[1][0].payload
    symbols = decode_groups(payload, 8000, 2, -(-1500 // bands_at(8000).frame))
    assert symbols[0].rule == Rule(0, 150, 40, 20, up=9, down=20)
    agree(symbols[0], read_chunk(payload, 8000, 2, 1500)[0], 8000)


def test_damage_is_noticed():
    sound = np.rint(tone(2500, 1, 3000)).astype(np.int16)
    payload = read(lacodec.encode(Audio.from_samples(sound, 8000), "audio.transform"))[1][0].payload
    for damaged in (payload[:-1], payload + b"\0"):
        with pytest.raises(Damaged):
            read_chunk(damaged, 8000, 1, 2500)
