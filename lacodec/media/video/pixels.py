"""Between PyAV's frames and ours: pixel formats by name, planes in and out."""

import re
from typing import Any

import numpy as np

from lacodec.errors import UnsupportedFile
from lacodec.media.video.value import Form

_NAME = re.compile(r"(?:yuv(420|422|440|411|444)p|(gray)|(gbr)p|yuva(420|422|444)p|(gbra)p)(?:(9|1[0-6])le)?")
_PACKED = {  # bytes of a pixel, the place of each plane's sample
    "bgr0": ("rgb", 4, (1, 0, 2)),
    "bgr24": ("rgb", 3, (1, 0, 2)),
    "rgb24": ("rgb", 3, (1, 2, 0)),
    "bgra": ("rgba", 4, (1, 0, 2, 3)),
    "rgba": ("rgba", 4, (1, 2, 0, 3)),
    "ya8": ("graya", 2, (0, 1)),
}
_PAIRS = {"yuyv422": (0, 1, 3), "uyvy422": (1, 0, 2)}  # places of Y, U, V in the four bytes of two pixels
_EIGHT_BITS = {"rgb": "bgr0", "rgba": "bgra", "graya": "ya8"}
_DEEP = {"gray": "gray", "graya": "ya", "rgb": "gbrp", "rgba": "gbrap"}


def form_of(pixel_format: str | None, width: int, height: int, name: str) -> Form:
    """The form of frames of FFmpeg's `pixel_format`; raises UnsupportedFile."""
    if pixel_format in _PACKED:
        return Form(width, height, _PACKED[pixel_format][0], 8)
    if pixel_format in _PAIRS and width % 2 == 0:
        return Form(width, height, "422", 8)
    match = _NAME.fullmatch(pixel_format or "")
    if match is None:
        raise UnsupportedFile(f"{name}: frames of pixel format {pixel_format or 'unknown'} are not supported")
    layout = match[1] or match[2] or (match[3] and "rgb") or (match[4] and match[4] + "a") or "rgba"
    return Form(width, height, layout, int(match[6] or 8))


def format_of(form: Form) -> str:
    """The pixel format for such frames that FFV1 takes."""
    if form.depth == 8 and form.layout in _EIGHT_BITS:
        return _EIGHT_BITS[form.layout]
    deep = "" if form.depth == 8 else f"{form.depth}le"
    if form.layout in _DEEP:
        return _DEEP[form.layout] + deep
    return f"yuva{form.layout[:-1]}p{deep}" if form.layout.endswith("a") else f"yuv{form.layout}p{deep}"


def pixels_of(frame: Any, form: Form) -> bytes:
    """The samples of an `av.VideoFrame`, as in `Group`."""
    if frame.format.name in _PACKED:
        _, size, places = _PACKED[frame.format.name]
        pixels = _rows(frame, form.width * size)[: form.height].reshape(1, form.height, form.width, size)
        return form.pixels([pixels[:, :, :, at] for at in places])
    if frame.format.name in _PAIRS:
        luma, blue, red = _PAIRS[frame.format.name]
        pairs = _rows(frame, 2 * form.width)[: form.height].reshape(1, form.height, form.width // 2, 4)
        both = pairs[:, :, :, luma::2].reshape(1, form.height, form.width)
        return form.pixels([both, pairs[:, :, :, blue], pairs[:, :, :, red]])
    dtype = np.dtype(f"<u{form.sample_size}")
    planes = []
    for plane, (height, width) in zip(frame.planes, form.shapes, strict=True):
        planes.append(np.frombuffer(plane, dtype).reshape(-1, plane.line_size // dtype.itemsize)[None, :height, :width])
    return form.pixels(planes)


def frame_of(pixels: bytes, form: Form) -> Any:
    """An `av.VideoFrame` of the format `format_of` with these samples."""
    import av

    name = format_of(form)
    frame = av.VideoFrame(form.width, form.height, name)
    planes = [plane[0] for plane in form.planes(pixels)]
    if name in _PACKED:
        _, size, places = _PACKED[name]
        packed = np.zeros((form.height, form.width, size), np.uint8)
        for plane, at in zip(planes, places, strict=True):
            packed[:, :, at] = plane
        planes = [packed.reshape(form.height, -1)]
    for target, plane in zip(frame.planes, planes, strict=True):
        rows = np.zeros((target.buffer_size // target.line_size, target.line_size // plane.itemsize), plane.dtype)
        rows[: plane.shape[0], : plane.shape[1]] = plane
        target.update(rows.tobytes())
    return frame


def _rows(frame: Any, size: int) -> np.ndarray:
    """uint8[rows, size]: the lines of the only plane, without what fills them up. Frames may be stored from the bottom."""
    (plane,) = frame.planes
    if plane.line_size < 0:
        (plane,) = frame.reformat(format=frame.format.name, width=frame.width, height=frame.height).planes
    return np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[:, :size]
