"""The quality at which a video takes so many kilobits a second, judged by the beginning of its first group."""

import re
from collections.abc import Callable

import numpy as np

from lacodec.codecs.video.learned._group import Manner, encode_group
from lacodec.errors import BadInput
from lacodec.io.source import BytesSource
from lacodec.media.video.value import Video

_LOW, _HIGH = 100, 10000  # hundredths of quality
_NEAR = 50  # hundredths that are near enough
_FRAMES = 24  # that are coded for each try
_USUAL_RATE = 25.0


def find_quality(value: Video, kbps: float, group: int, manner: Callable[[int], Manner]) -> int:
    """The highest quality, in hundredths, that stays below; raises BadInput if none does."""
    form = value.form
    planes = form.planes(next(value.groups(group)).pixels)
    count = len(planes[0])
    if not count:
        return _LOW
    most = kbps * 1000 / 8 * count / rate_of(value)
    judged = [plane[:_FRAMES] for plane in planes]

    def fits(quality: int) -> bool:
        size = _size(judged, manner(quality))
        if count > _FRAMES:  # the others take what those behind the first one take on average
            first = _size([plane[:1] for plane in judged], manner(quality))
            size = first + (size - first) * (count - 1) // (_FRAMES - 1)
        return size <= most

    if not fits(_LOW):
        raise BadInput(f"{kbps} kilobits a second cannot be reached for this video, even at quality 1; make its frames smaller")
    low, high = _LOW, _HIGH + 1
    while high - low > _NEAR:
        quality = (low + high) // 2
        low, high = (quality, high) if fits(quality) else (low, quality)
    return low


def _size(planes: list[np.ndarray], manner: Manner) -> int:
    return len(encode_group(planes, manner, lambda _: None)[0])


def rate_of(value: Video) -> float:
    """Frames a second, as far as the file says."""
    if value.format == "y4m":
        match = re.search(rb" F([0-9]{1,9}):([0-9]{1,9})", value.head)
        if match and int(match[1]) and int(match[2]):
            return int(match[1]) / int(match[2])
    elif value.head:
        from lacodec.media.video.pyav import opened

        with opened(BytesSource(value.head)) as container:
            rate = container.streams.video[0].average_rate
            if rate:
                return float(rate)
    return _USUAL_RATE
