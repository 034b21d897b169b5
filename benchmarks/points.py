"""Point clouds: codec `points` beside LAZ, Draco, xz and codec `bytes`, in bits per point.

    python benchmarks/points.py FILE...        .bin, .pcd, .ply and .las files, or such files in .xz

Whole files, restored and compared bit for bit; of records with x, y, z and intensity also x, y, z alone, which is the file less
the section of the intensities. LAZ (laspy with lazrs) and Draco (DracoPy) code x, y, z only, where these are whole numbers of a
unit: in the order of the file, and in Morton order, which loses the order. Draco loses order and duplicates. Needs
laspy, lazrs and DracoPy.
"""

import argparse
import io
import lzma
import time
from pathlib import Path

import numpy as np

import lacodec
from lacodec.io.source import BytesSource
from lacodec.media.points.files import POINTS
from lacodec.media.points.value import PointCloud

UNITS = (1.0, 100.0, 1000.0)
FASTEST, USUAL, BEST = 1, 5, 9


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--efforts", type=int, nargs="+", default=[FASTEST, USUAL, BEST])
    args = parser.parse_args()
    for path in args.files:
        data = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
        cloud = POINTS.from_source(BytesSource(data))
        print(f"{path.name}: {len(cloud)} points, {8 * cloud.columns.size} bits each ({', '.join(cloud.columns.names)})")
        for name, size in peers(cloud, data).items():
            print(f"    {name:24} {8 * size / max(1, len(cloud)):8.3f}")
        for effort in args.efforts:
            ours(cloud, data, effort)


def ours(cloud: PointCloud, data: bytes, effort: int) -> None:
    """The whole file at this effort, and x, y, z alone, with the speed of the second of two runs."""
    count = max(1, len(cloud))
    for what, content in (("file", data), ("x, y, z", coordinates(cloud))):
        for _ in range(2):
            started = time.process_time()
            encoded = lacodec.encode(content, "points", effort=effort, threads=1)
            middle = time.process_time()
            restored = lacodec.decode(encoded, threads=1)
            done = time.process_time()
        assert content_of(restored) == (content if isinstance(content, bytes) else content.tobytes())
        speeds = f"{count / (middle - started) / 1e6:.2f} Mpoint/s in, {count / (done - middle) / 1e6:.2f} out"
        print(f"    {f'effort {effort}, {what}':24} {8 * len(encoded) / count:8.3f}  {speeds}")


def coordinates(cloud: PointCloud) -> np.ndarray:
    """x, y and z as records of their own."""
    return np.ascontiguousarray(cloud.records[["x", "y", "z"]].astype([(name, cloud[name].dtype.str) for name in "xyz"]))


def content_of(cloud: PointCloud) -> bytes:
    """What was given to the encoder: the file, or the records of an array."""
    return cloud.records.tobytes() if cloud.format == "npy" else cloud.source.read(0, cloud.source.size or 0)


def peers(cloud: PointCloud, data: bytes) -> dict[str, int]:
    """Bytes by each of the others."""
    found = {"xz 9, file": len(lzma.compress(data, preset=9)), "bytes 9, file": len(lacodec.encode(data, "bytes", effort=9))}
    whole = whole_numbers(cloud)
    if whole is not None:
        found["LAZ, x, y, z"] = laz(whole)
        found["LAZ in Morton order"] = laz(whole[morton(whole)])
        found["Draco (a set)"] = draco(whole)
    return found


def whole_numbers(cloud: PointCloud) -> np.ndarray | None:
    """x, y, z as i64[n, 3] in the unit in which they are exact; None if there is none."""
    xyz = np.stack([cloud[name] for name in "xyz"], axis=1)
    for unit in UNITS:
        whole = np.rint(xyz.astype(float) * unit)
        if (np.abs(whole) < 1 << 30).all() and ((whole / unit).astype(xyz.dtype) == xyz).all():
            return whole.astype(np.int64)
    return None


def laz(whole: np.ndarray) -> int:
    """Bytes of a LAZ file of point format 0."""
    import laspy

    header = laspy.LasHeader(point_format=0, version="1.2")
    header.scales, header.offsets = np.ones(3), np.zeros(3)
    points = laspy.LasData(header)
    points.X, points.Y, points.Z = (np.ascontiguousarray(axis, np.int32) for axis in whole.T)
    out = io.BytesIO()
    points.write(out, do_compress=True)
    return len(out.getvalue())


def morton(whole: np.ndarray) -> np.ndarray:
    """The order of the points along Morton's curve."""
    low = (whole - whole.min(axis=0)).astype(np.uint64)
    key = np.zeros(len(low), np.uint64)
    for bit in range(21):
        for axis in range(3):
            key |= ((low[:, axis] >> np.uint64(bit)) & np.uint64(1)) << np.uint64(3 * bit + axis)
    return np.argsort(key, kind="stable")


def draco(whole: np.ndarray) -> int:
    """Bytes by Draco with as many bits as the largest extent needs."""
    import DracoPy

    low = whole - whole.min(axis=0)
    bits = int(low.max()).bit_length()
    points = low.astype(np.float32)
    return len(
        DracoPy.encode(
            points,
            quantization_bits=bits,
            compression_level=10,
            quantization_range=(1 << bits) - 1,
            quantization_origin=(0, 0, 0),
        )
    )


if __name__ == "__main__":
    main()
