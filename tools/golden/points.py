"""Point clouds of codec `points`, made with exact arithmetic, so that they are the same on every machine."""

import io
import random
import struct
import zlib
from functools import cache
from pathlib import Path

import numpy as np

CODEC = "points"
FILES = ("sweep", "odd", "rings", "las", "pcd", "ply", "one", "lattice", "packed", "text", "lines", "mesh")
WANTED = [(f"effort{effort}", name) for effort in (1, 5, 9) for name in FILES]
WANTED += [(f"effort{effort}", name) for effort in (2, 3, 4, 6, 7, 8) for name in ("sweep", "lattice")]
WANTED += [("effort1", "lasers"), ("effort3", "lasers")]
WANTED += [("effort2", "moving"), ("effort5", "moving"), ("effort9", "moving"), ("effort5", "drive")]
WANTED += [(f"effort{effort}", "after") for effort in (5, 7, 9)]
WANTED += [("effort1", "flight"), ("effort3", "flight"), ("effort5", "flight"), ("effort1", "strip"), ("effort2", "leap")]
WANTED += [("effort5", "frames"), ("effort5", "repeats"), ("effort9", "frames"), ("effort5", "polygons")]


@cache
def content(name: str) -> bytes:
    """The file called `name`."""
    return globals()[f"_{name}"]()


def _sweep() -> bytes:
    """Some rings of a sweep, as KITTI has them."""
    return _rings_of_sweep().tobytes()


def _rings_of_sweep() -> np.ndarray:
    from lacodec.codecs.points.spinning.imitation import kitti_sweep

    return kitti_sweep(seed=2026, step=40)[:1400]


def _after() -> bytes:
    """The frame after `_before`."""
    from lacodec.codecs.points.spinning.imitation import kitti_sweep

    return kitti_sweep(seed=2027, step=40)[:1100].tobytes()


def _before() -> bytes:
    from lacodec.codecs.points.spinning.imitation import kitti_sweep

    return kitti_sweep(seed=2026, step=20)[:2800].tobytes()


def _frames() -> bytes:
    """Two frames, in an .npy file."""
    from lacodec.media.points.arrays import sequence_of

    source = sequence_of(_two_frames()).source
    return source.read(0, source.size or 0)


def _two_frames() -> list[np.ndarray]:
    return [np.frombuffer(frame, "<f4").reshape(-1, 4) for frame in (_before()[: 1400 * 16], _after())]


def _repeats() -> bytes:
    """Words in records, in an .npy file: no numbers, and shorter as bytes."""
    rng = random.Random(9)
    words = [rng.randbytes(12) for _ in range(9)]
    points = np.frombuffer(b"".join(rng.choices(words, k=300)), "<i4,<i4,<i4")
    out = io.BytesIO()
    np.save(out, points)
    return out.getvalue()


def _odd() -> bytes:
    """The same with points that no sensor has, and two columns more."""
    found = np.zeros((1400, 6), np.float32)
    found[:, :4] = _rings_of_sweep()
    found[50, 0], found[51, 1], found[52, 2] = np.nan, np.inf, 1e-40
    found[60, 0], found[300, :2], found[301, 1] = -0.0, 0.0, -0.0
    found[400, 1] += np.float32(0.25)
    found[700:703] = found[699]
    found[:, 4], found[::7, 5] = np.arange(1400), -1.0
    return found.tobytes()


def _moving() -> bytes:
    """The coordinates of a sweep as nuScenes has them, in an .npy file."""
    from lacodec.codecs.points.moving.imitation import nuscenes_sweep

    out = io.BytesIO()
    np.save(out, np.ascontiguousarray(nuscenes_sweep(seed=2026, columns=200, share=0.3)[:, :3]))
    return out.getvalue()


def _drive() -> bytes:
    """A sweep with intensities and rings, as nuScenes has it."""
    from lacodec.codecs.points.moving.imitation import nuscenes_sweep

    return nuscenes_sweep(seed=2026, columns=200, share=0.3).tobytes()


def _lasers() -> bytes:
    """Points of lasers that a column names, in firing order, in an .npy file."""
    from lacodec.codecs.points.moving.imitation import nuscenes_sweep

    found = nuscenes_sweep(seed=2026, columns=200, share=0.8)
    found = found[found[:, 0] ** 2 + found[:, 1] ** 2 > 4]
    points = np.zeros(len(found), "<f4,<f4,<f4,<i2")
    points.dtype.names = ("x", "y", "z", "laser_number")
    for i, name in enumerate(points.dtype.names[:3]):
        points[name] = found[:, i]
    points["laser_number"] = 5 - found[:, 4].astype(np.int64)
    out = io.BytesIO()
    np.save(out, points)
    return out.getvalue()


def _walk(rng: random.Random, count: int, most: int) -> np.ndarray:
    return np.cumsum([rng.randrange(-most, most + 1) for _ in range(count)])


