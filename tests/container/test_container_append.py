import io
import os

import pytest

import lacodec
from lacodec import api
from lacodec.container import Reader
from lacodec.errors import CorruptFile, LacodecError
from lacodec.io.source import BytesSource, FileSource


@pytest.mark.parametrize("first", [b"", b"compact", bytes(range(256)) * 10_000])
def test_append(tmp_path, first):
    path = tmp_path / "x.lac"
    path.write_bytes(lacodec.encode(first, effort=1))
    content = first
    for more in (b"more", b"", os.urandom(2 << 20), b"last"):
        result = api.append_file(path, io.BytesIO(more))
        content += more
        assert result.size == len(more) or len(content) == len(first) + len(more)
        assert lacodec.decode(path) == content
        assert api.check(path).ok and api.info(path).original_size == len(content)
        with lacodec.open(path) as opened:
            assert opened[len(content) // 2 :] == content[len(content) // 2 :]
    assert os.listdir(tmp_path) == ["x.lac"]


def test_links_and_permissions_stay(tmp_path):
    path, link = tmp_path / "x.lac", tmp_path / "link.lac"
    path.write_bytes(lacodec.encode(b"compact", effort=1))
    path.chmod(0o640)
    link.symlink_to("x.lac")
    api.append_file(link, io.BytesIO(b" more"))
    assert link.is_symlink() and lacodec.decode(path) == b"compact more" and path.stat().st_mode & 0o777 == 0o640


@pytest.fixture
def appended(tmp_path):
    """(path, size before the append, content before, content after)"""
    path = tmp_path / "x.lac"
    first, more = os.urandom(2 << 20), os.urandom(1 << 20)
    path.write_bytes(lacodec.encode(first, effort=1))
    size = path.stat().st_size
    api.append_file(path, io.BytesIO(more))
    return path, size, first, first + more


def test_an_append_that_was_cut_off(appended):
    path, size, first, both = appended
    data = path.read_bytes()
    for end in (size + 1, size + 30, size + 1000, len(data) - 200, len(data) - 1):
        path.write_bytes(data[:end])
        with pytest.raises(CorruptFile):
            lacodec.decode(path)
        with lacodec.open(path) as opened:
            assert opened[:] == first  # the last valid footer counts
        assert api.info(path).problem
        result = api.decode_file(path, path.with_suffix(".out"), salvage=True, force=True)
        salvaged = path.with_suffix(".out").read_bytes()
        assert salvaged.startswith(first) and (result.damage or salvaged == both)
        api.append_file(path, io.BytesIO(b"again"))
        assert lacodec.decode(path) == first + b"again"


def test_a_failed_append_changes_nothing(appended, monkeypatch):
    path, _, _, both = appended
    before = path.read_bytes()

    class Broken(io.BytesIO):
        def read(self, n=-1):
            if self.tell() > 1 << 20:
                raise OSError(5, "broken pipe")
            return super().read(n)

    with pytest.raises(LacodecError):
        api.append_file(path, Broken(bytes(3 << 20)))
    assert path.read_bytes() == before and lacodec.decode(path) == both


def test_appended_files_do_not_grow_old_indexes(appended):
    path = appended[0]
    with FileSource(path) as source:
        reader = Reader(source)
        assert len(reader.index) == 3 and reader.problem is None
    assert reader.index == Reader(BytesSource(path.read_bytes())).index
