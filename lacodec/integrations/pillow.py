"""A plug-in of Pillow: once this module is imported, pictures in `.lac` files open and save like any others.

    import lacodec.integrations.pillow
    picture = Image.open("photo.png.lac")          size, mode and info come from the header; pixels when they are needed
    picture.crop((100, 100, 324, 324))             decodes only the tiles that it touches
    picture.save("again.lac", effort=9)            options of `image.lossless`, or of another codec: codec="image.learned"

A picture file that a `.lac` file keeps whole (JPEG, GIF, small PNG) opens as that file, with its own format, `draft` and frames.
Files without a picture raise Pillow's UnidentifiedImageError; damaged pixels raise OSError, as in Pillow's own readers.
"""

import io
from typing import IO, Any

from PIL import Image, ImageFile, UnidentifiedImageError

from lacodec import api
from lacodec.container.layout import MAGIC
from lacodec.errors import LacodecError
from lacodec.io.places import stream_source
from lacodec.io.threads import cores
from lacodec.media.image.shown import image_shown, mode_of, shown, shown_info
from lacodec.pipeline.picture import PictureFile

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
        if self._file is None or box is None:
            return super().crop(box)
        left, top, right, bottom = (round(side) for side in box)
        x0, y0, x1, y1 = max(0, left), max(0, top), min(self.width, right), min(self.height, bottom)
        if x0 >= x1 or y0 >= y1 or (x0, y0, x1, y1) == (0, 0, *self.size):
            return super().crop(box)
        picture: Image.Image = self._shown(lambda file: file.pixels(y0, y1, x0, x1))
        picture.info = self.info.copy()
        if (x0, y0, x1, y1) == (left, top, right, bottom):
            return picture
        return picture.crop((left - x0, top - y0, right - x0, bottom - y0))

    def _shown(self, read: Any) -> Any:
        """A picture with the pixels that `read` takes out of the file."""
        try:
            return shown(self._described, read(self._file))
        except LacodecError as error:
            raise OSError(str(error)) from error


def _opened(fp: IO[bytes], filename: str | bytes = "") -> ImageFile.ImageFile:
    """The picture in an open `.lac` file; Pillow closes it on errors."""
    try:
        file = PictureFile(stream_source(fp), cores())
        if file.original is None:
            return LacImageFile(fp, filename, file)
    except LacodecError as error:
        raise UnidentifiedImageError(str(error)) from error
    picture = Image.open(io.BytesIO(file.original))
    picture.filename = filename
    if filename:  # else `fp` is the caller's
        fp.close()
    return picture


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
