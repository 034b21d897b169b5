"""The documents are true: their commands and Python programs run."""

from pathlib import Path

import pytest

from tests.pages import pages, run_page


@pytest.mark.parametrize("name", pages(Path(__file__).resolve().parent.parent))
def test_a_page_runs(name: str, tmp_path: Path, repository: Path) -> None:
    run_page(repository / name, tmp_path, repository)
