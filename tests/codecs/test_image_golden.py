"""Pictures coded by earlier versions decode to the same pixels, and this version writes them the same."""

import importlib.util

import pytest

import laconic
from laconic import api


@pytest.fixture(scope="module")
def maker(repository):
    spec = importlib.util.spec_from_file_location("make_golden_image", repository / "tools" / "make_golden_image.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_golden_pictures(maker):
    paths = sorted(maker.FOLDER.glob("image-*.lac"))
    assert len(paths) >= len(maker.WANTED)
    for path in paths:
        _, effort, name = path.stem.split("-")
        assert laconic.decode(path) == maker.content(name), path.stem
        assert api.test(path).ok
        assert maker.make(int(effort.removeprefix("effort")), name) == path.read_bytes(), (
            f"{path.stem}: the encoder writes other bytes: raise the stream version, add files"
        )
