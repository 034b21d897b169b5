"""fsspec: compression="lac", and `lac://` over coded archives and archives of coded files."""

import io
import pickle
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

import lacodec
from lacodec.errors import LacodecError

fsspec = pytest.importorskip("fsspec")
from lacodec.integrations.fsspec import LacFileSystem  # noqa: E402

fsspec.register_implementation("lac", LacFileSystem, clobber=True)


def tarred(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as file:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            file.addfile(member, io.BytesIO(data))
    return out.getvalue()


@pytest.fixture(scope="module")
def texts(repository: Path) -> dict[str, bytes]:
    return {f"of/{name}": (repository / "examples" / name).read_bytes() for name in ("sensors.csv", "server.log", "orders.jsonl")}


def test_compression(repository: Path, tmp_path: Path) -> None:
    for name, codec in (("sensors.csv", "log"), ("layer.npy", "arrays"), ("hills.ppm", "image.lossless"), ("strings.wav", None)):
        plain = (repository / "examples" / name).read_bytes()
        path = str(tmp_path / f"{name}.lac")
        with fsspec.open(path, "wb", compression="infer") as file:
            file.write(plain[:1000])
            file.write(plain[1000:])
        assert codec in (lacodec.info(path).codec, None)
        with fsspec.open(path, "rb", compression="lac") as file:
            assert file.read() == plain
            file.seek(100)
            assert file.read(50) == plain[100:150]
            assert file.seek(-7, 2) == len(plain) - 7
            assert file.read() == plain[-7:]
    with fsspec.open(str(tmp_path / "a.txt.lac"), "wt", compression="lac") as text:
        text.write("one\ntwo\n")
    with fsspec.open(str(tmp_path / "a.txt.lac"), "rt", compression="lac") as text:
        assert list(text) == ["one\n", "two\n"]
    (tmp_path / "b.lac").write_bytes(b"nothing")
    with pytest.raises(LacodecError), fsspec.open(str(tmp_path / "b.lac"), compression="lac") as file:
        file.read()


def test_tables_by_pandas(repository: Path, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    lacodec.encode_file(repository / "examples/sensors.csv", tmp_path / "sensors.csv.lac", effort=1)
    with fsspec.open(str(tmp_path / "sensors.csv.lac"), "rt", compression="lac") as file:
        table = pandas.read_csv(file)
    assert table.equals(pandas.read_csv(repository / "examples/sensors.csv"))


def test_a_coded_archive(texts: dict[str, bytes], tmp_path: Path) -> None:
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_STORED) as file:
        for name, data in texts.items():
            file.writestr(name, data)
    for name, data in (("a.tar.lac", tarred(texts)), ("a.zip.lac", zipped.getvalue())):
        (tmp_path / name).write_bytes(lacodec.encode(data, effort=1))
        system = fsspec.filesystem("lac", fo=str(tmp_path / name))
        assert sorted(system.find("")) == sorted(texts)
        assert system.ls("", detail=False) == ["of"]
        assert system.info("of/sensors.csv")["size"] == len(texts["of/sensors.csv"])
        assert {path: system.cat_file(path) for path in system.find("")} == texts
        assert system.cat_file("of/server.log", 1000, 1200) == texts["of/server.log"][1000:1200]
        with fsspec.open(f"lac://of/server.log::{tmp_path / name}", "rt") as text:
            assert text.readline() == texts["of/server.log"].decode().splitlines(keepends=True)[0]
        with pytest.raises(FileNotFoundError):
            system.open("of/other")
        with pytest.raises(OSError, match="read"):
            system.open("of/new", "wb")


def test_only_what_is_read_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(1).integers(0, 64, 8 << 20, np.uint8).tobytes()
    archive = tarred({"a": noise[: 4 << 20], "b": noise[4 << 20 :]})
    (tmp_path / "a.tar.lac").write_bytes(lacodec.encode(archive, "bytes", effort=1))
    from lacodec.pipeline.decoding import Decoding

    decoded, part = [], Decoding.part
    monkeypatch.setattr(Decoding, "part", lambda self, chunk: decoded.append(chunk.decoded_size) or part(self, chunk))
    system = fsspec.filesystem("lac", fo=str(tmp_path / "a.tar.lac"))
    assert system.cat_file("b", 1 << 20, (1 << 20) + 10) == noise[5 << 20 : (5 << 20) + 10]
    assert sum(decoded) <= 5 << 20  # of 8: the headers, and where the ten bytes are


def test_an_archive_of_coded_files_through_a_local_cache(repository: Path, tmp_path: Path) -> None:
    names = ("sensors.csv", "hills.ppm", "layer.npy")
    plain = {name: (repository / "examples" / name).read_bytes() for name in names}
    members = {f"{name}.lac": lacodec.encode(repository / "examples" / name, effort=1) for name in names}
    memory = fsspec.filesystem("memory")
    memory.pipe("/shard.tar", tarred({**members, "plain.txt": b"as it is"}))
    for cache in ("simplecache", "filecache"):
        options = {cache: {"cache_storage": str(tmp_path / cache)}}
        system, _ = fsspec.core.url_to_fs(f"lac://::{cache}::memory://shard.tar", **options)
        assert sorted(system.find("")) == sorted([*names, "plain.txt"])
        assert {name: system.cat_file(name) for name in names} == plain
        assert system.cat_file("plain.txt") == b"as it is"
        assert any((tmp_path / cache).iterdir())


def test_one_file(repository: Path, tmp_path: Path) -> None:
    lacodec.encode_file(repository / "examples/orders.jsonl", tmp_path / "x.lac", effort=1)
    system = LacFileSystem(str(tmp_path / "x.lac"))
    assert system.ls("", detail=False) == ["orders.jsonl"]
    assert system.cat_file("orders.jsonl") == (repository / "examples/orders.jsonl").read_bytes()
    (tmp_path / "no.bin").write_bytes(b"neither")
    with pytest.raises(LacodecError, match="archive"):
        LacFileSystem(str(tmp_path / "no.bin"))


def test_in_workers(repository: Path, tmp_path: Path) -> None:
    lacodec.encode_file(repository / "examples/orders.jsonl", tmp_path / "x.lac", effort=1)
    opened = fsspec.open(str(tmp_path / "x.lac"), compression="lac")
    with pickle.loads(pickle.dumps(opened)) as file:
        assert file.read() == (repository / "examples/orders.jsonl").read_bytes()
