"""Arrays of codec `arrays`, made with exact arithmetic, so that they are the same on every machine."""

import io
import random
import zlib
from pathlib import Path

import numpy as np

CODEC = "arrays"
FILES = (
    *("counts", "times", "decimals", "normal", "table", "picture"),
    *("records", "texts", "several", "fortran", "repeats", "tokens"),
)
WANTED = [(f"effort{effort}", name) for effort in (1, 5, 9) for name in FILES]
WANTED += [(f"effort{effort}", name) for effort in (2, 3, 4, 6, 7, 8) for name in ("decimals", "table", "times")]
WANTED += [(f"bound{effort}", name) for effort in (1, 5, 9) for name in ("smooth", "odd")]
BOUND = 0.001


def array(name: str) -> np.ndarray:
    """The array called `name`."""
    rng = random.Random(2026)

    def bell(count: int, scale: float = 1.0) -> np.ndarray:
        """Bell-shaped values: sums of small whole numbers, scaled by powers of two."""
        return np.array([(sum(rng.getrandbits(16) for _ in range(6)) - 3 * 65535) * 2.0**-16 * scale for _ in range(count)])

    def whole(count: int, most: int) -> np.ndarray:
        return np.array([rng.randrange(most) for _ in range(count)])

    if name == "counts":
        return (whole(2000, 7) * (whole(2000, 4) == 0)).astype(np.uint16)
    if name == "times":
        return (1_700_000_000_000 + np.cumsum(whole(1500, 90)) * 1000).astype("<M8[ms]")
    if name == "decimals":
        found = np.cumsum(whole(1500, 41) - 20) / 100.0
        found[whole(60, 1500)] = np.nan
        return found
    if name == "normal":
        return bell(1800).astype(np.float32).reshape(60, 30)
    if name == "table":
        return np.stack([np.arange(500) * 3.0, whole(500, 900) / 10.0, bell(500), np.repeat(whole(50, 5), 10) * 1.0], 1)
    if name == "picture":
        rows, columns = np.arange(40)[:, None, None], np.arange(30)[None, :, None]
        return (rows * 3 + columns * 2 + whole(3600, 6).reshape(40, 30, 3)).astype(np.uint8)
    if name == "records":
        found = np.zeros(300, [("id", "<u4"), ("x", ">f4", (2,)), ("tag", "S3"), ("ok", "?")])
        found["id"], found["tag"], found["ok"] = np.arange(300) * 2, b"ab\0", whole(300, 2)
        found["x"] = bell(600).reshape(300, 2)
        return found
    if name == "texts":
        return np.array([f"w{n}é"[: 1 + n % 4] for n in whole(400, 30).tolist()])
    if name == "fortran":
        return np.asfortranarray(np.cumsum(whole(1200, 5)).reshape(40, 30).astype(">i4"))
    if name == "repeats":
        return np.tile(np.frombuffer(rng.randbytes(800), np.uint64), 12)
    if name == "tokens":
        words = whole(40, 50_000)
        return np.array([words[min(rng.randrange(40), rng.randrange(40))] for _ in range(2500)], np.uint32)
    if name == "smooth":
        at = np.arange(60) / 64
        return (at[:, None] * at[None, :] * (1 - at[:, None]) + 0.5 * at[None, :] ** 2).astype(np.float32)
    found = bell(700)
    found[::50], found[7], found[8:10] = np.nan, -0.0, (np.inf, -np.inf)
    found[20:23] = 5e-324, -3e-310, 1e-300
    return found * 1e3


def content(name: str) -> bytes:
    """The file of the array called `name`; "several" are an .npz file."""
    out = io.BytesIO()
    if name == "several":
        np.savez(out, a=array("counts"), b=array("normal"), c=np.float64(3.5), d=np.zeros((0, 3)))
    else:
        np.save(out, array(name))
    return out.getvalue()


def make(setting: str, name: str) -> bytes:
    """The file of the array called `name`, encoded."""
    import lacodec

    bound = {"max_error": BOUND} if setting.startswith("bound") else {}
    return lacodec.encode(content(name), "arrays", effort=int(setting[-1]), **bound)


def exact(setting: str, name: str) -> bool:
    """Where zlib is the usual one: the header and what lies between arrays are packed by it."""
    return zlib.ZLIB_RUNTIME_VERSION.startswith("1.") and "ng" not in zlib.ZLIB_RUNTIME_VERSION


def restored(path: Path) -> bytes:
    """The file that `path` decodes to; if it has a bound that is kept, the original."""
    from lacodec import api

    out = io.BytesIO()
    api.decode_file(path, out)
    _, setting, name = path.stem.split("-")
    if not setting.startswith("bound"):
        return out.getvalue()
    found, original = np.load(io.BytesIO(out.getvalue())), array(name)
    with np.errstate(invalid="ignore"):
        near = np.abs(found.astype(float) - original) <= BOUND
    same = found.view(f"u{found.itemsize}") == original.view(f"u{found.itemsize}")
    return content(name) if (near | same).all() else out.getvalue()
