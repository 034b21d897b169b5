"""Pictures coded by earlier versions decode to the same pixels, and this version writes them the same."""

import lacodec
from lacodec import api
from tools import make_golden_image as maker
from tools.golden import FOLDER


def test_golden_pictures():
    paths = sorted(FOLDER.glob("image-*.lac"))
    assert len(paths) >= len(maker.WANTED)
    for path in paths:
        _, effort, name = path.stem.split("-")
        assert lacodec.decode(path) == maker.content(name), path.stem
        assert api.check(path).ok
        assert maker.make(int(effort.removeprefix("effort")), name) == path.read_bytes(), (
            f"{path.stem}: the encoder writes other bytes: raise the stream version, add files"
        )
