"""Causal models of transformers as predictors of bytes."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
from lacodec.codecs.text.lm import causal  # noqa: E402
from lacodec.errors import BadInput  # noqa: E402
from lacodec.models.text.causal.language import causal_language, computing  # noqa: E402
from lacodec.models.text.causal.predictor import Predictor  # noqa: E402
from tests import causal_models, languages  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def language(tmp_path_factory):
    return causal.by_path(causal_models.folder(tmp_path_factory.mktemp("pieces")))


def chances(predictor):
    return predictor.tree[256:] / predictor.tree[1]


def test_bytes_are_the_models_own_tokens(tmp_path):
    """With a token for each byte there is nothing to sum over: a byte is as likely as its token."""
    own = causal.by_path(causal_models.folder(tmp_path, pieces=257))
    tokens = [own.first]
    numbers = dict(zip(own.words.texts, own.words.numbers.tolist(), strict=True))
    with computing():
        predictor = Predictor(own)
        for byte in b"It was the best":
            wanted = own.network(torch.tensor([tokens])).logits[0, -1].float().double()
            wanted = torch.softmax(wanted[[numbers[bytes([b])] for b in range(256)]], 0).numpy()
            assert np.abs(chances(predictor) - wanted).max() < 0.02  # a cache and bfloat16 round otherwise
            tokens.append(numbers[bytes([byte])])
            predictor.take(byte)
        assert predictor.steps == len(tokens)


def test_all_ways_to_cut_count(language):
    """Sums over all sequences of pieces that begin with some bytes, against the predictor's few hypotheses."""
    words = language.words

    def mass(tokens, left, piece_mass):
        """P(the stream begins with `left` after tokens), by bytes."""
        logits = language.network(torch.tensor([tokens])).logits[0, -1].float().double()
        p = torch.softmax(logits[words.numbers], 0).numpy() * piece_mass
        total = 0.0
        for text, number, one in zip(words.texts, words.numbers.tolist(), p, strict=True):
            if text.startswith(left):
                total += one
            elif left.startswith(text):
                total += mass([*tokens, number], left[len(text) :], one)
        return total

    with computing():
        predictor = Predictor(language)
        for byte in b"the":
            predictor.take(byte)
        found = chances(predictor)
        whole = mass([language.first], b"the", 1.0)
        for byte in b" sab":
            wanted = mass([language.first], b"the" + bytes([byte]), 1.0) / whole
            assert abs(found[byte] - wanted) < 0.03 + 0.2 * wanted


def test_branches_are_put_back(language):
    """A reading tells the same, whatever was read elsewhere meanwhile."""
    with computing():
        context = language.context()
        start, _ = context.begin()
        one, _ = context.read(start, 20)
        two, _ = context.read(one, 21)
        other, _ = context.read(start, 30)
        context.read(other, 31)
        _, again = context.read(two, 22)
        assert two.tokens() == [20, 21]
        straight = language.context()
        reading, _ = straight.begin()
        for token in (20, 21):
            reading, _ = straight.read(reading, token)
        assert np.array_equal(straight.read(reading, 22)[1], again)


def test_the_newer_half_is_read_again(tmp_path):
    own = causal.by_path(causal_models.folder(tmp_path, room=64))
    with computing():
        predictor, places = Predictor(own), []
        for byte in languages.TEXT[:400]:
            predictor.take(byte)
            places.append(max(reading.place for reading in predictor._readings.values()))
        assert max(places) < own.room == 64 and min(places[100:]) >= 64 // 2 - 1
        reading = next(iter(predictor._readings.values()))
        assert len(reading.tokens()) == reading.place


def test_bytes_that_no_piece_has(language):
    with computing():
        predictor = Predictor(language)
        for byte in bytes(range(256)) * 2:
            assert predictor.tree[256:].min() >= 1 and predictor.tree[1] == predictor.tree[256:].sum() < 1 << 27
            predictor.take(byte)


def test_settings_of_the_user_are_kept(language):
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with computing(), computing():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)


def test_models_that_cannot_be_used(language, monkeypatch):
    network = language.network
    monkeypatch.setattr(type(network), "_is_stateful", True)
    with pytest.raises(BadInput, match="cannot branch"):
        causal_language(network, language.words, 0)
    monkeypatch.setattr(type(network), "_is_stateful", False)
    monkeypatch.setattr(network.config, "max_position_embeddings", 40)
    with pytest.raises(BadInput, match="context of 40 tokens"):
        causal_language(network, language.words, 0)
