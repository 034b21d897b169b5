"""What all tests share. LACODEC_DATA names a folder with optional larger data; tests that want it skip without it."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from tests.strength import examples

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the workers are as many as the cores; torch's threads would only wait

settings.register_profile("lacodec", examples(100))
settings.load_profile("lacodec")


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
