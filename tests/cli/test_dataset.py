"""`encode-dataset` and `decode-dataset`: files, shards, columns; broken items; runs that are killed and go on."""

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
from PIL import Image

import lacodec
from lacodec.datasets import CodedDataset, decode_dataset, encode_dataset
from lacodec.errors import BadInput, CorruptFile


def pictures(folder: Path, count: int, broken: int | None = None) -> Path:
    """Small pictures in two folders; one of them may end too early."""
    chance = np.random.default_rng(1)
    base = chance.integers(0, 200, (40, 40, 3)).cumsum(0).cumsum(1) // 99
    for i in range(count):
        path = folder / "ab"[i % 2] / f"{i:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = (base[i % 24 : i % 24 + 16, i % 23 : i % 23 + 16] + i + chance.integers(0, 3, (16, 16, 3))).astype(np.uint8)
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "PNG")
        path.write_bytes(out.getvalue()[: 60 if i == broken else None])
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_of_files(lacodec, tmp_path: Path) -> None:
    pictures(tmp_path / "in", 12)
    (tmp_path / "in/notes.txt").write_text("notes\n" * 50)
    done = lacodec("encode-dataset", "in", "-o", "out", "--effort", "1")
    assert b"in: 13 of 13 items, " in done.stdout
    assert sorted(content(tmp_path / "out")) == sorted([*(f"{name}.lac" for name in content(tmp_path / "in")), "manifest.jsonl"])
    lines = [json.loads(line) for line in (tmp_path / "out/manifest.jsonl").read_text().splitlines()]
    assert lines[0]["options"] == {"effort": 1}
    assert {line["codec"] for line in lines if line.get("item", "").endswith("png")} <= {"image.lossless", "bytes"}
    sizes = {line["item"]: line["size"] for line in lines if "item" in line}
    assert sizes == {name: len(data) for name, data in content(tmp_path / "in").items()}
    again = lacodec("encode-dataset", "in", "-o", "out", "--effort", "1", "--json")
    assert json.loads(again.stdout)["done"] == 0
    lacodec("decode-dataset", "out", "-o", "back")
    back = content(tmp_path / "back")
    assert back.keys() == content(tmp_path / "in").keys()
    assert back["notes.txt"] == b"notes\n" * 50
    for name in back:
        if name.endswith("png"):
            assert np.array_equal(
                np.asarray(Image.open(tmp_path / "in" / name)), np.asarray(Image.open(tmp_path / "back" / name))
            )
    assert (tmp_path / "back/notes.txt").stat().st_mtime_ns == (tmp_path / "in/notes.txt").stat().st_mtime_ns


def test_only_what_changed_is_done_again(tmp_path: Path) -> None:
    pictures(tmp_path / "in", 6)
    encode_dataset(tmp_path / "in", tmp_path / "out", effort=1)
    (tmp_path / "in/a/0002.png").write_bytes((tmp_path / "in/a/0000.png").read_bytes())
    (tmp_path / "in/c").mkdir()
    (tmp_path / "in/c/new").write_bytes(b"new")
    (tmp_path / "out/b/0003.png.lac").unlink()
    assert encode_dataset(tmp_path / "in", tmp_path / "out", effort=1).done == 3
    encode_dataset(tmp_path / "in", tmp_path / "fresh", effort=1)
    assert content(tmp_path / "out") == content(tmp_path / "fresh")


