"""Training of circuits: likelihoods rise, known parts come out, and the command writes a model that the codec takes."""

import numpy as np
import pytest

import lacodec
from lacodec.cli import main
from lacodec.errors import BadInput
from lacodec.training.circuits.em import Training, train
from lacodec.training.circuits.options import CircuitOptions
from lacodec.training.circuits.tree import grow, levels_of, rows
from tests.circuits import marks


def bars(count, seed=1):
    """uint8[count, 6, 6]: a bar in one of six columns, with ends and levels of its own, on black."""
    rng = np.random.default_rng(seed)
    out = np.zeros((count, 6, 6), np.uint8)
    for picture in out:
        top, bottom = sorted(rng.integers(0, 7, 2))
        picture[top:bottom, rng.integers(6)] = rng.integers(1, 12)
    return out


@pytest.mark.parametrize("near", [0, 1, 2])
def test_it_learns(near):
    options = CircuitOptions(states=6, neighbours=near, rounds=4, batch=300)
    pictures, others = bars(1200), bars(300, 2)
    found = list(train(pictures, options, others))
    assert found[-1][0] < found[0][0] and found[-1][1] < 0.9
    circuit = found[-1][2]()
    assert circuit.shape == (6, 6) and circuit.states == 6 and circuit.neighbours.shape == (36, near)


def test_coded_size_is_what_training_says(tmp_path):
    options = CircuitOptions(states=4, rounds=3, batch=500)
    *_, (_, bits, circuit) = train(bars(1000), options, bars(400, 2))
    np.savez(tmp_path / "m.npz", **circuit().arrays())
    coded = lacodec.encode(bars(400, 2), "image.pc", model=str(tmp_path / "m.npz"))
    assert len(coded) * 8 < 1.01 * bits * 400 * 36 + 8 * 200


def test_the_same_every_time():
    one, two = (list(train(marks(200), CircuitOptions(states=3, rounds=2)))[-1][2]() for _ in range(2))
    assert one.id == two.id


def test_tree():
    pictures = bars(800)
    tree = grow(pictures, 2)
    assert sorted(tree.order) == list(range(36)) and tree.parents[0] == -1 and (tree.parents[1:] < np.arange(1, 36)).all()
    column = tree.order % 6
    joined = [column[node] == column[parent] for node, parent in enumerate(tree.parents) if node]
    assert sum(joined) >= 25  # a bar tells about its own column
    assert (levels_of(np.array([0, 0, 9], np.uint8), 4) > 0).all() and not len(levels_of(np.zeros(4, np.uint8), 4))


def test_other_values_are_refused():
    training = Training.of(marks(50), CircuitOptions(states=2))
    with pytest.raises(ValueError, match="beyond"):
        training.of_pictures(np.full((1, 5, 4), 200, np.uint8))


def test_the_command(tmp_path, capsys):
    np.save(tmp_path / "a.npy", bars(300))
    np.save(tmp_path / "b.npy", bars(60, 2))
    flags = ["--states", "3", "--rounds", "2", "-o", str(tmp_path / "run"), "--validation", str(tmp_path / "b.npy")]
    assert main(["train", "pc", str(tmp_path / "a.npy"), *flags]) == 0
    assert "held out" in capsys.readouterr().err
    model = str(tmp_path / "run" / "model.lac")
    assert main(["encode", "--codec", "image.pc", "--model", model, str(tmp_path / "b.npy")]) == 0
    assert main(["decode", str(tmp_path / "b.npy.lac"), "-o", str(tmp_path / "c.npy")]) == 0
    assert np.array_equal(np.load(tmp_path / "c.npy"), bars(60, 2))
    assert main(["train", "pc", str(tmp_path / "nothing.npy")]) == 1


def test_a_folder_of_pictures(tmp_path):
    from PIL import Image

    from lacodec.media.pictures.files import load

    for i, picture in enumerate(bars(5)):
        Image.fromarray(picture).save(tmp_path / f"{i}.png")
    assert np.array_equal(load(tmp_path).pixels, bars(5))
    Image.fromarray(np.zeros((3, 3), np.uint8)).save(tmp_path / "9.png")
    with pytest.raises(BadInput, match="another size"):
        load(tmp_path)


@pytest.mark.parametrize(
    "wrong", [{"states": 0}, {"states": 65}, {"neighbours": 7}, {"tree": "x"}, {"parts": 1}, {"rounds": 0}, {"smoothing": 0}]
)
def test_options(wrong):
    with pytest.raises(BadInput):
        CircuitOptions(**wrong)


def test_rows():
    tree = rows((3, 4, 2), 3)
    assert tree.tables.tolist() == [0, 1] * 12 and tree.parents.tolist() == list(range(-1, 23))
    assert tree.neighbours[0].tolist() == [-1, -1, -1] and tree.neighbours[11].tolist() == [10, 9, 3]
    assert (tree.neighbours < np.arange(24)[:, None]).all()


def test_pixels_that_share_a_table(tmp_path):
    options = CircuitOptions(tree="rows", states=4, neighbours=4, rounds=4, batch=300)
    pictures, others = bars(900), bars(300, 2)
    *_, (_, bits, circuit) = train(pictures, options, others)
    assert bits < 0.8 and circuit().emissions.shape[0] == 1
    np.savez(tmp_path / "m.npz", **circuit().arrays())
    coded = lacodec.encode(others, "image.pc", model=str(tmp_path / "m.npz"))
    assert len(coded) * 8 < 1.01 * bits * others.size + 8 * 200
    assert np.array_equal(lacodec.decode(coded), others)
