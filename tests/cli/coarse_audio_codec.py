"""A lossy audio codec for tests: 16-bit samples divided by a step, deflated. Installed by tests as codec `coarse.audio`."""

import zlib
from dataclasses import dataclass, field

import numpy as np

from lacodec.codecs.base import Codec
from lacodec.codecs.session import DEFAULT
from lacodec.container.types import CRITICAL, Chunk, content_hash
from lacodec.errors import BadInput, CorruptFile
from lacodec.media.audio.files import AUDIO
from lacodec.media.audio.value import Audio


@dataclass(frozen=True)
class Options:
    quality: int = field(default=50, metadata={"help": "1 to 100"})

    def __post_init__(self) -> None:
        if not isinstance(self.quality, int) or not 1 <= self.quality <= 100:
            raise BadInput(f"quality is {self.quality!r}; give 1 to 100")


class CoarseAudio(Codec[Audio]):
    name, stream_version, identical, media, Options = "coarse.audio", 0, "none", AUDIO, Options

    def metadata(self, value, session=DEFAULT):
        return {"rate": value.rate, "channels": value.channels, "step": round(4096 / 2 ** (self.options.quality / 10))}

    def encode(self, value, session=DEFAULT):
        step = self.metadata(value)["step"]
        symbols = np.rint(value.samples / step).astype("<i2").tobytes()
        yield Chunk(CRITICAL, ((0, len(value.samples)),), zlib.compress(symbols), content_hash(symbols), len(symbols))

    def decode_chunk(self, header, chunk, shared=(), session=DEFAULT):
        symbols = zlib.decompress(chunk.payload)
        if content_hash(symbols) != chunk.content_hash:
            raise CorruptFile("it decodes to other symbols than were encoded")
        return symbols

    def assemble(self, header, parts, session=DEFAULT):
        facts = header.metadata
        symbols = np.frombuffer(b"".join(parts), "<i2").reshape(-1, facts["channels"]).astype(int)
        return Audio.from_samples(np.clip(symbols * facts["step"], -32768, 32767).astype(np.int16), facts["rate"])
