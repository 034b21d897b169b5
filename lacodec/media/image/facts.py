"""The data of a picture besides its pixels (profile, EXIF, transparency), in any format, and the formats that can hold it."""

import struct
import zlib
from dataclasses import dataclass, replace

import numpy as np

from lacodec.errors import BadInput
from lacodec.media.image import tiff, tiff_directory
from lacodec.media.image.bmp import bmp_profile
from lacodec.media.image.frames import is_framed, surroundings
from lacodec.media.image.value import Image

_MOST = 16 << 20  # bytes of an inflated profile
_XMP = b"XML:com.adobe.xmp\0"
_SRGB = ((31270, 32900), (64000, 33000), (30000, 60000), (15000, 6000))  # white, red, green, blue, in 1/100,000
ALPHA, DEEP, PROFILE, META, XMP, TURN, SPACE = (
    "transparency",
    "16 bits per sample",
    "colour profile",
    "EXIF",
    "XMP",
    "orientation",
    "colour space by cICP, gamma or primaries",
)
_HOLDS = {
    "png": {ALPHA, DEEP, PROFILE, META, XMP, TURN, SPACE},
    "tiff": {ALPHA, DEEP, PROFILE, XMP, TURN},
    "webp": {ALPHA, PROFILE, META, XMP, TURN},
    "bmp": {ALPHA, PROFILE},
    "ppm": {DEEP},
    "pgm": {DEEP},
    "jpeg": {PROFILE, META, XMP, TURN},
    "avif": {ALPHA, PROFILE, META, XMP, TURN},
    "jpeg2000": {ALPHA},
}


@dataclass(frozen=True)
class Facts:
    """icc, exif, xmp: as such. dpi: across, down. space: whether PNG chunks give the colours another meaning than sRGB.

    orientation: as in EXIF, 1 is upright. others: names of data that only the format of the file can hold.
    """

    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
    space: bool = False
    orientation: int = 1
    others: tuple[str, ...] = ()

    def exif_data(self) -> bytes | None:
        """EXIF, made if there is only an orientation."""
        if self.exif is None and self.orientation != 1:
            return tiff_directory.small_directory(
                {tiff_directory.ORIENTATION: tiff_directory.Tag(3, 1, struct.pack("<H", self.orientation))}
            )
        return self.exif

    def tiff_tags(self) -> "tiff_directory.Directory | None":
        """The part of this that a TIFF keeps; None if it cannot hold the EXIF as tags."""
        found = tiff_directory.exif_directory(self.exif) if self.exif else tiff_directory.Directory(False, {}, 0, [])
        known = tiff_directory.COMMENTS | {
            tiff_directory.ORIENTATION,
            tiff_directory.X_DPI,
            tiff_directory.Y_DPI,
            tiff_directory.UNIT,
        }
        if found is None or found.following or set(found.tags) - known or found.numbers(254) not in ((), (0,)):
            return None
        order, tags = ">" if found.big else "<", dict(found.tags)
        if self.orientation != 1:
            tags[tiff_directory.ORIENTATION] = tiff_directory.Tag(3, 1, struct.pack(f"{order}H", self.orientation))
        if self.icc:
            tags[tiff_directory.ICC] = tiff_directory.Tag(7, len(self.icc), self.icc)
        if self.xmp:
            tags[tiff_directory.XMP] = tiff_directory.Tag(1, len(self.xmp), self.xmp)
        if self.dpi:
            for tag, value in zip((tiff_directory.X_DPI, tiff_directory.Y_DPI), self.dpi, strict=True):
                tags[tag] = tiff_directory.Tag(5, 1, struct.pack(f"{order}II", round(min(value, 1e5) * 1000), 1000))
            tags[tiff_directory.UNIT] = tiff_directory.Tag(3, 1, struct.pack(f"{order}H", 2))
        return tiff_directory.Directory(found.big, tags, 0, [])


