"""Windows of equally many bits: exact, and any numbers can be decoded."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lacodec.codecs.text import windows
from lacodec.errors import BadInput
from lacodec.models.text import alone
from lacodec.models.text.language import language
from tests import languages
from tests.languages import TEXT
from tests.strength import examples

DATA = st.one_of(st.binary(max_size=120), st.text(max_size=60).map(str.encode), st.just(TEXT[:300]), st.just(b"\0" * 700))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return languages.model_file(tmp_path_factory.mktemp("model"))


@pytest.mark.parametrize("bits", [16, 32])
@given(data=DATA)
@examples(30)
def test_text_comes_back(path, bits, data):
    numbers = windows.encode(data, bits, path)
    assert numbers.dtype == {16: np.uint16, 32: np.uint32}[bits]
    assert windows.decode(numbers, path) == data
    assert len(numbers) <= len(data)


@pytest.mark.parametrize("dtype", [np.uint16, np.uint32])
@given(seed=st.integers(0, 1 << 20))
@examples(20)
def test_any_numbers_are_some_text(path, dtype, seed):
    numbers = np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, 9, dtype, endpoint=True)
    numbers[:3] = 0, 1, np.iinfo(dtype).max
    assert len(windows.decode(numbers, path)) <= 255 * len(numbers)


def test_windows_tell_nothing_about_others(path):
    numbers = windows.encode(TEXT[:200], 32, path)
    parts = [windows.decode(numbers[i : i + 1], path) for i in range(len(numbers))]
    assert b"".join(parts) == TEXT[:200]


def test_str_is_its_utf8(path):
    assert windows.decode(windows.encode("Про що? «Ну,»", 16, path), path) == "Про що? «Ну,»".encode()


def test_other_bits_and_arrays_are_refused(path):
    with pytest.raises(BadInput):
        windows.encode(b"a", 24, path)
    with pytest.raises(BadInput):
        windows.decode(np.zeros(3, np.int64), path)
    with pytest.raises(BadInput):
        windows.decode(np.zeros((3, 1), np.uint16), path)


@given(data=DATA)
@examples(20)
def test_a_model_alone_codes_what_it_says(data):
    words = language(languages.arrays(1))
    coded = alone.encode(words, data)
    assert alone.decode(words, coded, len(data)) == data
    assert abs(8 * len(coded) - alone.information(words, data)) < 64 + 0.01 * 8 * len(data)
