"""Compiled kernels are read only from a folder that nobody else can have written to."""

import os
import stat
import time
from pathlib import Path

import pytest

from lacodec.kernels import store as stores
from lacodec.kernels.store import Store

pytestmark = pytest.mark.skipif(not hasattr(os, "getuid"), reason="owners and modes are POSIX's")


def _store(monkeypatch: pytest.MonkeyPatch, base: Path) -> Store | None:
    monkeypatch.setenv("LACODEC_CACHE_DIR", str(base))
    return stores.store.__wrapped__()


def test_the_folder_is_made_private(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        found = _store(monkeypatch, tmp_path / "a" / "b")
    finally:
        os.umask(before)
    assert found is not None and found.path == tmp_path / "a" / "b" / "kernels"
    assert stat.S_IMODE(found.path.stat().st_mode) == 0o700
    found.write("folder-1/entry", b"code")
    assert found.read("folder-1/entry") == b"code"
    assert stat.S_IMODE((found.path / "folder-1" / "entry").stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o720, 0o702, 0o755, 0o1777])
def test_a_folder_that_others_can_enter_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: int) -> None:
    (tmp_path / "kernels").mkdir()
    (tmp_path / "kernels").chmod(mode)
    (tmp_path / "kernels" / "entry").write_bytes(b"planted")
    found = _store(monkeypatch, tmp_path)
    assert found is not None and found.path == tmp_path / "kernels-1"
    assert found.read("entry") is None
    assert stat.S_IMODE((tmp_path / "kernels").stat().st_mode) == mode


def test_a_link_is_not_followed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir(mode=0o700)
    (tmp_path / "kernels").symlink_to(tmp_path / "mine")
    found = _store(monkeypatch, tmp_path)
    assert found is not None and found.path == tmp_path / "kernels-1"


def test_a_folder_of_somebody_else_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("kernels", "kernels-1", "kernels-2"):
        (tmp_path / name).mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)  # then all that is there belongs to another
    assert _store(monkeypatch, tmp_path) is None


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can give folders away")
def test_a_temporary_folder_that_was_given_away_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    base = tmp_path / f"lacodec-{os.getuid()}"
    (base / "kernels").mkdir(mode=0o700, parents=True)
    os.chown(base, 65534, 65534)
    os.chown(base / "kernels", 65534, 65534)
    monkeypatch.delenv("LACODEC_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/proc/nowhere")
    monkeypatch.setattr(stores.tempfile, "gettempdir", lambda: str(tmp_path))
    found = stores.store.__wrapped__()
    assert found is not None and found.path == base / "kernels-1"
    assert os.fstat(found._handle or 0).st_uid == os.getuid()


def test_what_replaces_an_open_folder_is_not_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = _store(monkeypatch, tmp_path)
    assert found is not None
    found.write("entry", b"ours")
    found.path.rename(tmp_path / "away")
    found.path.mkdir()
    (found.path / "entry").write_bytes(b"planted")
    assert found.read("entry") == b"ours"


def test_unwritable_places_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _store(monkeypatch, Path("/proc/nowhere")) is None


def test_old_folders_of_a_module_go(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = _store(monkeypatch, tmp_path)
    assert found is not None
    now = time.time()
    for i in range(8):
        found.write(f"a.module-{i}/entry", b"code")
        os.utime(found.path / f"a.module-{i}", (now - 100 + i, now - 100 + i))
    found.write("other-1/entry", b"code")
    os.utime(found.path / "other-1", (now - 90 * 86400, now - 90 * 86400))
    found.write("another-1/entry", b"code")
    left = sorted(path.name for path in found.path.iterdir())
    assert len([name for name in left if name.startswith("a.module")]) <= 5
    assert "a.module-7" in left and "another-1" in left and "other-1" not in left


def test_a_torn_entry_is_no_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    from lacodec.kernels.native import Machine

    whole = Machine("entry", "()q", b"code").to_bytes()
    assert Machine.from_bytes(whole) == Machine("entry", "()q", b"code")
    assert Machine.from_bytes(whole[:-1]) is None
    assert Machine.from_bytes(None) is None and Machine.from_bytes(b"") is None and Machine.from_bytes(whole[:20]) is None
