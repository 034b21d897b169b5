"""`encode-dataset` with a dictionary for small items: where it is made, who reads it, runs that go on, damage."""

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

import lacodec
from lacodec.datasets import CodedDataset, decode_dataset, encode_dataset
from lacodec.datasets.dictionaries import FILE
from lacodec.errors import BadInput, CorruptFile, LacodecError
from tests.cli.test_dataset import KILLED, content, pictures
from tools.golden.small_items import rows

ROWS = rows(2400)


def row_files(folder: Path, count: int = len(ROWS)) -> Path:
    """A file for each row."""
    folder.mkdir()
    for number, row in enumerate(ROWS[:count]):
        (folder / f"{number:05}.txt").write_bytes(row)
    return folder


def row_tars(folder: Path, tars: int = 3) -> Path:
    """Shards of webdataset: a row and a class for each sample, and one picture."""
    folder.mkdir()
    for tar in range(tars):
        with tarfile.open(folder / f"{tar}.tar", "w") as archive:
            for number in range(tar, len(ROWS), tars):
                for suffix, data in (("txt", ROWS[number]), ("cls", b"%d" % (number % 10))):
                    member = tarfile.TarInfo(f"{number:05}.{suffix}")
                    member.size = len(data)
                    archive.addfile(member, io.BytesIO(data))
    return folder


def row_tables(folder: Path) -> Path:
    """The rows in JSON Lines, in a field that is also the name of a column of ours."""
    folder.mkdir()
    lines = [json.dumps({"n": number, "row": row.decode()}) for number, row in enumerate(ROWS)]
    (folder / "a.jsonl").write_text("\n".join(lines[:1500]))
    (folder / "b.jsonl").write_text("\n".join(lines[1500:]) + "\n")
    return folder


def size(folder: Path) -> int:
    """Bytes of a coded data set, less its manifest."""
    return sum(len(data) for name, data in content(folder).items() if name != "manifest.jsonl")


def head(folder: Path) -> dict:
    return json.loads((folder / "manifest.jsonl").read_text().splitlines()[0])


@pytest.mark.parametrize("effort", [1, 5])
def test_a_column(lacodec, tmp_path: Path, effort: int) -> None:
    pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    from lacodec.integrations.pyarrow import decoded

    row_tables(tmp_path / "in")
    command = ["encode-dataset", "in", "--field", "row", "--effort", str(effort)]
    lacodec(*command, "-o", "out")
    assert head(tmp_path / "out")["lacodec_dataset"] == 1 and (tmp_path / "out" / FILE).exists()
    if effort == 1:  # with more it takes long
        lacodec(*command, "-o", "plain", "--dictionary", "none")
        assert head(tmp_path / "plain")["lacodec_dataset"] == 0 and not (tmp_path / "plain" / FILE).exists()
        assert size(tmp_path / "out") < 0.75 * size(tmp_path / "plain")
    lacodec("decode-dataset", "out", "-o", "back")
    for name in ("a.jsonl", "b.jsonl"):
        lines = [[json.loads(line) for line in (tmp_path / at / name).read_text().splitlines()] for at in ("in", "back")]
        assert lines[0] == lines[1]
    column = parquet.read_table(tmp_path / "out/a.jsonl.parquet")["row"]
    assert decoded(column, str(tmp_path / "out")) == ROWS[:1500]
    with pytest.raises(BadInput, match="folder"):
        decoded(column)


def test_shards(lacodec, tmp_path: Path) -> None:
    row_files(tmp_path / "in")
    (tmp_path / "in/large.txt").write_bytes(b"".join(ROWS))
    lacodec("encode-dataset", "in", "-o", "out", "--shard-items", "900", "--effort", "1")
    with CodedDataset(str(tmp_path / "out")) as dataset:
        assert len(dataset) == 2401
        for i in (0, 899, 900, 2399):
            assert dataset[i] == dataset.restored(i) == ROWS[i]
        assert dataset.restored(-1) == b"".join(ROWS)
    with tarfile.open(tmp_path / "out/shard-00002.tar") as archive:
        assert archive.getnames()[-2:] == ["02399.txt.laci", "large.txt.lac"]
    lacodec("decode-dataset", "out", "-o", "back")
    assert content(tmp_path / "back") == content(tmp_path / "in")


def test_an_item_takes_two_reads_and_the_dictionary_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsspec = pytest.importorskip("fsspec")
    row_files(tmp_path / "in")
    encode_dataset(tmp_path / "in", "memory://dictionary-reads", effort=1, shard_items=1000)
    memory, reads = fsspec.filesystem("memory"), []
    plain = memory.cat_file

    def counted(path, start=None, end=None, **options):
        reads.append(path.rsplit("/")[-1])
        return plain(path, start=start, end=end, **options)

    monkeypatch.setattr(type(memory), "cat_file", lambda self, *args, **options: counted(*args, **options))
    dataset = CodedDataset("memory://dictionary-reads")
    assert dataset[1017] == ROWS[1017]
    assert FILE in reads
    for i in (1018, 5):
        reads.clear()
        assert dataset[i] == ROWS[i]
        shard = f"shard-{i // 1000:05}.tar"
        assert reads in ([shard], ["index.bin", shard])  # the end of the index may be at hand


def test_shards_of_webdataset(lacodec, tmp_path: Path) -> None:
    row_tars(tmp_path / "tars")
    lacodec("encode-dataset", "tars", "-o", "out", "--effort", "2")
    with tarfile.open(tmp_path / "out/1.tar") as archive:
        assert archive.getnames()[:2] == ["00001.txt.laci", "00001.cls"]  # the second does not shrink
    lacodec("decode-dataset", "out", "-o", "back")
    for name in content(tmp_path / "tars"):
        with tarfile.open(tmp_path / "tars" / name) as one, tarfile.open(tmp_path / "back" / name) as other:
            assert [(m.name, one.extractfile(m).read()) for m in one] == [(m.name, other.extractfile(m).read()) for m in other]


