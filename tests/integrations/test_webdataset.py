"""Shards of webdataset with coded members."""

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

import lacodec

webdataset = pytest.importorskip("webdataset")
from lacodec.integrations.webdataset import coding, decoded, restored  # noqa: E402


@pytest.fixture(scope="module")
def samples(repository: Path) -> list[dict]:
    hills = np.asarray(lacodec.decode(lacodec.encode(repository / "examples/hills.ppm")))
    wav = (repository / "examples/strings.wav").read_bytes()
    jpeg = (repository / "examples/ridges.jpg").read_bytes()
    return [
        {"__key__": f"{i:04}", "png": hills[i : i + 64, :64], "npy": hills[i, :, 0], "cls": i, "jpg": jpeg, "wav": wav}
        for i in range(3)
    ]


def test_written_and_read(samples: list[dict], tmp_path: Path) -> None:
    encoder = coding(png={"effort": 1}, npy={"codec": "arrays"}, jpg={"effort": 1}, wav={"effort": 1})
    with webdataset.ShardWriter(str(tmp_path / "s-%03d.tar"), encoder=encoder, verbose=0) as writer:
        for sample in samples:
            writer.write(sample)
    shard = str(tmp_path / "s-000.tar")
    with tarfile.open(shard) as file:
        assert file.getnames()[:5] == ["0000.cls", "0000.jpg.lac", "0000.npy.lac", "0000.png.lac", "0000.wav.lac"]
    plain = io.BytesIO()
    with webdataset.TarWriter(plain) as writer:
        for sample in samples:
            writer.write(sample)
    assert Path(shard).stat().st_size < 0.9 * len(plain.getvalue())
    dataset = webdataset.WebDataset(shard, shardshuffle=False)
    for found, sample in zip(dataset.decode("rgb8", pre=[restored]), samples, strict=True):
        assert np.array_equal(found["png.lac"], sample["png"])
        assert np.array_equal(found["npy.lac"], sample["npy"])
        assert found["cls"] == sample["cls"]
        assert found["wav.lac"] == sample["wav"]
    for found, sample in zip(webdataset.WebDataset(shard, shardshuffle=False).decode(decoded), samples, strict=True):
        assert np.array_equal(found["png.lac"], sample["png"])
        assert np.array_equal(found["npy.lac"], sample["npy"])
        assert found["cls"] == sample["cls"]
        assert isinstance(found["wav.lac"], lacodec.Audio)
