"""The language model in integers: against the network that it was made from, and against the plain reader."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from lacodec.errors import CorruptFile  # noqa: E402
from lacodec.kernels.jit import flat_kernel  # noqa: E402
from lacodec.models.exact import Mode, set_mode  # noqa: E402
from lacodec.models.text import predict, steps  # noqa: E402
from lacodec.models.text.freeze import freeze  # noqa: E402
from lacodec.models.text.language import language, reader, scratch  # noqa: E402
from lacodec.models.text.network import TextNetwork  # noqa: E402
from lacodec.models.text.options import TextOptions  # noqa: E402
from lacodec.models.text.thaw import thaw  # noqa: E402
from lacodec.training import text_pieces  # noqa: E402
from reference.text_bytes import Reader  # noqa: E402
from reference.text_model import Model  # noqa: E402
from reference.text_pieces import Pieces as PlainPieces  # noqa: E402
from tests.strength import examples  # noqa: E402

pytestmark = pytest.mark.torch

TEXT = (
    "It was the best of times, it wasn't the worst -- 'so she said,' in 1859.\n\n  Про що? «Ну,» — 春眠不覺曉。\r\n" * 6
).encode()


@flat_kernel
def _expected(words, room, memory, data, trees):  # type: ignore[no-untyped-def]
    predict.start(words.model, room, words.trie, memory)
    for i in range(np.uint64(data.size)):
        for k in range(np.uint64(512)):
            trees[i, k] = memory.tree[k]
        predict.take(words.model, room, words.trie, words.merges, words.classes, memory, np.int64(data[i]))


@flat_kernel
def _masses(words, room, memory, numbers, out):  # type: ignore[no-untyped-def]
    for i in range(np.uint64(numbers.size)):
        steps.advance(words.model, room, numbers[i], memory.memory[0], memory.memory[0])
        steps.masses(words.model, room, out[i])


@pytest.fixture(scope="module")
def trained():
    """A network with weights as large as trained ones, and its pieces."""
    torch.manual_seed(3)
    pieces = text_pieces.learn(text_pieces.count(TEXT), 330)
    network = TextNetwork(TextOptions(len(pieces), width=24, recurrence=40, hidden=36, blocks=2))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += torch.randn_like(parameter) * (0.3 if parameter.dim() > 1 else 0.5)
    return network, pieces


@pytest.fixture(scope="module")
def arrays(trained):
    network, pieces = trained
    return {**freeze(network), "merges": pieces.merges.astype(np.int32)}


def test_a_model_file_is_trained_further_from_the_same_integers(trained, arrays):
    for name, array in freeze(thaw(arrays)).items():
        if name.endswith(("scale", "bias")):
            np.testing.assert_allclose(array, arrays[name], rtol=1e-5, atol=1)  # steps were rounded
        else:
            np.testing.assert_array_equal(array, arrays[name])


def expected(arrays, data):
    words = language(arrays)
    trees = np.zeros((len(data), 512), np.int64)
    _expected(words, scratch(words.model), reader(words.model), np.frombuffer(data, np.uint8), trees)
    return trees


def test_masses_are_those_of_the_simulated_network(trained, arrays):
    network, pieces = trained
    numbers = pieces.encode(TEXT)[:200].astype(np.int64)
    words = language(arrays)
    out = np.zeros((len(numbers), len(pieces) + 1), np.uint64)
    _masses(words, scratch(words.model), reader(words.model), numbers, out)
    ours = np.diff(out.astype(np.float64), axis=1)[:, words.trie.rank]
    ours /= ours.sum(1, keepdims=True)
    set_mode(network, Mode.SIMULATED)
    states = network.start(1)
    distances = []
    for number, row in zip(numbers, ours, strict=True):
        with torch.inference_mode():
            logits, states = network.step(torch.tensor([number]), states)
        wanted = torch.softmax(logits[0].double(), -1).numpy()
        distances.append(np.abs(row - wanted).sum())
    assert (
        distances[0] < 0.001 and np.median(distances) < 0.06
    )  # fixed point against float32: seldom a value rounds to its neighbour
    assert max(distances) < 0.3


@given(data=st.one_of(st.binary(max_size=60), st.text(max_size=30).map(str.encode), st.just(TEXT[:300]), st.just(b"A" * 90)))
@examples(25)
def test_the_plain_reader_expects_the_same(arrays, data):
    trees = expected(arrays, data)
    plain = Reader(Model(arrays), PlainPieces([tuple(pair) for pair in arrays["merges"].tolist()]))
    for byte, tree in zip(data, trees, strict=True):
        assert plain.counts() == tree[256:].tolist()
        plain.take(byte)


@given(data=st.binary(max_size=200))
@examples(20)
def test_every_byte_has_a_count_and_bits_their_sums(arrays, data):
    trees = expected(arrays, data)
    assert (trees[:, 256:] > 0).all()
    assert (trees[:, 1:256] == trees[:, 2::2] + trees[:, 3::2]).all()
    assert (trees[:, 1] < 1 << 28).all()


def test_what_is_expected_depends_on_nothing_later(arrays):
    whole = expected(arrays, TEXT[:400])
    assert np.array_equal(expected(arrays, TEXT[:150] + b"\0" * 50)[:151], whole[:151])


@pytest.mark.parametrize("name", ["embedding", "0.mixer.inner.scale", "merges", "taps", "power"])
def test_a_damaged_model_is_refused(arrays, name):
    with pytest.raises(CorruptFile):
        language({key: array for key, array in arrays.items() if key != name})
    with pytest.raises(CorruptFile):
        language({**arrays, name: arrays[name][:-1]})


def test_forged_tables_are_refused(arrays):
    for name in ("keep", "silu", "power"):
        with pytest.raises(CorruptFile):
            language({**arrays, name: np.full_like(arrays[name], 1 << 30)})