def test_the_decoders_of_webdataset(tmp_path: Path) -> None:
    webdataset = pytest.importorskip("webdataset")
    from lacodec.integrations.webdataset import Decoded, Restored, decoded, restored

    encode_dataset(row_tars(tmp_path / "tars"), tmp_path / "out", effort=1)
    shard, folder = str(tmp_path / "out/2.tar"), str(tmp_path / "out")
    for sample, row in zip(webdataset.WebDataset(shard, shardshuffle=False).decode(Decoded(folder)), ROWS[2::3], strict=True):
        assert sample["txt.laci"] == row
    first = next(iter(webdataset.WebDataset(shard, shardshuffle=False).decode("rgb8", pre=[Restored(folder)])))
    assert first["txt.laci"] == ROWS[2].decode() and first["cls"] == 2
    for handler in (decoded, restored):
        with pytest.raises(BadInput, match="folder"):
            handler(".txt.laci", b"\2\5")


@pytest.mark.parametrize("kind", ["shards", "column"])
def test_a_run_that_was_killed_goes_on(environment, lacodec, tmp_path: Path, kind: str) -> None:
    if kind == "shards":
        row_files(tmp_path / "in")
        command = ["encode-dataset", "in", "--effort", "2", "--shard-items", "300"]
    else:
        pytest.importorskip("pyarrow")
        row_tables(tmp_path / "in")
        command = ["encode-dataset", "in", "--effort", "2", "--field", "row"]
    lacodec(*command, "-o", "whole")
    (tmp_path / "killed.py").write_text(KILLED)
    words = [sys.executable, "killed.py", "1", *command, "-o", "out", "--threads", "1"]
    killed = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    done = json.loads(lacodec(*command, "-o", "out", "--json").stdout)
    assert 0 < done["done"] < done["items"]
    assert content(tmp_path / "out") == content(tmp_path / "whole")
    assert FILE in content(tmp_path / "out")


def test_an_earlier_dictionary_stays(lacodec, tmp_path: Path) -> None:
    row_files(tmp_path / "in", 2000)
    lacodec("encode-dataset", "in", "-o", "out", "--effort", "1", "--shard-items", "500", "--dictionary", "8K")
    before = (tmp_path / "out" / FILE).read_bytes()
    for number, row in enumerate(ROWS[2000:2300], 2000):
        (tmp_path / f"in/{number:05}.txt").write_bytes(row)
    words = ["encode-dataset", "in", "-o", "out", "--effort", "1", "--shard-items", "500"]
    lacodec(*words)
    assert (tmp_path / "out" / FILE).read_bytes() == before
    assert len(CodedDataset(str(tmp_path / "out"))) == 2300
    for other in ("none", "16K"):
        assert b"other options" in lacodec(*words, "--dictionary", other, code=1).stderr
    (tmp_path / "out" / FILE).unlink()
    assert FILE.encode() in lacodec(*words, code=1).stderr


def test_where_it_does_not_pay(lacodec, tmp_path: Path) -> None:
    pictures(tmp_path / "pictures", 80)
    row_files(tmp_path / "few", 40)
    for folder in ("pictures", "few"):
        lacodec("encode-dataset", folder, "-o", f"{folder}.out", "--effort", "1", "--shard-items", "40")
        assert "dictionary" not in head(tmp_path / f"{folder}.out")
    row_files(tmp_path / "files", 300)
    lacodec("encode-dataset", "files", "-o", "files.out", "--effort", "1", "--codec", "bytes")
    assert "dictionary" not in head(tmp_path / "files.out")
    for words, message in (
        (["--dictionary", "9"], b"1024"),
        (["--dictionary", "16K"], b"number of items in a shard"),
        (["--dictionary", "16K", "--shard-items", "9", "--codec", "text"], b"takes no dictionary"),
    ):
        assert message in lacodec("encode-dataset", "few", "-o", "o3", "--effort", "5", *words, code=1).stderr
    (tmp_path / "large").mkdir()
    (tmp_path / "large/text").write_bytes(b"".join(ROWS))
    words = ["large", "-o", "o3", "--effort", "5", "--dictionary", "16K", "--shard-items", "9"]
    assert b"too few" in lacodec("encode-dataset", *words, code=1).stderr
    assert b"auto, none or" in lacodec("encode-dataset", "few", "-o", "o3", "--dictionary", "much", code=2).stderr


@pytest.mark.parametrize("damage", ["missing", "cut", "another", "not one"])
def test_a_damaged_dictionary(tmp_path: Path, damage: str) -> None:
    encode_dataset(row_files(tmp_path / "in"), tmp_path / "out", effort=1, shard_items=800, dictionary=9000)
    path = tmp_path / "out" / FILE
    if damage == "missing":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-20])
    elif damage == "another":
        encode_dataset(tmp_path / "in", tmp_path / "other", effort=1, shard_items=800, dictionary=5000)
        os.replace(tmp_path / "other" / FILE, path)
    else:
        path.write_bytes(lacodec.encode({"a": np.arange(9)}))
    with CodedDataset(str(tmp_path / "out")) as dataset, pytest.raises(CorruptFile):
        dataset[7]
    done = decode_dataset(tmp_path / "out", tmp_path / "back")
    assert len(done.failures) == len(ROWS) and FILE in done.failures[0]
    with pytest.raises(LacodecError):
        decode_dataset(tmp_path / "out", tmp_path / "back", stop_on_error=True)
