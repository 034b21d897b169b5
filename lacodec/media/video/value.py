"""`Video`: a sequence of frames and all that is needed to write the same file again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from lacodec.errors import BadInput, UnsupportedFile
from lacodec.media.audio.value import LAYOUTS as AUDIO_LAYOUTS
from lacodec.media.audio.value import MAX_CHANNELS, sample_size

if TYPE_CHECKING:
    import numpy as np

LAYOUTS = {
    "gray": ((0, 0),),
    "420": ((0, 0), (1, 1), (1, 1)),
    "422": ((0, 0), (0, 1), (0, 1)),
    "440": ((0, 0), (1, 0), (1, 0)),
    "411": ((0, 0), (0, 2), (0, 2)),
    "444": ((0, 0), (0, 0), (0, 0)),
    "rgb": ((0, 0), (0, 0), (0, 0)),
    "graya": ((0, 0), (0, 0)),
    "420a": ((0, 0), (1, 1), (1, 1), (0, 0)),
    "422a": ((0, 0), (0, 1), (0, 1), (0, 0)),
    "444a": ((0, 0), (0, 0), (0, 0), (0, 0)),
    "rgba": ((0, 0), (0, 0), (0, 0), (0, 0)),
}
"""For each plane how often its height and its width are halved, rounded up.

