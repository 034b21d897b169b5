"""How lossy image codecs of others are called: uint8[height, width, 3] and a setting -> a file -> uint8[height, width, 3]."""

import io
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

AVIF_SPEED = 4


def pillow_decode(data: bytes) -> "np.ndarray":
    """Any picture that Pillow reads, as RGB."""
    import numpy as np
    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("RGB"))


def jpeg(pixels: "np.ndarray", quality: float, variant: str) -> bytes:
    """libjpeg-turbo, as small as it gets at a quality."""
    return _pillow(pixels, "JPEG", quality=int(quality), subsampling="4:2:0", optimize=True, progressive=True)


def webp(pixels: "np.ndarray", quality: float, variant: str) -> bytes:
    """libwebp at its slowest."""
    return _pillow(pixels, "WEBP", quality=int(quality), method=6)


def avif(pixels: "np.ndarray", quality: float, variant: str) -> bytes:
    """libavif and libaom; `variant` is the chroma subsampling."""
    return _pillow(pixels, "AVIF", quality=int(quality), speed=AVIF_SPEED, subsampling=variant, max_threads=1)


def avif_psnr(pixels: "np.ndarray", quality: float, variant: str) -> bytes:
    """The same, made for PSNR instead of for the eye."""
    settings = {"speed": AVIF_SPEED, "subsampling": "4:4:4", "max_threads": 1, "advanced": {"tune": "psnr"}}
    return _pillow(pixels, "AVIF", quality=int(quality), **settings)


def jpeg2000(pixels: "np.ndarray", rate: float, variant: str) -> bytes:
    """OpenJPEG, 9/7 wavelet, YCbCr, one layer of `rate` bits per pixel."""
    return _pillow(pixels, "JPEG2000", quality_mode="rates", quality_layers=[24 / rate], irreversible=True, mct=1)


def jxl(pixels: "np.ndarray", distance: float, variant: str) -> bytes:
    """The program cjxl, by a PPM file."""
    from PIL import Image

    with tempfile.TemporaryDirectory(prefix="lacodec-jxl-") as folder:
        Image.fromarray(pixels).save(Path(folder) / "picture.ppm")
        _program(folder, "cjxl", "picture.ppm", "picture.jxl", "-d", f"{distance:g}", "-e", "7", "--num_threads=0")
        return (Path(folder) / "picture.jxl").read_bytes()


def jxl_decode(data: bytes) -> "np.ndarray":
    """The program djxl, to a PPM file."""
    with tempfile.TemporaryDirectory(prefix="lacodec-jxl-") as folder:
        (Path(folder) / "picture.jxl").write_bytes(data)
        _program(folder, "djxl", "picture.jxl", "picture.ppm", "--num_threads=0")
        return pillow_decode((Path(folder) / "picture.ppm").read_bytes())


def _pillow(pixels: "np.ndarray", file_format: str, **settings: Any) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(pixels).save(out, file_format, **settings)
    return out.getvalue()


def _program(folder: str, *arguments: str) -> None:
    subprocess.run(arguments, cwd=folder, check=True, capture_output=True)
