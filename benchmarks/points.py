"""Point clouds: codec `points` beside LAZ, Draco, xz and codec `bytes`, in bits per point.

    python benchmarks/points.py FILE...        any file of points, or one in .xz

Whole files, decoded in another process and compared bit for bit; of records with x, y, z and intensity also x, y, z alone,
which is the file less the section of the intensities. LAZ (laspy with lazrs) codes whole las files, of others x, y, z only,
where these are whole numbers of a unit: in the order of the file, and in Morton order, which loses it. Draco (DracoPy) codes x,
y, z only and loses order and duplicates. LAZ's speed is that of laspy with its files in memory. A peer counts only where its
output is decoded and is exact: "exact" for all, "a set" where points and duplicates are all there in another order; others are
marked. Needs laspy, lazrs and DracoPy.
"""

import argparse
import hashlib
import io
import json
import lzma
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

import lacodec
from lacodec import cli
from lacodec.io.source import BytesSource
from lacodec.media.points.files import POINTS, sorted_records
from lacodec.media.points.value import Columns, PointCloud

UNITS = (1.0, 100.0, 1000.0)
FASTEST, USUAL, BEST = 1, 5, 9
SLOW = 10.0  # seconds from which on kernels that are not in memory yet, about 5 seconds of them, matter less
EXACT, SET, OTHER = "exact", "a set", "not exact: does not count"


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--efforts", type=int, nargs="+", default=[FASTEST, USUAL, BEST])
    parser.add_argument("--columns", help="the columns of .bin files, float32, as in x,y,z,red,green,blue")
    parser.add_argument("--peers", type=Path, help="a file that keeps what the others achieve, by the hash of each input")
    args = parser.parse_args()
    with ProcessPoolExecutor(1, get_context("spawn")) as elsewhere:
        compare(args, elsewhere)


def compare(args: argparse.Namespace, elsewhere: ProcessPoolExecutor) -> None:
    """All files; the other process decodes."""
    for path in args.files:
        data = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
        name = path.name.removesuffix(".xz")
        cloud = cloud_of(data, name, args.columns)
        row = f"{8 * cloud.columns.size} bits each ({', '.join(cloud.columns.names)})"
        print(f"{name}: {len(cloud)} points, {row}; {len(data)} bytes")
        for peer, (size, what) in known_peers(cloud, data, args.peers).items():
            print(f"    {peer:24} {8 * size / max(1, len(cloud)):8.3f} {size:9}  {what}", flush=True)
        for effort in args.efforts:
            ours(cloud, data, name, effort, args.columns, elsewhere)


