"""tools/venv.sh: an environment with pip, or one line that says what is missing and nothing left behind."""

import subprocess
import sys
from pathlib import Path

import pytest

WITHOUT_VENV = f"""#!/bin/sh
case "$*" in
    *ensurepip*) exit 1 ;;  # as Debian's python3 without python3-venv
    *) exec {sys.executable} "$@" ;;
esac
"""


@pytest.fixture
def python_without_venv(tmp_path: Path) -> Path:
    python = tmp_path / "python3"
    python.write_text(WITHOUT_VENV)
    python.chmod(0o755)
    return python


def run(repository: Path, python: Path | str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([repository / "tools/venv.sh", python, folder], capture_output=True, text=True, timeout=300)


def test_a_missing_package_is_named(python_without_venv: Path, tmp_path: Path, repository: Path) -> None:
    done = run(repository, python_without_venv, tmp_path / "new")
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "apt install python3-venv" in done.stderr
    assert not (tmp_path / "new").exists()


def test_a_missing_python_is_named(tmp_path: Path, repository: Path) -> None:
    done = run(repository, "python9.99", tmp_path / "new")
    assert done.returncode == 1
    assert done.stderr.startswith("python9.99 was not found. ")
    assert len(done.stderr.splitlines()) == 1


def test_a_half_made_environment_is_mended(python_without_venv: Path, tmp_path: Path, repository: Path) -> None:
    pytest.importorskip("ensurepip")
    folder = tmp_path / "half"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    assert run(repository, python_without_venv, folder).returncode == 1
    assert folder.exists()  # it may be somebody's
    assert run(repository, sys.executable, folder).returncode == 0
    subprocess.run([folder / "bin/python", "-m", "pip", "--version"], check=True, capture_output=True)
