"""Between PyAV's frames and ours: pixel formats by name, planes in and out."""

import re
from typing import Any

import numpy as np

from lacodec.errors import UnsupportedFile
from lacodec.media.video.value import Form

_NAME = re.compile(r"(?:yuv(420|422|440|411|444)p|(gray)|(gbr)p)(?:(9|1[0-6])le)?")
_PACKED = {"bgr0": (4, (1, 0, 2)), "bgr24": (3, (1, 0, 2)), "rgb24": (3, (1, 2, 0))}  # bytes of a pixel; places of G, B, R


def form_of(pixel_format: str | None, width: int, height: int, name: str) -> Form:
    """The form of frames of FFmpeg's `pixel_format`; raises UnsupportedFile."""
    if pixel_format in _PACKED:
        return Form(width, height, "rgb", 8)
    match = _NAME.fullmatch(pixel_format or "")
    if match is None:
        raise UnsupportedFile(f"{name}: frames of pixel format {pixel_format} are not supported")
    layout = match[1] or ("gray" if match[2] else "rgb")
    return Form(width, height, layout, int(match[4] or 8))


def format_of(form: Form) -> str:
    """The pixel format for such frames that FFV1 takes."""
    if form.layout == "rgb":
        return "bgr0" if form.depth == 8 else f"gbrp{form.depth}le"
    deep = "" if form.depth == 8 else f"{form.depth}le"
    return f"gray{deep}" if form.layout == "gray" else f"yuv{form.layout}p{deep}"


def pixels_of(frame: Any, form: Form) -> bytes:
    """The samples of an `av.VideoFrame`, as in `Group`."""
    if frame.format.name in _PACKED:
        size, places = _PACKED[frame.format.name]
        (plane,) = frame.planes
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: form.height, : form.width * size]
        pixels = rows.reshape(form.height, form.width, size)
        return form.pixels([pixels[None, :, :, at] for at in places])
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
        size, places = _PACKED[name]
        packed = np.zeros((form.height, form.width, size), np.uint8)
        for plane, at in zip(planes, places, strict=True):
            packed[:, :, at] = plane
        planes = [packed.reshape(form.height, -1)]
    for target, plane in zip(frame.planes, planes, strict=True):
        rows = np.zeros((target.buffer_size // target.line_size, target.line_size // plane.itemsize), plane.dtype)
        rows[: plane.shape[0], : plane.shape[1]] = plane
        target.update(rows.tobytes())
    return frame
