"""A made-up flight: pulses of an oscillating laser over ground and trees, in whole numbers, as las files."""

import random
import struct

import numpy as np

from lacodec.media.points.las_head import columns_of

_HEIGHT = 100_000  # of the flight above the ground, in centimetres
_SWEEP = 200  # pulses from one side to the other
_WIDE = 300  # of 1024: the slope of the beam at the sides
_HEAD = 227


def las_records(point_format: int, pulses: int, seed: int, extra: int = 0) -> np.ndarray:
    """Records of a point format with `extra` extra bytes, up to four returns of each pulse."""
    rng = random.Random(seed)
    plain = columns_of(point_format, 1 << 9)
    assert plain is not None
    fields = [name for name in plain.names if not name.startswith("extra")]
    size = sum(int(kind[2]) for kind in plain.types[: len(fields)]) + extra
    found = columns_of(point_format, size)
    assert found is not None
    rows, brightness = list[dict[str, float]](), 120
    ground = 40_000
    for pulse in range(pulses):
        if rng.random() < 0.03:
            continue  # nothing came back
        place = pulse % (2 * _SWEEP)
        slope = _WIDE * (abs(place - _SWEEP) * 2 - _SWEEP) // _SWEEP
        ground += rng.randrange(-6, 7)
        several = rng.randrange(2, 5) if rng.random() < 0.25 else 1
        heights = [*sorted((ground + rng.randrange(200, 2500) for _ in range(several - 1)), reverse=True), ground]
        brightness = min(max(brightness + rng.randrange(-9, 10), 20), 250)
        for number, z in enumerate(heights, 1):
            fall = _HEIGHT + 40_000 - z
            row = {
                "x": 68_000_000 + slope * fall // 1024 + rng.randrange(3),
                "y": 501_000_000 + 3 * pulse + rng.randrange(3) + fall // 300,
                "z": z,
                "intensity": brightness * 4 // several,
                "returns": number + several * (16 if point_format > 5 else 8),
                "classification": 2 if number == several else 5,
                "scan_angle": slope // 18 * (100 if point_format > 5 else 1),
                "point_source_id": 7,
                "time": (100_000_000_000 + 10 * pulse) / 1e6,
                "flags": 0 if place < _SWEEP else 64,
                "infrared": 257 * brightness,
            }
            rows.append(row | {name: 256 * (brightness // 2 + rng.randrange(3)) for name in ("red", "green", "blue")})
    records = np.zeros(len(rows), found.dtype)
    for name in set(found.names) & set(rows[0]):
        records[name] = [row[name] for row in rows]
    for k in range(extra):
        records[f"extra{k}"] = np.arange(len(rows)) % (k + 2)
    return records


def las_file(point_format: int, records: np.ndarray, behind: bytes = b"") -> bytes:
    """A file of records, version 1.2 or 1.4."""
    new = point_format > 5
    head = bytearray(375 if new else _HEAD)
    head[:4], head[24:26], head[104] = b"LASF", b"\1\4" if new else b"\1\2", point_format
    struct.pack_into("<HI", head, 94, len(head), len(head))
    struct.pack_into("<HI", head, 105, records.itemsize, 0 if new else len(records))
    if new:
        struct.pack_into("<Q", head, 247, len(records))
    return bytes(head) + records.tobytes() + behind