@pytest.mark.parametrize("flags", [[], ["--shard-items", "5"]])
def test_a_broken_item(lacodec, tmp_path: Path, flags: list[str]) -> None:
    pictures(tmp_path / "in", 12, broken=4)
    command = ["encode-dataset", "in", "--codec", "image.lossless", "--effort", "1", *flags]
    done = lacodec(*command, "-o", "out", code=1)
    assert b"11 of 12 items" in done.stdout
    assert done.stderr.count(b"\n") == 1 and b"0004.png" in done.stderr
    lines = [json.loads(line) for line in (tmp_path / "out/manifest.jsonl").read_text().splitlines()]
    assert [line["item"] for line in lines if "error" in line] == ["a/0004.png"]
    stopped = lacodec(*command, "-o", "stopped", "--on-error", "stop", "--threads", "1", code=1)
    assert b"0004.png" in stopped.stderr and not (tmp_path / "stopped/manifest.jsonl").exists()
    pictures(tmp_path / "whole", 12)
    os.replace(tmp_path / "whole/a/0004.png", tmp_path / "in/a/0004.png")
    lacodec(*command, "-o", "out")
    lacodec(*command, "-o", "stopped")
    assert content(tmp_path / "out") == content(tmp_path / "stopped")


def test_shards(lacodec, tmp_path: Path) -> None:
    pictures(tmp_path / "in", 23)
    lacodec("encode-dataset", "in", "-o", "out", "--effort", "1", "--shard-items", "10")
    assert sorted(content(tmp_path / "out")) == ["index.bin", "manifest.jsonl", *(f"shard-{i:05}.tar" for i in range(3))]
    names = sorted(content(tmp_path / "in"))
    with CodedDataset(str(tmp_path / "out")) as dataset:
        assert len(dataset) == 23
        for i in (0, 9, 10, 22, -1):
            assert np.array_equal(np.asarray(dataset[i]), np.asarray(Image.open(tmp_path / "in" / names[i])))
        assert Image.open(io.BytesIO(dataset.restored(3))).size == (16, 16)
        for i in (23, -24):
            with pytest.raises(IndexError):
                dataset.coded(i)
    with tarfile.open(tmp_path / "out/shard-00002.tar") as archive:
        assert archive.getnames() == [f"{name}.lac" for name in names[20:]]
    lacodec("decode-dataset", "out", "-o", "back")
    assert sorted(content(tmp_path / "back")) == names
    with pytest.raises(BadInput, match="shards"):
        CodedDataset(str(tmp_path / "in"))[0]


def test_an_item_takes_two_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsspec = pytest.importorskip("fsspec")
    pictures(tmp_path / "in", 30)
    encode_dataset(tmp_path / "in", "memory://two-reads", effort=1, shard_items=10)
    memory, reads = fsspec.filesystem("memory"), []
    plain = memory.cat_file

    def counted(path, start=None, end=None, **options):
        reads.append((path, start, end))
        return plain(path, start=start, end=end, **options)

    monkeypatch.setattr(type(memory), "cat_file", lambda self, *args, **options: counted(*args, **options))
    dataset = CodedDataset("memory://two-reads")
    names = sorted(content(tmp_path / "in"))
    assert np.array_equal(np.asarray(dataset[17]), np.asarray(Image.open(tmp_path / "in" / names[17])))
    assert [path.rsplit("/")[-1] for path, _, _ in reads] == ["index.bin", "shard-00001.tar"]


def test_shards_of_webdataset(lacodec, tmp_path: Path) -> None:
    names = content(pictures(tmp_path / "in", 8))
    (tmp_path / "tars").mkdir()
    for number in range(2):
        with tarfile.open(tmp_path / f"tars/{number}.tar", "w") as archive:
            for name in sorted(names)[number::2]:
                for suffix, data in (("png", names[name]), ("cls", b"7"), ("txt", b"a caption\n" * 30)):
                    member = tarfile.TarInfo(f"{name[2:6]}.{suffix}")
                    member.size = len(data)
                    archive.addfile(member, io.BytesIO(data))
    lacodec("encode-dataset", "tars", "-o", "out", "--codec", "bytes", "--effort", "1")
    with tarfile.open(tmp_path / "out/0.tar") as archive:
        assert archive.getnames()[1:3] == ["0000.cls", "0000.txt.lac"]  # the first does not shrink
    lacodec("decode-dataset", "out", "-o", "back")
    for number in range(2):
        with tarfile.open(tmp_path / f"tars/{number}.tar") as one, tarfile.open(tmp_path / f"back/{number}.tar") as other:
            assert [(m.name, one.extractfile(m).read()) for m in one] == [(m.name, other.extractfile(m).read()) for m in other]
    (tmp_path / "tars/0.tar").write_bytes((tmp_path / "tars/0.tar").read_bytes()[:700])
    assert b"0.tar" in lacodec("encode-dataset", "tars", "-o", "out", "--codec", "bytes", "--effort", "1", code=1).stderr


