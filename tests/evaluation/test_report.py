"""The report page: equal bytes, what is embedded, charts, loudness, escaping."""

import base64
import io
import math
import re

import numpy as np
import pytest
import soundfile
from PIL import Image

from lacodec.evaluation.audio import synthetic
from lacodec.evaluation.audio.sound import Sound
from lacodec.evaluation.peers import LOSSY_IMAGE_PEERS
from lacodec.evaluation.report import page, pictures, sounds
from lacodec.evaluation.report.chart import Chart, Mark, Series, drawn, number
from lacodec.evaluation.report.equal import Choice, matched, settings_between

PEERS = {peer.name: peer for peer in LOSSY_IMAGE_PEERS}


def smooth(height: int, width: int) -> np.ndarray:
    rng = np.random.default_rng(3)
    small = Image.fromarray(rng.integers(0, 256, (height // 12, width // 12, 3), np.uint8))
    return np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))


def test_files_of_equal_bytes_are_found_from_either_end() -> None:
    leader = Choice("leader", [1, 2, 3, 4, 5], lambda v: bytes(1000 * v + 70))
    fine = Choice("fine", settings_between([10.0, 0.5], False), lambda v: bytes(round(30000 / v)))  # falls
    coarse = Choice("coarse", settings_between([1, 60], True), lambda v: bytes(250 * v))  # rises
    found = matched(leader, [fine, coarse], 3)
    assert [one.name for one in found] == ["leader", "fine", "coarse"]
    assert found[0].setting == 5  # 5070 is nearest to a multiple of 250
    assert found[1].equal and found[2].off == pytest.approx(-70 / 5070) and not found[2].equal


def test_the_leader_moves_until_all_agree() -> None:
    leader = Choice("leader", range(1, 40), lambda v: bytes(100 * v))
    coarse = Choice("coarse", range(1, 10), lambda v: bytes(700 * v))
    found = matched(leader, [coarse], 20)
    assert found[0].setting == 21 and found[1].setting == 3 and found[1].off == 0


def test_pictures_are_embedded_without_loss_and_the_worst_block_first() -> None:
    pixels = smooth(130, 200)
    methods = [PEERS["jpeg"], PEERS["webp"]]
    made = pictures.versions(pixels, methods, [], 0.4)
    assert [one.name for one in made] == ["jpeg", "webp"] and made[0].off is None
    broken = made[0].pixels.copy()
    broken[64:128, 128:192] ^= 64
    made[0] = pictures.Version("<b>", "quality 1", 10, None, broken, 0.1)
    text = pictures.section("a & b.png", pixels, made)
    assert "a &amp; b.png" in text and "&lt;b&gt;" in text and "<b>" not in text
    embedded = re.findall(r'src="data:image/webp;base64,([^"]+)"', text)
    for data, expected in zip(embedded, (pixels, broken, made[1].pixels), strict=True):
        with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
            assert np.array_equal(np.asarray(picture.convert("RGB")), expected)
    assert re.search(r'data-blocks="128,64 ', text)


def test_of_a_large_picture_the_part_around_the_worst_block_is_shown() -> None:
    pixels = np.zeros((1100, 1500, 3), np.uint8)
    wrong = pixels.copy()
    wrong[1090:, 1490:] = 255
    text = pictures.section("large", pixels, [pictures.Version("x", "", 1, None, wrong, 0.0)])
    assert 'data-width="1280" data-height="960"' in text and "from (220, 140)" in text


def test_sounds_are_embedded_equally_loud() -> None:
    sound = synthetic.make("impulses").sound
    half = Sound(sound.samples / 2, sound.rate)
    text = sounds.section(sounds.Group("clicks & co", sound, [("24 kbit/s", [sounds.Version("o'codec", '"q" 3', half)])]))
    embedded = re.findall(r'src="data:audio/flac;base64,([^"]+)"', text)
    assert len(embedded) == 2 == text.count("<audio controls") == text.count("data:image/webp")
    for data in embedded:  # the louder one is made as loud as the other
        samples, rate = soundfile.read(io.BytesIO(base64.b64decode(data)), always_2d=True)
        assert rate == sound.rate and np.abs(samples - half.samples[: len(samples)]).max() <= 1 / 32768
    assert "-6.02 dB" in text and "clicks &amp; co" in text
    assert 'aria-label="o&#x27;codec, &quot;q&quot; 3"' in text


def test_loudness_is_that_of_the_standard() -> None:
    t = np.arange(48000) / 48000
    # BS.1770: a full-scale sine of 997 Hz in one channel has -3.01 LKFS; the high-pass of 38 Hz takes 1.18 dB at 100 Hz.
    for frequency, expected in ((997, -3.01), (100, -0.69 - 3.01 - 1.18)):
        wave = Sound(np.sin(2 * np.pi * frequency * t)[:, None], 48000)
        assert sounds.loudness(wave) == pytest.approx(expected, abs=0.06)
    assert sounds.loudness(Sound(np.zeros((100, 1)), 8000)) < -100


def test_long_sounds_are_cut_to_their_loudest_passage() -> None:
    samples = np.full((20 * 8000, 1), 0.01)
    samples[10 * 8000 : 15 * 8000] = 0.5
    text = sounds.section(sounds.Group("long", Sound(samples, 8000), []))
    data = re.search(r'src="data:audio/flac;base64,([^"]+)"', text)
    assert data is not None and soundfile.info(io.BytesIO(base64.b64decode(data[1]))).frames == sounds.SHOWN_S * 8000


def test_charts() -> None:
    marks = [Mark(0.1, 30, "a <mark>", 29, 31), Mark(1, 40, "b"), Mark(2, math.inf, "c"), Mark(0, 3, "d")]
    text = drawn(Chart("t & u", "x", "y", [Series("s", marks, "ours"), Series("none", [])], log_x=True, level=("undecoded", 42)))
    assert text.count("<circle") == 2 and "a &lt;mark&gt;" in text and "t &amp; u" in text and text.count("<button") == 1
    for number_ in re.findall(r'c[xy]="([^"]+)"', text):
        assert 0 <= float(number_) <= 520
    assert drawn(Chart("empty", "x", "y", [Series("none", [])])) == ""
    assert drawn(Chart("one", "x", "y", [Series("s", [Mark(5, 5, "m")])])).count("<circle") == 1


def test_numbers_are_short() -> None:
    assert [number(v) for v in (0, 0.05, 1, 12.5, 1234567, 0.1 + 0.2, -2)] == ["0", "0.05", "1", "12.5", "1,234,567", "0.3", "-2"]


def test_a_page_needs_no_network_and_escapes_its_texts() -> None:
    text = page.page("A <title>", [page.section("h & i", page.table(["c"], [["<td>"], ["1"]]))], [("m", "x < y")], ["odd > even"])
    assert "<title>A &lt;title&gt;</title>" in text and "odd &gt; even" in text and "&lt;td&gt;" in text and "x &lt; y" in text
    assert not re.search(r'(?:src|href)="(?!data:)', text) and "default-src 'none'" in text
    assert page.section("empty", "") == ""


def test_what_does_not_fit_is_left_out() -> None:
    made = []

    def each():
        for i in range(5):
            made.append(i)
            yield str(i), "x" * (page.CAP // 2 - 1)

    kept, left_out = page.within_cap(each())
    assert len(kept) == 2 and left_out == ["2"] and made == [0, 1, 2]
