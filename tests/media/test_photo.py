"""Pictures for lossy codecs: what is refused, and in which words; pipes."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from lacodec.errors import UnsupportedFile
from lacodec.io.source import BytesSource
from lacodec.io.streams import PipeSource
from lacodec.media.image.photo import PHOTOS
from lacodec.pipeline.choice import prepare
from lacodec.testing import photo


def saved(kind, **options):
    out = io.BytesIO()
    Image.fromarray(photo(20, 30)).save(out, kind, **options)
    return out.getvalue()


def huge_png(width, height):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is not a supported image"),
        (b"no picture", "is not a supported image"),
        (saved("PNG")[:200], "cannot be read as a picture"),
        (saved("JPEG")[:300], "cannot be read as a picture"),
        (huge_png(60000, 60000), "Pillow's limit"),
        (huge_png(1 << 30, 1 << 30), "Pillow's limit"),
        (saved("GIF", save_all=True, append_images=[Image.new("RGB", (30, 20))]), "has 2 pages or frames; save"),
        (saved("JPEG").replace(struct.pack(">HH", 20, 30), struct.pack(">HH", 65500, 65500), 1), "Pillow's limit"),
    ],
    ids=["empty", "text", "cut PNG", "cut JPEG", "large PNG", "larger PNG", "frames", "large JPEG"],
)
def test_what_is_refused(data, words):
    with pytest.raises(UnsupportedFile, match=words):
        PHOTOS.from_source(BytesSource(data))


@pytest.mark.parametrize("codec", ["image.learned", "image.lossless"])
@pytest.mark.parametrize("data", [saved("PNG"), b""], ids=["picture", "nothing"])
def test_pipes(codec, data):
    """A codec that is named reads a picture from a pipe, too."""
    pipe = PipeSource(io.BytesIO(data), "<pipe>")
    if not data:
        with pytest.raises(UnsupportedFile, match="is not a supported image"):
            prepare(pipe, codec, {})
        return
    job = prepare(pipe, codec, {})
    assert job.value.pixels.shape == (20, 30, 3) and job.source.size == len(data)


@pytest.mark.parametrize("kind", ["GIF", "ICO", "PCX", "TGA"])
def test_formats_that_would_lose_more_become_png(kind):
    """GIF has 256 colours, ICO 256 pixels a side: no place for what a lossy codec gives back."""
    value = PHOTOS.from_source(BytesSource(saved(kind)))
    data = b"".join(PHOTOS.to_blocks(value, f".{kind.lower()}"))
    assert PHOTOS.written(value, f".{kind.lower()}") == "png"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), value.pixels)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_jpeg_2000(channels):
    pixels = photo(20, 30)[:, :, [0, 1, 2, 0][:channels]]
    data = b"".join(PHOTOS.to_blocks(PHOTOS.from_object(pixels), ".jp2"))
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))).reshape(pixels.shape), pixels)
