"""The documents are true: their commands and Python programs run."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.pages import pages, run_page


@pytest.mark.parametrize("name", pages(Path(__file__).resolve().parent.parent))
def test_a_page_runs(name: str, tmp_path: Path, repository: Path) -> None:
    run_page(repository / name, tmp_path, repository)
    if name == "README.md":
        assert changed_in_git(tmp_path, repository) == []


def changed_in_git(folder: Path, repository: Path) -> list[str]:
    """What `git status` would show in a checkout where a page was run."""
    shutil.copy(repository / ".gitignore", folder)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    command = ["git", "ls-files", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.splitlines()
    ours = {".gitignore", "program.py"} | {f"examples/{path.name}" for path in (repository / "examples").iterdir()}
    return sorted(set(listed) - ours)