def _rings() -> bytes:
    """Floats of many bits in firing order, as nuScenes has them."""
    rng = random.Random(1)
    found = np.zeros((640, 5), np.float32)
    for axis in range(3):
        found[:, axis] = (_walk(rng, 640, 900) + np.tile(np.arange(32) * 700, 20)) / 7919.0
    found[:, 3], found[:, 4] = [rng.randrange(40) for _ in range(640)], np.tile(np.arange(32), 20)
    return found.tobytes()


def _las() -> bytes:
    """Version 1.2, point format 3, with two extra bytes and something behind the points."""
    rng = random.Random(2)
    kinds = "<i4,<i4,<i4,<u2,u1,u1,i1,u1,<u2,<f8,<u2,<u2,<u2,u1,u1"
    points = np.zeros(500, kinds)
    for axis in range(3):
        points[f"f{axis}"] = _walk(rng, 500, 60) + 100_000 * axis
    points["f3"], points["f4"] = [rng.randrange(300) for _ in range(500)], 9
    points["f9"] = 100.0 + np.arange(500) / 1024
    for colour in (10, 11, 12):
        points[f"f{colour}"] = (_walk(rng, 500, 3) + 90) * 256
    points["f13"] = np.arange(500) % 3
    head = bytearray(227 + 2)
    head[:4], head[24:26], head[104] = b"LASF", b"\1\2", 3
    struct.pack_into("<HI", head, 94, 227, 229)
    struct.pack_into("<HI", head, 105, points.itemsize, 500)
    return bytes(head) + points.tobytes() + b"behind the points"


def _flight() -> bytes:
    """Point format 3: returns, decimal times, colours."""
    from lacodec.codecs.points.las.imitation import las_file, las_records

    return las_file(3, las_records(3, 900, seed=1), b"behind the points")


def _strip() -> bytes:
    """Point format 10 with extra bytes, coordinates in units, times that are no decimals."""
    from lacodec.codecs.points.las.imitation import las_file, las_records

    found = las_records(10, 600, seed=2, extra=2)
    rng = random.Random(12)
    for name in ("x", "y"):
        found[name] = found[name] // 10 * 10
    found["time"] += np.array([rng.randrange(9) for _ in found]) / 2.0**30
    found["wave_offset"], found["wave_size"] = 60 + np.arange(len(found)) * 256, 256
    return las_file(10, found)


def _leap() -> bytes:
    """Point format 7: numbers at their ends, returns and classes of every kind, times that are no numbers."""
    from lacodec.codecs.points.las.imitation import las_file, las_records

    found = las_records(7, 500, seed=3)
    rng = random.Random(13)
    for i in range(0, len(found), 150):
        found["x"][i], found["y"][i], found["z"][i] = (rng.choice((-(1 << 31), (1 << 31) - 1, 0)) for _ in range(3))
        found["returns"][i], found["classification"][i] = rng.randrange(256), rng.randrange(256)
        found["red"][i], found["blue"][i] = rng.choice((0, 65280)), 256 * rng.randrange(256)
        found["scan_angle"][i], found["user_data"][i] = rng.choice((-32768, 32767)), rng.randrange(256)
    found["time"][5:9] = np.nan, -0.0, np.inf, -1e300
    return las_file(7, found)


def _pcd() -> bytes:
    rng = random.Random(3)
    points = np.zeros(400, "<f4,<f4,<f4,<u4,<f8")
    for axis in range(3):
        points[f"f{axis}"] = _walk(rng, 400, 30) / 100
    points["f3"], points["f4"] = [rng.randrange(1 << 24) for _ in range(400)], 1.5e9 + np.arange(400) * 0.25
    head = "# .PCD v0.7\nVERSION 0.7\nFIELDS x y z rgb t\nSIZE 4 4 4 4 8\nTYPE F F F U F\nCOUNT 1 1 1 1 1\n"
    return f"{head}WIDTH 400\nHEIGHT 1\nPOINTS 400\nDATA binary\n".encode() + points.tobytes()


def _ply() -> bytes:
    """Big-endian, with faces."""
    rng = random.Random(4)
    points = np.zeros(300, ">f4,>f4,>f4,u1,u1,u1")
    for axis in range(3):
        points[f"f{axis}"] = _walk(rng, 300, 3000) / 65536
        points[f"f{axis + 3}"] = _walk(rng, 300, 2) + 100
    names = "".join(f"property float {name}\n" for name in "xyz") + "".join(
        f"property uchar {n}\n" for n in ("red", "green", "blue")
    )
    head = f"ply\nformat binary_big_endian 1.0\nelement vertex 300\n{names}element face 100\n"
    head += "property list uchar int vertex_indices\n"
    faces = b"".join(struct.pack(">B3i", 3, i, i + 1, i + 2) for i in range(100))
    return f"{head}end_header\n".encode() + points.tobytes() + faces


def _packed() -> bytes:
    """A pcd file with compressed data, and something behind it."""
    from lacodec.media.points.forms import pieces_of
    from lacodec.media.points.lzf import packed_cloud

    rng = random.Random(6)
    points = np.stack([_walk(rng, 300, 30) / 64 for _ in range(3)], axis=1)
    points[40:90] = np.nan
    return b"".join(pieces_of(packed_cloud(points))) + b"behind the points"


