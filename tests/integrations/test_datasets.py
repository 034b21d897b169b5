"""Hugging Face datasets: coded files of builders, folders of coded pictures, coded values."""

import json
from pathlib import Path

import numpy as np
import pytest

import lacodec
from lacodec.datasets import encode_dataset

datasets = pytest.importorskip("datasets")
from lacodec.integrations.datasets import Coded  # noqa: E402


@pytest.fixture(autouse=True)
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No cache but this one, and no network."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "EXTRACTED_DATASETS_PATH", tmp_path / "cache/extracted")
    monkeypatch.setattr(datasets.config, "DOWNLOADED_DATASETS_PATH", tmp_path / "cache/downloads")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)


def test_coded_files_of_builders(repository: Path, tmp_path: Path) -> None:
    for builder, name in (("json", "orders.jsonl"), ("csv", "sensors.csv"), ("text", "server.log")):
        plain = repository / "examples" / name
        lacodec.encode_file(plain, tmp_path / f"{name}.lac", effort=1)
        found = datasets.load_dataset(builder, data_files=str(tmp_path / f"{name}.lac"), split="train", cache_dir=str(tmp_path))
        expected = datasets.load_dataset(builder, data_files=str(plain), split="train", cache_dir=str(tmp_path))
        assert found.to_dict() == expected.to_dict()
        assert len(found) > 10


def test_folders_of_pictures(repository: Path, tmp_path: Path) -> None:
    for kind in ("one", "two"):
        (tmp_path / "p" / kind).mkdir(parents=True)
        for name in ("hills.ppm", "ridges.jpg"):
            lacodec.encode_file(repository / "examples" / name, tmp_path / "p" / kind / f"{name}.lac", effort=1)
    found = datasets.load_dataset("imagefolder", data_dir=str(tmp_path / "p"), split="train", cache_dir=str(tmp_path))
    assert found.features["label"].names == ["one", "two"]
    assert len(found) == 4
    hills = np.asarray(lacodec.decode(lacodec.encode(repository / "examples/hills.ppm")))
    assert sum(np.array_equal(np.asarray(row["image"]), hills) for row in found) == 2


def test_coded_values(repository: Path, tmp_path: Path) -> None:
    layer = np.load(repository / "examples/layer.npy")
    wav = lacodec.encode(repository / "examples/strings.wav", effort=1)
    (tmp_path / "hills.lac").write_bytes(lacodec.encode(repository / "examples/hills.ppm", effort=1))
    features = datasets.Features({"rows": Coded("arrays", {"effort": 1}), "sound": Coded(), "picture": Coded()})
    rows = [{"rows": layer[i : i + 5], "sound": wav, "picture": str(tmp_path / "hills.lac")} for i in range(4)]
    made = datasets.Dataset.from_list(rows, features=features)
    embedded = made.with_format("arrow").map(datasets.table.embed_table_storage, batched=True)
    embedded.to_parquet(tmp_path / "a.parquet")
    made.save_to_disk(tmp_path / "disk")
    found = [datasets.load_from_disk(str(tmp_path / "disk")), made]
    for again in found:
        check(again, layer, lacodec.decode(wav))
    (tmp_path / "hills.lac").unlink()
    check(datasets.Dataset.from_parquet(str(tmp_path / "a.parquet"), cache_dir=str(tmp_path)), layer, lacodec.decode(wav))


def test_columns_with_a_dictionary(tmp_path: Path) -> None:
    lines = [f"order {i}: {i % 7} lamps for {('an', 'bea', 'carl')[i % 3]}, paid in {i % 5} parts" for i in range(900)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": line, "row": i}) + "\n" for i, line in enumerate(lines)))
    encode_dataset(str(tmp_path / "a.jsonl"), str(tmp_path / "coded"), field="text", dictionary=4096, effort=1)
    table = datasets.Dataset.from_parquet(str(next((tmp_path / "coded").glob("*.parquet"))), cache_dir=str(tmp_path / "cache"))
    found = table.cast_column("text", Coded(folder=str(tmp_path / "coded")))
    assert [row["text"].decode() for row in found] == lines
    found.save_to_disk(tmp_path / "disk")
    assert datasets.load_from_disk(str(tmp_path / "disk"))[7]["text"].decode() == lines[7]
    with pytest.raises(lacodec.LacodecError, match="folder"):
        table.cast_column("text", Coded())[0]


def check(found: datasets.Dataset, layer: np.ndarray, sound: lacodec.Audio) -> None:
    assert isinstance(found.features["rows"], Coded)
    assert np.array_equal(found[2]["rows"], layer[2:7])
    heard = found[0]["sound"]
    assert heard["sampling_rate"] == sound.rate
    assert np.array_equal(heard["array"] * 32768, np.asarray(sound).squeeze())
    assert found[0]["picture"].ndim == 3
    undecoded = found.cast_column("rows", Coded(decode=False))
    assert lacodec.decode(undecoded[2]["rows"]["bytes"]).shape == (5, layer.shape[1])
