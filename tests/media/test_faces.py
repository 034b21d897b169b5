"""Lines of faces, folded and unfolded; forged ones; the kernel beside the plain reader."""

import random

import msgspec
import numpy as np
import pytest

from lacodec.errors import CorruptFile
from lacodec.media.points import corners, faces
from lacodec.media.points.corners import Faces
from reference.points_faces import unfolded
from tools.golden import points as golden


def tail(name, start):
    data = golden.content(name)
    return data[data.index(start) :]


CASES = {
    "texture": tail("mesh", b"vt "),
    "windows": tail("lines", b"f "),
    "counted": tail("polygons", b"3 ") or b"",
    "normals": b"".join(b"f %d//%d %d//%d %d//%d\n" % (i, i, i + 1, i, i + 2, i) for i in range(1, 40)),
    "no end": b"f 1 2 3\n" * 40 + b"f 7 8 9",
    "degenerate": b"".join(b"f %d %d %d\n" % (i % 5 + 1, i % 3 + 1, 1) for i in range(60)),
    "fan": b"".join(b"f 1 %d %d\n" % (i, i + 1) for i in range(2, 300)),
    "far": b"".join(b"f %d %d %d\n" % (i, 60000 - i, i * 700 % 65000 + 1) for i in range(1, 90)),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_round_trip(name):
    folded = faces.fold(CASES[name])
    assert folded is not None and b"".join(faces.unfold(folded)) == CASES[name] == unfolded(folded)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"f 1 2 3\n" * 5,
        b"no faces\n" * 90,
        b"f 01 2 3\n" * 90,
        b"f -3 -2 -1\n" * 90,
        b"f 1 2 3\nl 1 2\n" * 90,
        b"f 1 2 9999999999\n" * 90,
        b"f " + b"1 " * 90 + b"\n",
    ],
)
def test_what_is_left_alone(data):
    assert faces.fold(data) is None


def test_a_mesh_takes_little():
    """A grid of squares, cut in two each: nearly all corners are told by the faces before."""
    rows = [(i, i + 1, i + 41, i, i + 41, i + 40) for i in (y * 40 + x for y in range(39) for x in range(39))]
    numbers = np.array(rows, np.int64).reshape(1, -1)
    packed = corners.pack(Faces(np.full(2 * len(rows), 3, np.int64), numbers))
    assert packed is not None
    symbols = np.frombuffer(packed[1][: numbers.size], np.uint8)
    assert packed[0][0].escapes < numbers.size // 20 and np.mean(symbols < 8) > 0.8


def test_forged_notes():
    folded = faces.fold(CASES["texture"])
    assert folded is not None
    size = int.from_bytes(folded[:4], "little")
    note = msgspec.msgpack.decode(folded[4 : 4 + size])
    for place, value in (
        (0, [b"f ", b"-", b"\n", False, 3]),
        (0, [b"f ", b"/", b"\n", False, 4]),
        (0, [b"f ", b"/", b"\n", False, 2]),
        (1, [0]),
        (1, [1 << 40] * len(note[1])),
        (3, b""),
        (3, bytes(note[4])),
        (3, b"\xff"),
        (4, 1 << 60),
        (4, 0),
        (5, [[0, 1 << 50, 0, 1], *note[5][1:]]),
        (5, [[0, 4, 0, 1], *note[5][1:]]),
        (5, [[-1, *note[5][0][1:]], *note[5][1:]]),
        (5, [[*note[5][0][:3], 9], *note[5][1:]]),
    ):
        forged = msgspec.msgpack.encode([*note[:place], value, *note[place + 1 :]])
        with pytest.raises(CorruptFile):
            b"".join(faces.unfold(len(forged).to_bytes(4, "little") + forged + folded[4 + size :]))


def test_forged_bytes():
    """Any bytes decode to something or are refused; none breaks the reader."""
    folded = faces.fold(CASES["texture"])
    assert folded is not None
    rng, refused = random.Random(1), 0
    for _ in range(400):
        forged = bytearray(folded)
        for _ in range(rng.randrange(1, 4)):
            forged[rng.randrange(len(forged))] = rng.randrange(256)
        try:
            b"".join(faces.unfold(bytes(forged[: rng.choice((len(forged), rng.randrange(len(forged)))) or 1])))
        except CorruptFile:
            refused += 1
    assert refused > 100