def facts_of(image: Image) -> Facts:
    """The facts in the extras of an image."""
    if image.format == "tiff" and (is_framed(image) or "tags" in dict(image.extras)):
        return _of_tiff(image)
    if is_framed(image):
        return _of_bmp(image) if image.format == "bmp" else Facts()
    kept = {key.rstrip(">"): body for key, body in image.extras}
    exif = kept.get("exif") or kept.get("eXIf") or kept.get("EXIF")
    dpi = struct.unpack("<dd", kept["dpi"]) if len(kept.get("dpi", b"")) == 16 else None
    if dpi is None and len(kept.get("pHYs", b"")) == 9 and kept["pHYs"][8] == 1:
        dpi = tuple(n * 0.0254 for n in struct.unpack(">II", kept["pHYs"][:8]))
    return Facts(
        kept.get("icc") or kept.get("ICCP") or _inflated_profile(kept.get("iCCP")),
        exif,
        kept.get("xmp") or kept.get("XMP ") or _png_xmp(image),
        dpi if dpi and min(dpi) > 0 else None,
        _other_space(kept),
        orientation_of(exif),
    )


def orientation_of(exif: bytes | None) -> int:
    """The orientation in EXIF data, 1 if it has none."""
    found = tiff_directory.exif_directory(exif) if exif else None
    value = (found.numbers(tiff_directory.ORIENTATION) or (1,))[0] if found else 1
    return value if 1 <= value <= 8 else 1


def lost_in(image: Image, facts: Facts, kind: str) -> list[str]:
    """The data of a picture that a file of format `kind` cannot hold."""
    holds = _HOLDS.get(kind, set())
    has = {
        ALPHA: image.pixels.shape[2] in (2, 4) or "tRNS" in dict(image.extras),
        DEEP: image.depth == 16,
        PROFILE: facts.icc is not None,
        META: facts.exif is not None
        and set(getattr(tiff_directory.exif_directory(facts.exif), "tags", (0,))) != {tiff_directory.ORIENTATION},
        XMP: facts.xmp is not None,
        TURN: facts.orientation != 1,
        SPACE: facts.space,
    }
    if kind == "tiff" and facts.tiff_tags() is not None:
        has[META] = False
    return [name for name, present in has.items() if present and name not in holds] + list(facts.others)


def check_holds(image: Image, facts: Facts, kind: str) -> None:
    """Raises BadInput that names the data of a picture that a file of format `kind` cannot hold."""
    lost = lost_in(image, facts, kind)
    if lost:
        others = [name for name in ("png", "tiff") if name != kind and not lost_in(image, facts, name)]
        todo = f"name the output .{others[0]}" if others else "leave out -o to get the original format"
        raise BadInput(f"{kind.upper()} cannot hold all of this picture ({', '.join(lost)}); {todo}")


