"""lacodec.torch.Pictures: crops of a folder of pictures, in a DataLoader with workers."""

import numpy as np
import pytest
from PIL import Image as pillow

import lacodec
from lacodec.codecs.image.jpeg import segments
from lacodec.codecs.image.lossless.codec import LosslessImage
from lacodec.errors import BadInput

torch = pytest.importorskip("torch")
from torch.utils.data import DataLoader  # noqa: E402

from lacodec.torch import Pictures  # noqa: E402

pytestmark = pytest.mark.torch

Y, X = np.mgrid[0:200, 0:300]
PHOTO = (np.stack([X // 2, Y, (X + Y) // 3], 2) + np.random.default_rng(3).integers(0, 5, (200, 300, 3))).astype(np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pictures of every kind, in two classes."""
    place = tmp_path_factory.mktemp("packed")
    pictures = {
        "a/colour": PHOTO,
        "a/gray": PHOTO[:, :, :1],
        "a/alpha": np.concatenate([PHOTO, PHOTO[:, :, :1]], 2),
        "b/deep": PHOTO.astype(np.uint16) * 257,
        "b/small": PHOTO[:30, :40],
        "b/deeper/colour": PHOTO[::-1].copy(),
    }
    for name, pixels in pictures.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / f"{name}.lac").write_bytes(lacodec.encode(pixels, codec="image.lossless", effort=1, tile=64))
    pillow.fromarray(PHOTO).quantize(30).save(place / "p.png")
    pillow.fromarray(PHOTO).save(place / "j.jpg", quality=95)
    for name, target in (("p.png", "a/palette.lac"), ("p.png", "a/palette_exact.lac"), ("j.jpg", "b/jpeg.lac")):
        options = {"codec": "image.lossless", "exact": True} if "exact" in target else {}
        lacodec.encode_file(place / name, place / target, effort=1, **options)
        (place / f"{target}.png").write_bytes(b"not one of ours")
    return place


def by_name(dataset):
    return {str(path.relative_to(path.parents[1])): dataset[i] for i, path in enumerate(dataset.paths)}


def test_every_kind_becomes_three_channels(folder):
    found = by_name(Pictures(folder, None))
    colours = torch.from_numpy(PHOTO.transpose(2, 0, 1).copy())
    assert all(item.dtype == torch.uint8 and item.shape[0] == 3 and item.is_contiguous() for item in found.values())
    for name in ("a/colour", "a/alpha", "b/deep"):
        assert torch.equal(found[f"{name}.lac"], colours)
    assert torch.equal(found["a/gray.lac"], colours[:1].repeat(3, 1, 1))
    assert found["b/small.lac"].shape == (3, 30, 40)
    shown = np.asarray(pillow.open(folder / "p.png").convert("RGB"))
    for name in ("a/palette.lac", "a/palette_exact.lac"):
        assert np.array_equal(found[name].permute(1, 2, 0), shown)
    assert np.array_equal(found["b/jpeg.lac"].permute(1, 2, 0), np.asarray(pillow.open(folder / "j.jpg")))


def test_crops_decode_only_their_tiles(folder, monkeypatch):
    counts, before = [], LosslessImage._decoded
    monkeypatch.setattr(LosslessImage, "_decoded", lambda *given: counts.append(1) or before(*given))
    dataset = Pictures(folder, (40, 50), centre=True)
    item = dataset[dataset.paths.index(folder / "a/colour.lac")]
    assert np.array_equal(item.permute(1, 2, 0), PHOTO[80:120, 125:175]) and len(counts) == 2


@pytest.fixture(scope="module")
def jpegs(tmp_path_factory):
    """JPEG files by segment, of every mode, and those that only a whole decoder shows."""
    place = tmp_path_factory.mktemp("jpegs")
    for name, mode, options in (
        ("colour", "RGB", {}),
        ("progressive", "RGB", {"progressive": True, "optimize": True}),
        ("fine", "RGB", {"subsampling": 0}),
        ("gray", "L", {}),
        ("cmyk", "CMYK", {}),
    ):
        pillow.fromarray(PHOTO).convert(mode).save(place / f"{name}.jpg", quality=90, **options)
        lacodec.encode_file(place / f"{name}.jpg", place / f"{name}.lac", "image.jpeg", effort=1, tile=64)
    return place


def test_jpegs_are_pillows(jpegs):
    for crop in (None, 48):
        found = Pictures(jpegs, crop, centre=True)
        for path, item in zip(found.paths, found, strict=True):
            expected = np.asarray(pillow.open(path.with_suffix(".jpg")).convert("RGB"))
            if crop:
                expected = expected[76:124, 126:174]
            assert np.array_equal(item.permute(1, 2, 0), expected), path


def test_crops_of_jpegs_decode_only_their_segments(jpegs, monkeypatch):
    counts, before = [], segments.decode_frame
    monkeypatch.setattr(segments, "decode_frame", lambda *given: counts.append(1) or before(*given))
    dataset = Pictures(jpegs, (20, 50), centre=True)
    item = dataset[dataset.paths.index(jpegs / "fine.lac")]
    assert item.shape == (3, 20, 50) and len(counts) == 1


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_workers_with_jpegs(jpegs, start):
    dataset = Pictures(jpegs, 48, seed=5)
    loader = DataLoader(dataset, batch_size=2, num_workers=2, multiprocessing_context=start)
    assert torch.equal(torch.cat(list(loader)), torch.stack([dataset[i] for i in range(len(dataset))]))


def test_small_pictures_are_repeated_at_their_edges(folder):
    dataset = Pictures(folder, (50, 60))
    item = dataset[dataset.paths.index(folder / "b/small.lac")].permute(1, 2, 0).numpy()
    assert np.array_equal(item, np.pad(PHOTO[:30, :40], ((10, 10), (10, 10), (0, 0)), "edge"))


def test_labels_and_transform(folder):
    dataset = Pictures(folder, 32, labels=True, transform=lambda item: item.float() / 255)
    assert dataset.classes == ["a", "b"] and dataset.class_to_idx == {"a": 0, "b": 1}
    assert dataset.targets == [0 if "/a/" in str(path) else 1 for path in dataset.paths] and len(dataset) == 9
    item, label = dataset[-1]
    assert item.dtype == torch.float32 and item.shape == (3, 32, 32) and label == 1


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_workers(folder, start):
    """The same crops with any number of workers, other ones in each epoch, even where workers persist."""
    dataset = Pictures(folder, 48, seed=5, labels=True)
    loader = DataLoader(dataset, batch_size=3, num_workers=2, multiprocessing_context=start, persistent_workers=True)
    epochs = []
    for epoch in range(2):
        dataset.set_epoch(epoch)
        alone = [dataset[i][0] for i in range(len(dataset))]
        batches = list(loader)
        assert torch.equal(torch.cat([items for items, _ in batches]), torch.stack(alone))
        assert torch.cat([labels for _, labels in batches]).tolist() == dataset.targets
        epochs.append(torch.stack(alone))
    assert not torch.equal(*epochs)


def test_without_a_seed_torch_decides(folder):
    dataset = Pictures(folder, 48)

    def epoch(seed):
        torch.manual_seed(seed)
        return torch.cat(list(DataLoader(dataset, batch_size=9, num_workers=2, multiprocessing_context="fork")))

    assert torch.equal(epoch(1), epoch(1)) and not torch.equal(epoch(1), epoch(2))


def test_wrong_folders(tmp_path, folder):
    with pytest.raises(BadInput, match=r"no \.lac files"):
        Pictures(tmp_path)
    (tmp_path / "text.lac").write_bytes(lacodec.encode(b"words " * 50))
    with pytest.raises(BadInput, match="holds no picture"):
        Pictures(tmp_path)[0]
    with pytest.raises(BadInput, match="outside of its folders"):
        Pictures(tmp_path, labels=True)
    for crop in (0, (3,), "x", (4, -1)):
        with pytest.raises(BadInput, match="crop is"):
            Pictures(folder, crop)
