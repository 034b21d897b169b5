"""Frames of short items by the plain reader."""

import pytest

from reference import small_items
from reference.stream import Damaged
from tools.golden import small_items as golden

PRIMED = ("text5", "text9")  # a plain reader takes long for the primer
NAMES = [pytest.param(*found, marks=[pytest.mark.slow] if found[0] in PRIMED else []) for found in golden.names()]


@pytest.mark.parametrize(("name", "kind", "effort"), NAMES)
def test_golden(name, kind, effort):
    path = golden.FOLDER / f"{name}.dictionary"
    reader = small_items.Dictionary(path.read_bytes())
    frames = golden.unframed(path.with_suffix(".frames").read_bytes())
    few = slice(None) if effort == 1 else slice(0, None, 5)
    assert [reader.decode(frame) for frame in frames[few]] == golden.content(kind)[few]
    with pytest.raises(Damaged):
        reader.decode(frames[0][:-1])
