"""A lossy image codec for tests: samples divided by a step, deflated. Installed by `test_eval.py` as codec `coarse`."""

import zlib
from dataclasses import dataclass, field

import numpy as np

from lacodec.codecs.base import Codec
from lacodec.codecs.session import DEFAULT
from lacodec.container.types import CRITICAL, Chunk, content_hash
from lacodec.errors import BadInput, CorruptFile
from lacodec.media.image.files import IMAGES
from lacodec.media.image.value import Image


@dataclass(frozen=True)
class Options:
    quality: int = field(default=50, metadata={"help": "1 to 100"})
    level: int = field(default=6, metadata={"help": "of deflate"})

    def __post_init__(self) -> None:
        if not isinstance(self.quality, int) or not 1 <= self.quality <= 100:
            raise BadInput(f"quality is {self.quality!r}; give 1 to 100")


class Coarse(Codec[Image]):
    name, stream_version, identical, media, Options = "coarse", 0, "none", IMAGES, Options

    def metadata(self, value, session=DEFAULT):
        return {"shape": list(value.pixels.shape), "step": 101 - self.options.quality}

    def encode(self, value, session=DEFAULT):
        symbols = (value.pixels // (101 - self.options.quality)).tobytes()
        height, width = value.pixels.shape[:2]
        payload = zlib.compress(symbols, self.options.level)
        yield Chunk(CRITICAL, ((0, height), (0, width)), payload, content_hash(symbols), len(symbols))

    def decode_chunk(self, header, chunk, shared=(), session=DEFAULT):
        symbols = zlib.decompress(chunk.payload)
        if content_hash(symbols) != chunk.content_hash:
            raise CorruptFile("it decodes to other symbols than were encoded")
        return symbols

    def assemble(self, header, parts, session=DEFAULT):
        step = header.metadata["step"]
        symbols = np.frombuffer(b"".join(parts), np.uint8).reshape(header.metadata["shape"])
        return Image(np.minimum(symbols.astype(int) * step + step // 2, 255).astype(np.uint8))
