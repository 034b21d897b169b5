"""A plug-in of Pillow: once this module is imported, pictures in `.lac` files open and save like any others.

    import lacodec.integrations.pillow
    picture = Image.open("photo.png.lac")          size, mode and info come from the header; pixels when they are needed
    picture.crop((100, 100, 324, 324))             decodes only the tiles that it touches
    picture.save("again.lac", effort=9)            options of `image.lossless`, or of another codec: codec="image.learned"

A JPEG file in a `.lac` file opens as a JPEG file: its header at once, the rest when pixels are loaded. `crop` before that
decodes only the segments inside of the box, `draft` reduces the size. Other files that are kept whole (GIF, small PNG, and JPEG
files with several pictures) open as those files, too. Files without a picture raise Pillow's UnidentifiedImageError; damaged
pixels raise OSError, as in Pillow's own readers.
"""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

from PIL import Image, ImageFile, JpegImagePlugin, UnidentifiedImageError

from lacodec import api
from lacodec.codecs.regions import Range, Window
from lacodec.container.layout import MAGIC
from lacodec.errors import LacodecError
from lacodec.io.places import stream_source
from lacodec.io.threads import cores
from lacodec.media.image.shown import image_shown, mode_of, shown, shown_info
from lacodec.pipeline.picture import PictureFile
from lacodec.pipeline.pictured import FilePicture

FORMAT = "LAC"
_DATA = ("icc_profile", "exif", "xmp", "dpi", "transparency")  # of a picture, besides its pixels


class LacImageFile(ImageFile.ImageFile):
    """A picture in tiles."""

    format = FORMAT
    format_description = "lacodec"
    _file: PictureFile | None = None  # until the pixels are loaded

    def __init__(self, fp: IO[bytes], filename: str | bytes, file: PictureFile) -> None:
        """`fp` is what `file` reads, and stays open until the pixels are loaded."""
        self._file = file
        super().__init__(fp, filename)

    def _open(self) -> None:
        assert self._file is not None
        self._described = self._file.described
        height, width, _ = self._file.shape
        self._mode, self._size = mode_of(self._described), (width, height)
        self.info = shown_info(self._described)

    def load(self) -> Any:
        """Decode the pixels, unless that is done."""
        if self._file is not None:
            picture = self._shown(lambda file: file.whole())
            self.im, self.palette, self.readonly, self._file = picture.im, picture.palette, 0, None
            if self._exclusive_fp and self.fp is not None:
                self.fp.close()
            self.fp = None
        return Image.Image.load(self)

    def crop(self, box: tuple[float, float, float, float] | None = None) -> Image.Image:
        """As in Pillow; before the pixels are loaded, only the tiles inside of the box are decoded."""
        found = None if self._file is None else _cropped(self, box, self._window)
        return super().crop(box) if found is None else found

    def _window(self, top: int, bottom: int, left: int, right: int) -> Image.Image:
        found: Image.Image = self._shown(lambda file: file.pixels(top, bottom, left, right))
        return found

    def _shown(self, read: Any) -> Any:
        """A picture with the pixels that `read` takes out of the file."""
        with _as_pillows_error():
            return shown(self._described, read(self._file))


class LacJpegFile(JpegImagePlugin.JpegImageFile):
    """A JPEG file, restored when its pixels are loaded."""

    _coded: FilePicture | None = None

    def __init__(self, coded: FilePicture, filename: str | bytes) -> None:
        """Reads only the header of the file."""
        self._coded = coded
        with _as_pillows_error():
            late: Any = _LateFile(coded)
            super().__init__(late, filename)

    def crop(self, box: tuple[float, float, float, float] | None = None) -> Image.Image:
        """As in Pillow; before the pixels are loaded, only the segments inside of the box are decoded."""
        found = _cropped(self, box, self._window) if self.tile and not self.decoderconfig else None
        return super().crop(box) if found is None else found

    def _window(self, top: int, bottom: int, left: int, right: int) -> Image.Image:
        assert self._coded is not None
        with _as_pillows_error():
            pixels = self._coded.pixels(Window(Range(top, bottom), Range(left, right)))
        return Image.frombytes(self.mode, (right - left, bottom - top), pixels.tobytes())


class _LateFile(io.RawIOBase):
    """A JPEG file that is restored when more than its header is read."""

    def __init__(self, coded: FilePicture) -> None:
        self._coded, self._data, self._at, self._whole = coded, coded.head, 0, False

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:
            self._restore()
        self._at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._data)}[whence])
        return self._at

    def read(self, size: int = -1) -> bytes:
        if size is None or size < 0 or self._at + size > len(self._data):
            self._restore()
        found = self._data[self._at :] if size is None or size < 0 else self._data[self._at : self._at + size]
        self._at += len(found)
        return found

    def _restore(self) -> None:
        if not self._whole:
            with _as_pillows_error():
                self._data, self._whole = self._coded.file, True


@contextmanager
def _as_pillows_error() -> Iterator[None]:
    """OSError, as in Pillow's own readers."""
    try:
        yield
    except LacodecError as error:
        raise OSError(str(error)) from error


def _cropped(picture: Image.Image, box: Any, window: Callable[[int, int, int, int], Image.Image]) -> Image.Image | None:
    """What `crop` gives, from `window(top, bottom, left, right)`; None if it needs no part of the picture, or all of it."""
    if box is None:
        return None
    left, top, right, bottom = (round(side) for side in box)
    x0, y0, x1, y1 = max(0, left), max(0, top), min(picture.width, right), min(picture.height, bottom)
    if x0 >= x1 or y0 >= y1 or (x0, y0, x1, y1) == (0, 0, *picture.size):
        return None
    found = window(y0, y1, x0, x1)
    found.info = picture.info.copy()
    if (x0, y0, x1, y1) == (left, top, right, bottom):
        return found
    return found.crop((left - x0, top - y0, right - x0, bottom - y0))


def _opened(fp: IO[bytes], filename: str | bytes = "") -> ImageFile.ImageFile:
    """The picture in an open `.lac` file; Pillow closes it on errors."""
    try:
        file = PictureFile(stream_source(fp), cores())
        if file.original is None and file.shown is None:
            return LacImageFile(fp, filename, file)
        picture = _kept(file, filename)
    except LacodecError as error:
        raise UnidentifiedImageError(str(error)) from error
    picture.filename = filename
    if filename:  # else `fp` is the caller's
        fp.close()
    return picture


def _kept(file: PictureFile, filename: str | bytes) -> ImageFile.ImageFile:
    """The picture of a file that was kept as bytes."""
    if file.shown is not None:
        picture = LacJpegFile(file.shown, filename)
        if "mp" not in picture.info:  # else it has several pictures
            return picture
    return Image.open(io.BytesIO(file.original or (file.shown.file if file.shown is not None else b"")))


def _accept(prefix: bytes) -> bool:
    return prefix.startswith(MAGIC)


def _save(picture: Image.Image, fp: IO[bytes], filename: str | bytes) -> None:
    """Encode a picture; its `encoderinfo` holds the arguments of `save`."""
    given = dict(picture.encoderinfo)
    codec = given.pop("codec", "image.lossless")
    info: dict[Any, Any] = picture.info | {key: given.pop(key) for key in _DATA if key in given}
    fp.write(api.codec(codec, **given).encode(image_shown(picture, info)))


Image.register_open(FORMAT, _opened, _accept)
Image.register_save(FORMAT, _save)
Image.register_extension(FORMAT, ".lac")
Image.register_mime(FORMAT, "image/x-lacodec")
