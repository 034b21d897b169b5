"""What all tests share. LACODEC_DATA names a folder with optional larger data; tests that want it skip without it."""

import faulthandler
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

from tests.strength import examples

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the workers are as many as the cores; torch's threads would only wait

settings.register_profile("lacodec", examples(100))
settings.load_profile("lacodec")

CRASHES = pytest.StashKey[Path]()
"""A folder where each worker's last words go, if it crashes."""


def pytest_sessionstart(session: pytest.Session) -> None:
    if "PYTEST_XDIST_WORKER" not in os.environ:
        session.config.stash[CRASHES] = Path(tempfile.mkdtemp(prefix="lacodec-crashes-"))
        os.environ["LACODEC_TEST_CRASHES"] = str(session.config.stash[CRASHES])
    elif folder := os.environ.get("LACODEC_TEST_CRASHES"):
        faulthandler.enable(open(Path(folder, os.environ["PYTEST_XDIST_WORKER"]), "w"))  # noqa: SIM115  (open until the end)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Prints where a worker crashed: its own output is long gone by then."""
    for file in sorted(config.stash[CRASHES].iterdir()):
        if words := file.read_text(errors="replace"):
            terminalreporter.section(f"{file.name} crashed")
            terminalreporter.write_line(words)


def pytest_unconfigure(config: pytest.Config) -> None:
    if CRASHES in config.stash:
        shutil.rmtree(config.stash[CRASHES])


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout that the tests lie in."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder that LACODEC_DATA names."""
    name = os.environ.get("LACODEC_DATA")
    if not name:
        pytest.skip("LACODEC_DATA is not set")
    if not Path(name).is_dir():
        pytest.fail(f"LACODEC_DATA={name} is no folder")
    return Path(name)