RGB has the planes green, blue, red; alpha is last.
"""

MAX_SIDE = 4096
MAX_FRAME = 32 << 20  # bytes


@dataclass(frozen=True)
class Form:
    """What all frames of a video have in common. depth: bits of a sample, 8 to 16. Raises UnsupportedFile."""

    width: int
    height: int
    layout: str
    depth: int = 8

    def __post_init__(self) -> None:
        if self.layout not in LAYOUTS:
            raise BadInput(f"layout {self.layout!r} is unknown; known layouts: {', '.join(LAYOUTS)}")
        if not 8 <= self.depth <= 16:
            raise UnsupportedFile(f"{self.depth} bits per sample; video must have 8 to 16")
        if not (1 <= self.width <= MAX_SIDE and 1 <= self.height <= MAX_SIDE):
            raise UnsupportedFile(f"frames of {self.width}x{self.height}; they must have 1 to {MAX_SIDE} pixels a side")
        if self.frame_size > MAX_FRAME:
            raise UnsupportedFile(f"frames of {self.frame_size} bytes; at most {MAX_FRAME >> 20} MiB are possible")

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """(height, width) of each plane."""
        return [(-(-self.height >> sy), -(-self.width >> sx)) for sy, sx in self.halvings]

    @property
    def halvings(self) -> Sequence[tuple[int, int]]:
        """For each plane how often its height and its width are halved."""
        return LAYOUTS[self.layout]

    @property
    def sample_size(self) -> int:
        """Bytes of a sample."""
        return 1 if self.depth == 8 else 2

    @property
    def frame_size(self) -> int:
        """Bytes of a frame."""
        return sum(height * width for height, width in self.shapes) * self.sample_size

    def planes(self, pixels: bytes) -> "list[np.ndarray]":
        """For each plane uint8 or uint16[frames, height, width], views of `pixels`."""
        import numpy as np

        samples = np.frombuffer(pixels, np.uint8 if self.depth == 8 else np.dtype("<u2"))
        frames = samples.reshape(-1, self.frame_size // self.sample_size)
        found, at = [], 0
        for height, width in self.shapes:
            found.append(frames[:, at : at + height * width].reshape(-1, height, width))
            at += height * width
        return found

    def pixels(self, planes: "Sequence[np.ndarray]") -> bytes:
        """The inverse of `planes`."""
        import numpy as np

        flat = [plane.reshape(len(plane), plane.shape[1] * plane.shape[2]) for plane in planes]
        return np.concatenate(flat, 1).astype("u1" if self.depth == 8 else "<u2", copy=False).tobytes()


@dataclass(frozen=True)
class Sound:
    """A stream of uncompressed sound beside the frames. layout: one of `media.audio.value.LAYOUTS`."""

    rate: int
    channels: int
    layout: str

    def __post_init__(self) -> None:
        if self.layout not in AUDIO_LAYOUTS or not 1 <= self.channels <= MAX_CHANNELS or not 0 <= self.rate < 1 << 32:
            raise BadInput(f"sound of {self.channels} channels of {self.layout!r} at {self.rate} Hz is not possible")

    @property
    def frame_size(self) -> int:
        """Bytes of one sample of every channel."""
        return self.channels * sample_size(self.layout)


@dataclass(frozen=True)
class Group:
    """Consecutive frames: plane by plane, rows from the top, samples of 8 bits or little-endian 16.

    side: what the file has beside them, in a form that only its format understands; those of all groups can be joined.
    sounds: for each of the video's sounds the samples that go with these frames, whole ones.
    """

    pixels: bytes
    side: bytes = b""
    sounds: tuple[bytes, ...] = ()

    @property
    def content(self) -> bytes:
        """All of it."""
        return b"".join((self.pixels, self.side, *self.sounds))


class Groups(Protocol):
    """All frames in order, n at a time (or as they were encoded); only once where they are being decoded."""

    def __call__(self, n: int) -> Iterator[Group]:
        """At least one group, if only for what a file without frames has beside them."""


@dataclass(frozen=True)
class Held:
    """Groups of frames in memory; what the file has beside all of them goes with the last ones."""

    frame_size: int
    pixels: bytes
    side: bytes = b""
    sounds: tuple[bytes, ...] = ()

    def __call__(self, n: int) -> Iterator[Group]:
        """As in `Groups`."""
        size, end = n * self.frame_size, len(self.pixels)
        for at in range(0, max(end, 1), size):
            last = at + size >= end
            yield Group(
                self.pixels[at : at + size], self.side if last else b"", self.sounds if last else tuple(b"" for _ in self.sounds)
            )


@dataclass(frozen=True)
class Video:
    """A sequence of frames.

    format: "y4m", "mkv", "avi" or None. head: what the format has to say besides frames; for Y4M the file's first line.
    sounds: what uncompressed sound there is.
    """

    form: Form
    groups: Groups
    format: str | None = None
    head: bytes = b""
    sounds: tuple[Sound, ...] = ()

    @classmethod
    def from_planes(cls, planes: "Sequence[np.ndarray]", layout: str, depth: int = 8) -> "Video":
        """From an array [frames, height, width] for each plane, of integers below 2**depth; raises BadInput."""
        import numpy as np

        arrays = [np.asarray(plane) for plane in planes]
        if not arrays or any(array.ndim != 3 or array.dtype.kind not in "ui" for array in arrays):
            raise BadInput("a video is made from an array of whole numbers [frames, height, width] for each plane")
        form = Form(arrays[0].shape[2], arrays[0].shape[1], layout, depth)
        wanted = [(len(arrays[0]), *shape) for shape in form.shapes]
        if [array.shape for array in arrays] != wanted:
            raise BadInput(f"planes of {[array.shape for array in arrays]} are not those of layout {layout!r}: {wanted}")
        if any(array.size and not 0 <= int(array.min()) <= int(array.max()) < 1 << depth for array in arrays):
            raise BadInput(f"samples must be 0 to {(1 << depth) - 1}")
        return cls(form, Held(form.frame_size, form.pixels(arrays)))

    @property
    def _samples(self) -> int:
        return self.form.frame_size // self.form.sample_size

    @property
    def planes(self) -> "list[np.ndarray]":
        """For each plane uint8 or uint16[frames, height, width]; reads all frames."""
        return self.form.planes(self.held().pixels)

    def held(self) -> Held:
        """All frames in memory."""
        if isinstance(self.groups, Held):
            return self.groups
        groups = list(self.groups(16))
        pixels, side = (b"".join(getattr(group, name) for group in groups) for name in ("pixels", "side"))
        sounds = tuple(b"".join(group.sounds[k] for group in groups if group.sounds) for k in range(len(self.sounds)))
        return Held(self.form.frame_size, pixels, side, sounds)

    def __len__(self) -> int:
        """Frames; reads all."""
        return len(self.held().pixels) // self.form.frame_size

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> "np.ndarray":
        """uint8 or uint16[frames, samples of a frame]: its planes one after another."""
        import numpy as np

        dtype = dtype or (np.uint8 if self.form.depth == 8 else np.uint16)
        return np.frombuffer(self.held().pixels, f"<u{self.form.sample_size}").astype(dtype).reshape(len(self), self._samples)

    def __getitem__(self, key: Any) -> Any:
        """Of a whole number the planes of that frame, of a slice a video; for all other keys the array's."""
        if isinstance(key, slice):
            pixels = self.form.pixels([plane[key] for plane in self.planes])
            return Video(self.form, Held(self.form.frame_size, pixels))
        return [plane[key] for plane in self.planes] if isinstance(key, int) else self.__array__()[key]