def test_columns(lacodec, tmp_path: Path, repository: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    files = [*content(pictures(tmp_path / "in", 5)).values(), None]
    tables = {
        "bytes": pa.table({"n": range(6), "image": pa.array(files, pa.binary())}),
        "text": pa.table({"image": ["some text " * i for i in range(2500)], "n": range(2500)}),
        "struct": pa.table(
            {"image": [None if data is None else {"bytes": data, "path": f"{i}.png"} for i, data in enumerate(files)]}
        ),
    }
    (tmp_path / "tables").mkdir()
    for name, table in tables.items():
        parquet.write_table(table, tmp_path / f"tables/{name}.parquet")
    orders = (repository / "examples/orders.jsonl").read_text().splitlines()[:50]
    lines = [json.dumps({**json.loads(line), "image": line}) for line in orders] + ['{"other": 1}', "{broken", '{"image": 5}']
    (tmp_path / "tables/orders.jsonl").write_text("\n".join(lines))
    done = lacodec("encode-dataset", "tables", "-o", "out", "--field", "image", "--codec", "bytes", "--effort", "1", code=1)
    assert done.stderr.count(b"orders.jsonl/image/") == 2
    coded = parquet.read_table(tmp_path / "out/text.parquet")
    assert coded.num_rows == 2500 and lacodec_decoded(coded["image"][7].as_py()) == b"some text " * 7
    lacodec("decode-dataset", "out", "-o", "back")
    for name, table in tables.items():
        assert parquet.read_table(tmp_path / f"back/{name}.parquet").to_pylist() == table.to_pylist()
    back = [json.loads(line) for line in (tmp_path / "back/orders.jsonl").read_text().splitlines()]
    assert back == [json.loads(line) for line in lines[:51]]
    assert b"no column 'picture'" in lacodec("encode-dataset", "tables", "-o", "o2", "--field", "picture", code=1).stderr


def test_lines_that_are_no_rows(lacodec, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    good = ['{"n": 1}', '{"text": "a", "n": 2}', '{"text": null}']
    deep = f'{{"text": {"[" * 100_000}{"]" * 100_000}}}'
    bad = ["5", '"text"', '["text"]', "null", deep, r'{"text": "\ud800"}', r'{"text": "a", "n": "\ud800"}']
    (tmp_path / "a.jsonl").write_text("\n".join([*bad, *good]))
    done = lacodec("encode-dataset", "a.jsonl", "-o", "out", "--field", "text", "--dictionary", "4K", code=1).stderr.decode()
    assert all(f"a.jsonl/text/{number:08}: " in done for number in range(len(bad))) and "nested too deeply" in done
    lacodec("decode-dataset", "out", "-o", "back")
    assert (tmp_path / "back/a.jsonl").read_text().splitlines() == good
    missing = lacodec("encode-dataset", "a.jsonl", "-o", "o2", "--field", "words", code=1).stderr
    assert b"a.jsonl: no line has 'words'; they have n, text" in missing


def lacodec_decoded(data: bytes) -> bytes:
    return lacodec.decode(data)


def test_through_fsspec(tmp_path: Path) -> None:
    pytest.importorskip("fsspec")
    pictures(tmp_path / "in", 7)
    encode_dataset(tmp_path / "in", "memory://set/out", effort=1)
    assert encode_dataset(tmp_path / "in", "memory://set/out", effort=1).done == 0
    encode_dataset("memory://set/out", tmp_path / "twice", "bytes", effort=1)
    decode_dataset("memory://set/out", tmp_path / "back")
    assert content(tmp_path / "back").keys() == content(tmp_path / "in").keys()


def test_wrong_arguments(lacodec, tmp_path: Path) -> None:
    pictures(tmp_path / "in", 2)
    lacodec("encode-dataset", "in", "-o", "out", "--effort", "1")
    for words, message in (
        (["in", "-o", "out", "--effort", "2"], b"other options (kind files, effort 1)"),
        (["in", "-o", "in/out"], b"choose another"),
        (["in/a/0000.png", "-o", "in/a"], b"choose another"),
        (["in", "-o", "o3", "--shard-items", "9", "--dictionary", "maybe"], b"auto, none or"),
        (["nothing", "-o", "out"], b"no such"),
        (["in", "-o", "o3", "--shard-items", "0"], b"1 item"),
        (["in", "-o", "o3", "--codec", "image.lossless", "--effort", "12"], b"effort"),
    ):
        assert message in lacodec("encode-dataset", *words, code=2 if "maybe" in words else 1).stderr
    lacodec("encode-dataset", "in/a/0000.png", "-o", "in/a/out", "--effort", "1")
    assert b"manifest" in lacodec("decode-dataset", "in", "-o", "o3", code=1).stderr
    assert lacodec("encode-dataset", "in", code=2).stderr


def test_forged_manifests(tmp_path: Path) -> None:
    pictures(tmp_path / "in", 2)
    encode_dataset(tmp_path / "in", tmp_path / "out", effort=1)
    manifest = tmp_path / "out/manifest.jsonl"
    whole = manifest.read_text()
    for old, new in (("a/0000.png", "../x"), ("a/0000.png", "/tmp/x"), ('"size"', '"weight"'), ("_dataset", "")):
        manifest.write_text(whole.replace(old, new))
        with pytest.raises(CorruptFile, match="manifest"):
            decode_dataset(tmp_path / "out", tmp_path / "back")
    manifest.write_text(whole)
    path = tmp_path / "out/a/0000.png.lac"
    path.write_bytes(path.read_bytes()[:-9])
    assert [text.split(":")[0].rsplit("/", 1)[-1] for text in decode_dataset(tmp_path / "out", tmp_path / "back").failures]
    assert not (tmp_path / "back/a/0000.png").exists() and (tmp_path / "back/b/0001.png").exists()


KILLED = """
import os, signal, sys
from lacodec.cli import main
from lacodec.datasets.manifest import Journal

add, left = Journal.add, int(sys.argv[1])

def add_until(self, output):
    global left
    add(self, output)
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)  # while other threads are at work

Journal.add = add_until
main(sys.argv[2:])
"""


@pytest.mark.slow
@pytest.mark.parametrize(("flags", "half"), [([], 500), (["--shard-items", "40"], 12)])
def test_killed_halfway_and_resumed(environment, lacodec, tmp_path: Path, flags: list[str], half: int) -> None:
    """1,000 pictures, one of them broken."""
    pictures(tmp_path / "in", 1000, broken=123)
    command = ["encode-dataset", "in", "--codec", "image.lossless", "--effort", "1", *flags]
    lacodec(*command, "-o", "whole", code=1)
    (tmp_path / "killed.py").write_text(KILLED)
    words = [sys.executable, "killed.py", str(half), *command, "-o", "out"]
    killed = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert not (tmp_path / "out/manifest.jsonl").exists()
    done = lacodec(*command, "-o", "out", "--json", code=1)
    assert 0 < json.loads(done.stdout)["done"] <= 600
    assert content(tmp_path / "out") == content(tmp_path / "whole")
    assert len(content(tmp_path / "out")) == (999 + 1 if not flags else 25 + 2)
