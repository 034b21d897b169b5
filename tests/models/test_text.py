"""The language model of text: pre-tokens and pieces of any bytes, its functions, its recurrence."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from lacodec.errors import BadInput  # noqa: E402
from lacodec.models.exact import Mode, set_mode  # noqa: E402
from lacodec.models.text import ops, pretokens  # noqa: E402
from lacodec.models.text.network import TextNetwork  # noqa: E402
from lacodec.models.text.options import TextOptions  # noqa: E402
from lacodec.models.text.pieces import Pieces  # noqa: E402
from lacodec.training import text_pieces  # noqa: E402

pytestmark = pytest.mark.torch

ENGLISH = "It was the best of lines, it wasn't the worst -- 'so she said,' in 1859.\n\n"
OTHER = "  Про що? «Ну,» — 春眠不覺曉，處處聞啼鳥。 カタカナ “yes”\n"
TEXT = ((ENGLISH + OTHER) * 9).encode()
ANY = st.one_of(st.binary(max_size=200), st.text(max_size=80).map(str.encode), st.just(TEXT))


@pytest.fixture(scope="module")
def pieces():
    return text_pieces.learn(text_pieces.count(TEXT), 400)


@given(data=ANY)
@settings(deadline=None)
def test_pieces_give_any_bytes_back(pieces, data):
    numbers = pieces.encode(data)
    assert pieces.decode(numbers) == data
    assert len(numbers) <= len(data)


@given(data=ANY, more=ANY)
@settings(deadline=None)
def test_begins_of_pretokens_depend_on_nothing_later(data, more):
    whole = pretokens.begins(np.frombuffer(data + more, np.uint8))
    assert np.array_equal(pretokens.begins(np.frombuffer(data, np.uint8)), whole[: len(data)])
    starts = np.flatnonzero(whole)
    assert np.diff(starts, append=len(whole)).max(initial=0) <= pretokens.LONGEST
    assert len(whole) == 0 or whole[0]


@given(data=ANY)
@settings(deadline=None)
def test_pieces_are_those_of_each_pretoken_alone(pieces, data):
    starts = [*np.flatnonzero(pretokens.begins(np.frombuffer(data, np.uint8))).tolist(), len(data)]
    alone = [pieces.encode(data[a:b]) for a, b in itertools.pairwise(starts)]
    assert np.array_equal(np.concatenate([np.zeros(0, np.uint16), *alone]), pieces.encode(data))


def test_pretokens_are_words_with_their_space():
    text = "Don't go,  Про 1859 -- no.\n\n“Yes”"
    starts = [*np.flatnonzero(pretokens.begins(np.frombuffer(text.encode(), np.uint8))).tolist(), len(text.encode())]
    found = [text.encode()[a:b].decode() for a, b in itertools.pairwise(starts)]
    assert found == ["Don't", " go", ",", "  ", "Про", " 1859", " --", " no", ".", "\n\n", "“", "Yes", "”"]


def test_merges_are_kept_in_a_file(pieces, tmp_path):
    pieces.save(tmp_path / "pieces.txt")
    again = Pieces.load(tmp_path / "pieces.txt")
    assert np.array_equal(again.merges, pieces.merges) and again.texts == pieces.texts and len(again) == 256 + len(pieces.merges)
    assert len(set(pieces.texts)) > 350


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["1 9999"], "invalid merges"),
        (["1 2", "1 2"], "invalid merges"),
        (["-1 2"], "invalid merges"),
        (["1 99999999999999999999"], "bad.txt"),
        ([f"{i} {i}" for i in (97, *range(256, 296))], "more than 40 bytes"),
        (["1 2 3"], "not a file of pieces"),
        (["1 b"], "not a file of pieces"),
    ],
)
def test_forged_merges_are_refused(pieces, tmp_path, lines, message):
    pieces.save(tmp_path / "pieces.txt")
    title = (tmp_path / "pieces.txt").read_text().splitlines()[0]
    (tmp_path / "bad.txt").write_text("\n".join([title, *lines]))
    with pytest.raises(BadInput, match=message):
        Pieces.load(tmp_path / "bad.txt")
    for content in (b"1 2\n", b"", b"\xff"):
        (tmp_path / "bad.txt").write_bytes(content)
        with pytest.raises(BadInput, match="not a file of pieces"):
            Pieces.load(tmp_path / "bad.txt")
    with pytest.raises(BadInput, match="cannot be read"):
        Pieces.load(tmp_path / "none.txt")


@pytest.mark.parametrize("options", [{"width": 0}, {"blocks": 5000}, {"pieces": 255}, {"hidden": 1.5}, {"recurrence": True}])
def test_senseless_sizes(options):
    with pytest.raises(BadInput, match="must be a whole number"):
        TextOptions(**options)


def test_no_text_makes_no_merges():
    assert not text_pieces.count(b"")
    assert len(text_pieces.learn({}, 300)) == 256


@pytest.mark.parametrize("rounding", [False, True])
@pytest.mark.parametrize("name", ["norm", "taps", "recurrence", "swiglu"])
def test_kernels_are_the_functions_and_their_gradients(monkeypatch, name, rounding):
    torch.manual_seed(1)
    results = []
    x = torch.randn(2, 37, 24) * 4
    weights = torch.randn(3, 24)
    direction = None
    for kernels in (False, True):
        monkeypatch.setattr(ops, "kernels", kernels)
        given_ = [x.clone().requires_grad_(), *([weights.clone().requires_grad_()] if name == "taps" else [])]
        out = getattr(ops, name)(*given_, rounding)
        direction = torch.randn_like(out) if direction is None else direction
        (out * direction).sum().backward()
        results.append([out.detach(), *(g.grad for g in given_)])
    if rounding:  # sums differ in their last digit, so that a few fall to the other side
        assert (results[0][0] != results[1][0]).float().mean() < 0.01
    else:
        for first, second in zip(*results, strict=True):
            torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-4)


def test_cross_entropy_is_that_of_torch():
    torch.manual_seed(2)
    x, weights, bias = torch.randn(700, 8), torch.randn(50, 8), torch.randn(50)
    wanted = torch.randint(50, (700,))
    found = []
    for own in (True, False):
        given_ = [v.clone().requires_grad_() for v in (x, weights, bias)]
        if own:
            loss = ops.cross_entropy(*given_, wanted)
        else:
            loss = torch.nn.functional.cross_entropy(given_[0] @ given_[1].t() + given_[2], wanted)
        (2 * loss).backward()
        found.append([loss.detach(), *(v.grad for v in given_)])
    for first, second in zip(*found, strict=True):
        torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-6)


def lively(options):
    """A network whose every part matters."""
    network = TextNetwork(options).requires_grad_(False)
    for name, parameter in network.named_parameters():
        if "outer" in name or "taps" in name or "bias" in name:
            parameter += torch.randn_like(parameter) * 0.1
    return network


@pytest.mark.parametrize("kernels", [False, True])
@pytest.mark.parametrize("mode", [Mode.FLOAT, Mode.SIMULATED])
def test_all_times_at_once_are_one_step_after_the_other(monkeypatch, kernels, mode):
    monkeypatch.setattr(ops, "kernels", kernels)
    torch.manual_seed(3)
    network = lively(TextOptions(pieces=300, width=16, recurrence=24, hidden=32, blocks=2))
    set_mode(network, mode)
    text = torch.randint(300, (2, 40))
    at_once = network(text) @ network.weights().t() + network.bias
    states, steps = network.start(2), []
    for t in range(40):
        logits, states = network.step(text[:, t], states)
        steps.append(logits)
    difference = (at_once - torch.stack(steps, 1)).abs()
    assert difference.max() < (1e-3 if mode == Mode.FLOAT else 0.3)
    assert difference.mean() < (1e-5 if mode == Mode.FLOAT else 5e-3)


def test_logits_depend_on_nothing_later():
    torch.manual_seed(4)
    network = lively(TextOptions(pieces=300, width=16, recurrence=24, hidden=32, blocks=2))
    text = torch.randint(300, (1, 30))
    other = text.clone()
    other[:, 20:] = torch.randint(300, (1, 10))
    assert torch.equal(network(text)[:, :20], network(other)[:, :20])