def _text() -> bytes:
    """A pcd file of text: floats of eight digits, whole numbers, lines that are spelled in another way."""
    rng = random.Random(7)
    walks = [np.float32(_walk(rng, 200, 900) / 7919) for _ in range(3)]
    lines = [f"{x:.8g} {y:.8g} {z:.8g} {i * 70000} {float(i):.8g}" for i, (x, y, z) in enumerate(zip(*walks, strict=True))]
    lines[7], lines[90] = "nan nan nan 5 7", "nan  nan nan +5 7.0"
    head = "# .PCD v0.7\nVERSION 0.7\nFIELDS x y z rgba t\nSIZE 4 4 4 4 8\nTYPE F F F U F\nCOUNT 1 1 1 1 1\n"
    return (f"{head}WIDTH 200\nHEIGHT 1\nPOINTS 200\nDATA ascii\n" + "\n".join(lines)).encode()


def _lines() -> bytes:
    """A mesh as obj, in millimetres with three decimals, with ends of lines as on Windows."""
    rng = random.Random(8)
    walks = [_walk(rng, 150, 3000) / 1000 for _ in range(3)]
    found = [f"v {x:.3f} {y:.3f} {z:.3f}" for x, y, z in zip(*walks, strict=True)]
    found += [f"f {i} {i + 1} {i + 2}" for i in range(1, 149)]
    return "\r\n".join(["# a mesh", "o thing", *found, ""]).encode()


def _mesh() -> bytes:
    """A mesh as obj: a grid and its mirror image, with places in a texture, normals, groups, and a face beside all others."""
    rng = random.Random(10)
    rows, columns = 12, 9
    half = [(1 + x + rng.random(), y + rng.random(), rng.random()) for y in range(rows) for x in range(columns)]
    found = [
        "# a mesh",
        *(f"v {x:.6g} {y:.6g} {z:.6g}" for x, y, z in half),
        *(f"v {-x:.6g} {y:.6g} {z:.6g}" for x, y, z in half),
    ]
    found += [f"vt {rng.random():.4f} {rng.random():.4f}" for _ in half] + ["vn 1 0 0", "vn -1 0 0"]
    for side in (0, 1):
        found.append(f"usemtl side{side}")
        for i in (y * columns + x + 1 for y in range(rows - 1) for x in range(columns - 1)):
            corners = [i, i + 1, i + columns + 1, i + columns][:: 1 - 2 * side]
            found.append("f " + " ".join(f"{v + side * len(half)}/{v}/{side + 1}" for v in corners[: 4 - (i % 5 == 0)]))
    return "\n".join([*found, "f 5/1/1 200/90/2 7/3/1", "l 1 2", ""]).encode()


def _polygons() -> bytes:
    """A mesh as ply in text, with faces of three to six corners in no order, and ends of lines as on Windows."""
    rng = random.Random(11)
    points = [f"{rng.randrange(9000) / 1000:.3f} {rng.randrange(9000) / 1000:.3f} {i / 8:.3f}" for i in range(90)]
    faces = [" ".join(map(str, (n, *rng.sample(range(90), n)))) for n in (rng.randrange(3, 7) for _ in range(150))]
    head = ["ply", "format ascii 1.0", "element vertex 90", *(f"property float {name}" for name in "xyz")]
    head += ["element face 150", "property list uchar int vertex_indices", "end_header"]
    return "\r\n".join([*head, *points, *faces, ""]).encode()


def _one() -> bytes:
    """A single point."""
    return np.array([1.5, -0.0, np.nan, 0.25], np.float32).tobytes()


def _lattice() -> bytes:
    """An .npy file of centimetres in doubles."""
    rng = random.Random(5)
    out = io.BytesIO()
    np.save(out, np.stack([_walk(rng, 500, 40) for _ in range(3)], axis=1) / 100.0)
    return out.getvalue()


def make(setting: str, name: str) -> bytes:
    """The file called `name`, encoded."""
    import lacodec
    from lacodec.io.source import BytesSource

    more: dict[str, object] = {"columns": "x,y,z,intensity,number,flag"} if name == "odd" else {}
    if name == "frames":
        return lacodec.encode(_two_frames(), CODEC, effort=int(setting[-1]))
    if name == "after":
        more = {"reference": BytesSource(_before())}
    return lacodec.encode(content(name), CODEC, effort=int(setting[-1]), **more)


def exact(setting: str, name: str) -> bool:
    """Where zlib is the usual one: what lies before and behind the points is packed by it. Motion is fitted by libm."""
    return (
        name not in ("moving", "drive", "after", "frames")
        and zlib.ZLIB_RUNTIME_VERSION.startswith("1.")
        and "ng" not in zlib.ZLIB_RUNTIME_VERSION
    )


def base_of(stem: str) -> bytes | None:
    """The frame before that a golden file needs."""
    return _before() if stem.endswith("-after") else None


def restored(path: Path) -> bytes:
    """The file that `path` decodes to."""
    from lacodec import api

    out = io.BytesIO()
    api.decode_file(path, out, base=base_of(path.stem))
    return out.getvalue()