def cloud_of(data: bytes, name: str, columns: str | None) -> PointCloud:
    """The points of a file, whose columns have these names if there are any."""
    cloud = POINTS.from_source(BytesSource(data, name))
    if columns is None:
        return cloud
    names = tuple(columns.split(","))
    kinds = Columns(names, ("<f4",) * len(names))
    return PointCloud(cloud.source, cloud.format, kinds, 0, len(data) // kinds.size)


def ours(cloud: PointCloud, data: bytes, name: str, effort: int, columns: str | None, elsewhere: ProcessPoolExecutor) -> None:
    """The whole file at this effort, and x, y, z alone, and the speed of the second of two runs, or of a slow first one."""
    kinds = {"file": (data, name), "x, y, z": (npy(coordinates(cloud)), "xyz.npy")}
    if cloud.columns.names[:3] != ("x", "y", "z") or cloud.format in ("las", "laz"):
        del kinds["x, y, z"]
    count = max(1, len(cloud))
    for what, (content, named) in kinds.items():
        options = {"columns": columns} if columns and what == "file" else {}
        for _ in range(2):
            started = time.process_time()
            encoded = lacodec.encode(content, "points", effort=effort, threads=1, **options)
            middle = time.process_time()
            lacodec.decode(encoded, threads=1)
            done = time.process_time()
            if done - started > SLOW:
                break
        again = decoded_elsewhere(encoded, named, elsewhere)
        same = EXACT if again == content else "points exact" if alike(again, content, named) else OTHER
        speeds = f"{count / (middle - started) / 1e6:.2f} Mpoint/s in, {count / (done - middle) / 1e6:.2f} out"
        print(
            f"    {f'effort {effort}, {what}':24} {8 * len(encoded) / count:8.3f} {len(encoded):9}  {same}; {speeds}", flush=True
        )


def decoded_elsewhere(encoded: bytes, name: str, elsewhere: ProcessPoolExecutor) -> bytes:
    """The file that the command `lacodec decode` restores in the other process, which keeps its kernels from file to file."""
    with tempfile.TemporaryDirectory() as folder:
        packed, out = Path(folder, "x.lac"), Path(folder, name)
        packed.write_bytes(encoded)
        if elsewhere.submit(cli.main, ["decode", "-q", str(packed), "-o", str(out)]).result():
            raise RuntimeError(f"{name} cannot be decoded")
        return out.read_bytes()


def alike(one: bytes, other: bytes, name: str) -> bool:
    """Whether two files have the same points in the same order."""
    clouds = [POINTS.from_source(BytesSource(data, name)) for data in (one, other)]
    return clouds[0].columns == clouds[1].columns and clouds[0].records.tobytes() == clouds[1].records.tobytes()


def coordinates(cloud: PointCloud) -> np.ndarray:
    """x, y and z as records of their own."""
    return np.ascontiguousarray(cloud.records[["x", "y", "z"]].astype([(name, cloud[name].dtype.str) for name in "xyz"]))


def npy(array: np.ndarray) -> bytes:
    """The file of an array."""
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def known_peers(cloud: PointCloud, data: bytes, kept: Path | None) -> dict[str, tuple[int, str]]:
    """Bytes by each of the others; those that a file keeps are not measured again."""
    known = json.loads(kept.read_text()) if kept and kept.exists() else {}
    key = hashlib.sha256(data).hexdigest()
    if key not in known:
        known[key] = peers(cloud, data)
        if kept:
            kept.write_text(json.dumps(known, indent=1))
    return known[key]


def peers(cloud: PointCloud, data: bytes) -> dict[str, tuple[int, str]]:
    """Bytes by each of the others, and whether all comes back."""
    found = {
        "xz 9, file": (len(lzma.compress(data, preset=9)), EXACT),
        "bytes 9, file": (len(lacodec.encode(data, "bytes", effort=9)), EXACT),
        "arrays 9, records": (len(lacodec.encode(cloud.records, "arrays", effort=9)), EXACT),
    }
    if len(set(cloud.columns.types)) == 1:
        found["arrays 9, [n, k]"] = arrays_of_rows(cloud), EXACT
    if cloud.format in ("las", "laz"):
        return {**found, "LAZ, file": laz_of_file(cloud, data), "LAZ in Morton order": laz_of_file(cloud, data, True)}
    whole = whole_numbers(cloud)
    if whole is not None:
        found["LAZ, x, y, z"] = laz(whole, EXACT)
        found["LAZ in Morton order"] = laz(whole[morton(whole)], SET)
        found["Draco"] = draco(whole)
    return found


def arrays_of_rows(cloud: PointCloud) -> int:
    """Codec `arrays` with all columns as one array, which may be coded together; of records each is coded alone."""
    rows = np.frombuffer(cloud.records.tobytes(), cloud.columns.types[0]).reshape(len(cloud), -1)
    return len(lacodec.encode(rows, "arrays", effort=9))


def whole_numbers(cloud: PointCloud) -> np.ndarray | None:
    """x, y, z as i64[n, 3] in the unit in which they are exact; None if there is none."""
    xyz = np.stack([cloud[name] for name in "xyz"], axis=1)
    with np.errstate(all="ignore"):
        for unit in UNITS:
            whole = np.rint(xyz.astype(float) * unit)
            if (np.abs(whole) < 1 << 30).all() and ((whole / unit).astype(xyz.dtype) == xyz).all():
                return whole.astype(np.int64)
    return None


def laz_of_file(cloud: PointCloud, data: bytes, in_morton_order: bool = False) -> tuple[int, str]:
    """A las or laz file as laspy writes it packed."""
    import laspy

    las, out = laspy.read(io.BytesIO(data)), io.BytesIO()
    if in_morton_order:
        las.points = las.points[morton(np.stack([las.X, las.Y, las.Z], axis=1).astype(np.int64))]
    las.write(out, do_compress=True)
    again = POINTS.from_source(BytesSource(out.getvalue(), "again.laz"))
    if again.columns == cloud.columns and again.records.tobytes() == cloud.records.tobytes():
        return len(out.getvalue()), f"{EXACT}; {laz_speeds(las)}"
    return len(out.getvalue()), SET if sorted_records(again) == sorted_records(cloud) else OTHER


def laz_speeds(las: Any) -> str:
    """Of the quicker of two runs each."""
    import laspy

    spent = [[], []]
    for _ in range(2):
        out, started = io.BytesIO(), time.process_time()
        las.write(out, do_compress=True, laz_backend=laspy.LazBackend.Lazrs)
        middle = time.process_time()
        laspy.read(io.BytesIO(out.getvalue()), laz_backend=laspy.LazBackend.Lazrs)
        spent[0].append(middle - started)
        spent[1].append(time.process_time() - middle)
    packed, unpacked = (len(las.points) / min(times) / 1e6 for times in spent)
    return f"{packed:.2f} Mpoint/s in, {unpacked:.2f} out"


def laz(whole: np.ndarray, what: str) -> tuple[int, str]:
    """A LAZ file of point format 0."""
    import laspy

    header = laspy.LasHeader(point_format=0, version="1.2")
    header.scales, header.offsets = np.ones(3), np.zeros(3)
    points = laspy.LasData(header)
    points.X, points.Y, points.Z = (np.ascontiguousarray(axis, np.int32) for axis in whole.T)
    out = io.BytesIO()
    points.write(out, do_compress=True)
    again = laspy.read(io.BytesIO(out.getvalue()))
    same = np.array_equal(np.stack([again.X, again.Y, again.Z], axis=1), whole)
    return len(out.getvalue()), what if same else OTHER


def morton(whole: np.ndarray) -> np.ndarray:
    """The order of the points along Morton's curve."""
    low = (whole - whole.min(axis=0)).astype(np.uint64)
    key = np.zeros(len(low), np.uint64)
    for bit in range(21):
        for axis in range(3):
            key |= ((low[:, axis] >> np.uint64(bit)) & np.uint64(1)) << np.uint64(3 * bit + axis)
    return np.argsort(key, kind="stable")


def draco(whole: np.ndarray) -> tuple[int, str]:
    """Draco with as many bits as the largest extent needs."""
    import DracoPy

    low = whole - whole.min(axis=0)
    bits = int(low.max()).bit_length()
    settings = {"quantization_range": (1 << bits) - 1, "quantization_origin": (0, 0, 0)}
    packed = DracoPy.encode(low.astype(np.float32), quantization_bits=bits, compression_level=10, **settings)
    again = np.rint(np.asarray(DracoPy.decode(packed).points)).astype(np.int64)
    if len(again) == len(low) and np.array_equal(again[np.lexsort(again.T)], low[np.lexsort(low.T)]):
        return len(packed), SET
    same = np.array_equal(np.unique(again, axis=0), np.unique(low, axis=0))
    return len(packed), "a set without duplicates: does not count" if same else OTHER


if __name__ == "__main__":
    main()