def with_alpha(image: Image) -> Image:
    """The same picture with alpha in place of a transparent colour or a palette with transparency."""
    kept = dict(image.extras)
    if "tRNS" not in kept:
        return image
    extras, pixels = tuple(item for item in image.extras if item[0] not in ("tRNS", "PLTE", "sBIT", "bKGD", "hIST")), image.pixels
    pixels, body = np.asarray(pixels), kept["tRNS"]
    if image.palette is not None:
        return replace(image, pixels=through_palette(pixels, image), depth=8, palette=None, extras=extras)
    channels, top = pixels.shape[2], (1 << image.depth) - 1
    if channels not in (1, 3) or len(body) != 2 * channels:
        return replace(image, extras=extras)
    colour = np.frombuffer(body, ">u2")
    opaque = (pixels != colour).any(2).astype(pixels.dtype)
    if image.depth < 8:
        pixels, top = pixels * np.uint8(255 // top), 255
    alpha = (opaque * pixels.dtype.type(top))[:, :, None]
    return replace(image, pixels=np.concatenate([pixels, alpha], 2), depth=max(image.depth, 8), extras=extras)


def through_palette(pixels: np.ndarray, image: Image) -> np.ndarray:
    """RGB, or RGBA where the palette has transparency, of palette entries."""
    assert image.palette is not None
    table = np.zeros((256, 4), np.uint8)
    colours = np.frombuffer(image.palette[:768], np.uint8).reshape(-1, 3)
    table[: len(colours), :3] = colours
    table[:, 3] = 255
    alpha = np.frombuffer(dict(image.extras).get("tRNS", b"")[:256], np.uint8)
    table[: len(alpha), 3] = alpha
    return table[pixels[:, :, 0]][:, :, : 4 if len(alpha) else 3]


def _of_tiff(image: Image) -> Facts:
    kept = dict(image.extras)
    others: list[str] = []
    if is_framed(image):
        source = surroundings(image.extras)
        plan = tiff.plan_of(source)
        found = plan.directory
        if tiff.unexplained(source, plan) and not {tiff_directory.EXIF, tiff_directory.GPS, 40965} & set(found.tags):
            others.append("data after the pixels")
    else:
        found = tiff_directory.unpacked_tags(kept["tags"])
    harmless = (
        tiff_directory.COMMENTS
        | tiff_directory.LAYOUT
        | {
            tiff_directory.ICC,
            tiff_directory.XMP,
            tiff_directory.ORIENTATION,
            tiff_directory.COLOURS,
            tiff_directory.PHOTOMETRIC,
            tiff_directory.EXTRA,
        }
    )
    others += [
        tiff_directory.describe_tag(tag)
        for tag in sorted(set(found.tags) - harmless - {tiff_directory.X_DPI, tiff_directory.Y_DPI, tiff_directory.UNIT})
    ]
    x, y, unit = (
        found.ratio(tiff_directory.X_DPI),
        found.ratio(tiff_directory.Y_DPI),
        (found.numbers(tiff_directory.UNIT) or (2,))[0],
    )
    scale = {2: 1.0, 3: 2.54}.get(unit)
    return Facts(
        found.tags[tiff_directory.ICC].data if tiff_directory.ICC in found.tags else None,
        None,
        found.tags[tiff_directory.XMP].data if tiff_directory.XMP in found.tags else None,
        (x * scale, y * scale) if x and y and scale else None,
        False,
        (found.numbers(tiff_directory.ORIENTATION) or (1,))[0],
        tuple(dict.fromkeys(others)),
    )


def _of_bmp(image: Image) -> Facts:
    head = dict(image.extras)["head"]
    profile, strange = bmp_profile(head, surroundings(image.extras))
    dpi = None
    if int.from_bytes(head[14:18], "little") >= 40:
        x, y = struct.unpack_from("<ii", head, 38)
        dpi = (x * 0.0254, y * 0.0254) if x > 0 and y > 0 else None
    tail = dict(image.extras).get("tail", b"")
    behind = bool(tail.strip(b"\0")) and (profile is None or len(tail) > len(profile) + 3)
    others = (*(["colour space"] if strange else []), *(["data after the pixels"] if behind else []))
    return Facts(profile, dpi=dpi, others=others)


def _inflated_profile(body: bytes | None) -> bytes | None:
    if body is None:
        return None
    try:
        return zlib.decompressobj().decompress(body[body.index(b"\0") + 2 :], _MOST) or None
    except (ValueError, zlib.error):
        return None


def _png_xmp(image: Image) -> bytes | None:
    for key, body in image.extras:
        if key.rstrip(">") == "iTXt" and body.startswith(_XMP):
            packed, rest = body[len(_XMP)], body[len(_XMP) + 2 :]
            text = rest.split(b"\0", 2)[-1]
            try:
                return zlib.decompressobj().decompress(text, _MOST) if packed else text
            except zlib.error:
                return None
    return None


def _other_space(kept: dict[str, bytes]) -> bool:
    if "cICP" in kept:
        return kept["cICP"] not in (b"\x01\x0d\x00\x01",)
    if "sRGB" in kept or "iCCP" in kept:
        return False
    if len(kept.get("gAMA", b"")) == 4 and abs(int.from_bytes(kept["gAMA"], "big") - 45455) > 500:
        return True
    points = kept.get("cHRM", b"")
    expected = [n for pair in _SRGB for n in pair]
    return len(points) == 32 and any(abs(a - b) > 300 for a, b in zip(struct.unpack(">8I", points), expected, strict=True))
