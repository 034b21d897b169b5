"""`.lac` files in fsspec: as a compression, and as a read-only file system of the files in one.

import lacodec.integrations.fsspec                               once, for the compression
fsspec.open("sensors.csv.lac", "rt", compression="lac")          or compression="infer", for names in .lac
fsspec.open("lac://2026/sensors.csv::data.tar.lac")              a file of a tar or zip archive that is coded
fsspec.open("lac://0001.png::simplecache::s3://bucket/shard-00000.tar")     a tar or zip archive of `.lac` files, kept locally

fsspec finds the file system once lacodec is installed.
"""

import io
import os
import tarfile
import zipfile
from pathlib import PurePosixPath
from typing import Any

import fsspec
from fsspec.archive import AbstractArchiveFileSystem
from fsspec.compression import register_compression

from lacodec.container.layout import MAGIC
from lacodec.errors import LacodecError
from lacodec.integrations._decoded import DecodedFile, EncodedFile

SUFFIX = ".lac"


def _compressed(file: Any, mode: str = "rb", **_: Any) -> Any:
    """What fsspec calls for compression="lac"."""
    return DecodedFile(file) if "r" in mode else EncodedFile(file)


class LacFileSystem(AbstractArchiveFileSystem):
    """The files in a `.lac` file of a tar or zip archive, in such an archive of `.lac` files, or the one file in a `.lac` file.

    Members that are `.lac` files go by their names without the suffix, and are decoded when they are opened; until then their
    size is not known.
    """

    protocol = "lac"
    root_marker = ""
    cachable = False

    def __init__(self, fo: Any = "", target_protocol: str | None = None, target_options: Any = None, **options: Any) -> None:
        """fo: path, URL or open binary file. Raises LacodecError when it is damaged."""
        super().__init__(**options)
        if isinstance(fo, str | os.PathLike):
            fo = fsspec.open(os.fspath(fo), "rb", protocol=target_protocol, **(target_options or {})).open()
        head = fo.read(len(MAGIC))
        fo.seek(0)
        self.fo = DecodedFile(fo) if head == MAGIC else fo
        self._archive, self._members = _archive(self.fo)
        self.dir_cache: dict[str, dict[str, Any]] | None = None

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(super()._strip_protocol(path).lstrip("/"))

    def _get_dirs(self) -> None:
        if self.dir_cache is None:
            files = {
                name: {"name": name, "type": "file", "size": None if coded else size}
                for name, (_, size, coded) in self._members.items()
            }
            folders = {name: {"name": name, "type": "directory", "size": 0} for name in self._all_dirnames(files)}
            self.dir_cache = folders | files

    def _open(self, path: str, mode: str = "rb", **_: Any) -> Any:
        if mode != "rb":
            raise OSError(f"lac://{path}: can only be read")
        path = self._strip_protocol(path)
        if path not in self._members:
            raise FileNotFoundError(path)
        member, coded = self._members[path][0], self._members[path][2]
        if isinstance(self._archive, tarfile.TarFile):
            file: Any = self._archive.extractfile(member)
        elif isinstance(self._archive, zipfile.ZipFile):
            file = self._archive.open(member)
        else:
            self.fo.seek(0)
            file = io.BytesIO(self.fo.read())
        return DecodedFile(file) if coded else file


def _archive(file: Any) -> tuple[Any, dict[str, tuple[Any, int, bool]]]:
    """The archive, if it is one, and its files: name -> (member, bytes, whether it is a `.lac` file)."""
    if zipfile.is_zipfile(file):
        archive = zipfile.ZipFile(file)
        found = [(item, item.filename, item.file_size) for item in archive.infolist() if not item.is_dir()]
        return archive, _named(found)
    file.seek(0)
    if tarfile.is_tarfile(file):
        file.seek(0)
        opened = tarfile.open(fileobj=file, mode="r:")  # noqa: SIM115  (lives as long as the file system)
        return opened, _named([(item, item.name, item.size) for item in opened if item.isfile()])
    if not isinstance(file, DecodedFile):
        raise LacodecError("lac:// needs a .lac file, or a tar or zip archive of .lac files")
    name = PurePosixPath(file.original_name or "content").name
    return None, {name: (None, file.seek(0, io.SEEK_END), False)}


def _named(found: list[tuple[Any, str, int]]) -> dict[str, tuple[Any, int, bool]]:
    """By the names that are shown; where two would be the same, the one of the `.lac` file stays whole."""
    names = {name for _, name, _ in found}
    members = {}
    for item, name, size in found:
        coded = name.endswith(SUFFIX) and name.removesuffix(SUFFIX) not in names
        members[name.removesuffix(SUFFIX).lstrip("/") if coded else name.lstrip("/")] = (item, size, coded)
    return members


register_compression("lac", _compressed, "lac", force=True)
