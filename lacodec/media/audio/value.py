"""`Audio`: sampled sound and all that is needed to write the same file again."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lacodec.errors import BadInput, UnsupportedFile
from lacodec.io.source import BytesSource, Source

if TYPE_CHECKING:
    import numpy as np

LAYOUTS = ("u8", "i8", "i16le", "i24le", "i32le", "f32le", "i16be", "i24be", "i32be", "f32be")
"""How one sample is stored: type, bits, byte order. A file's number of bits that is no multiple of 8 is rounded up."""
MAX_CHANNELS = 8
MAX_AROUND = 8 << 20  # bytes before, and behind, the samples


@dataclass(frozen=True)
class Audio:
    """Sound of one or more channels.

    rate: samples per second and channel. layout: one of LAYOUTS. pcm: the samples as the file has them, channels interleaved.
    head, tail: the file's bytes before and behind them. format: "wav", "aiff", "flac" or None. The tail of something that is
    being decoded is known once `pcm` has been read.
    """

    rate: int
    channels: int
    layout: str
    pcm: Source
    format: str | None = None
    head: bytes = b""
    tail: Source = field(default_factory=lambda: BytesSource(b""))

    def __post_init__(self) -> None:
        if self.layout not in LAYOUTS:
            raise BadInput(f"sample layout {self.layout!r} is unknown; known layouts: {', '.join(LAYOUTS)}")
        if not 1 <= self.channels <= MAX_CHANNELS:
            raise UnsupportedFile(f"{self.pcm.name}: {self.channels} channels; audio must have 1 to {MAX_CHANNELS}")
        if not 0 <= self.rate < 1 << 32:
            raise BadInput(f"a rate of {self.rate} Hz cannot be stored")

    @classmethod
    def from_samples(cls, samples: Any, rate: int) -> "Audio":
        """From an array [samples, channels] (or [samples]) of uint8, int8, int16, int32 or float32."""
        import numpy as np

        names = {"u1": "u8", "i1": "i8", "i2": "i16le", "i4": "i32le", "f4": "f32le"}
        array = np.asarray(samples)
        kind = f"{array.dtype.kind}{array.dtype.itemsize}"
        if kind not in names or array.ndim not in (1, 2):
            raise BadInput(
                f"cannot use {array.dtype} samples in {array.ndim} dimensions; give uint8, int16, int32 or float32 [n, channels]"
            )
        array = array.reshape(array.shape[0], -1) if array.size else array.reshape(0, array.shape[1] if array.ndim == 2 else 1)
        little = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<")))
        return cls(rate, array.shape[1], names[kind], BytesSource(little.tobytes()))

    @property
    def frame_size(self) -> int:
        """Bytes of one sample of every channel."""
        return self.channels * sample_size(self.layout)

    @property
    def samples(self) -> "np.ndarray":
        """int32 or float32[samples, channels]; reads all of `pcm`."""
        from lacodec.media.audio.samples import from_bytes, to_float

        data = self.pcm.read(0, self.pcm.size or 0)
        numbers = from_bytes(data, self.layout, self.channels)
        return to_float(numbers).T if self.layout.startswith("f") else numbers.astype("int32").T

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> "np.ndarray":
        """The samples, int32 or float32[samples, channels]."""
        import numpy as np

        return np.asarray(self.samples, dtype)

    def __getitem__(self, key: Any) -> Any:
        """The sound of a range of samples, steps included (the rate stays); for all other keys what `samples[key]` is."""
        import numpy as np

        if not isinstance(key, slice):
            return self.samples[key]
        frames = np.frombuffer(self.pcm.read(0, self.pcm.size or 0), f"V{self.frame_size}")
        return replace(self, pcm=BytesSource(frames[key].tobytes()), format=None, head=b"", tail=BytesSource(b""))


def sample_size(layout: str) -> int:
    """Bytes of one sample."""
    return int(layout[1:].rstrip("lbe")) // 8
