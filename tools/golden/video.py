"""Videos of codec `video.lossless`, and how they become golden files."""

import random
from dataclasses import replace
from pathlib import Path

import numpy as np

CODEC = "video.lossless"
WANTED = [(f"effort{effort}", name) for effort in (1, 2, 3, 5, 9) for name in ("moving", "deep")]
WANTED += [("effort5", name) for name in ("gray", "rgb", "one", "file", "groups", "alpha", "sound")]
WANTED += [("effort2", name) for name in ("one", "alpha")]


def content(name: str):  # a Video
    """The video called `name`: moving (4:2:0, odd sizes), deep (10 bits, 4:2:2), gray, rgb, one (frame), file (Y4M), groups,
    alpha (RGB), sound."""
    from lacodec.media.video.files import VIDEO
    from lacodec.media.video.value import Sound, Video

    rng = random.Random(2026)
    frames, height, width = (1 if name == "one" else 5), 19, 35
    t, y, x = np.mgrid[0:frames, 0:height, 0:width]
    noise = np.array([rng.randrange(6) for _ in range(t.size)]).reshape(t.shape)
    luma = np.clip(((x - 3 * t - 9) ** 2 + (y + t - 6) ** 2) // 9 + 40 * (x > y + t) + noise, 0, 255)
    if name == "gray":
        return Video.from_planes([luma], "gray")
    if name == "rgb":
        return Video.from_planes([luma, luma // 2 + 3 * noise, 255 - luma], "rgb")
    if name == "alpha":
        return Video.from_planes([luma, luma // 2 + 3 * noise, 255 - luma, 255 * (luma > 90) - noise * (luma > 90)], "rgba")
    if name == "deep":
        return Video.from_planes([luma * 4 + noise % 4, luma[:, :, ::2] * 2, 900 - luma[:, :, ::2] * 3], "422", 10)
    video = Video.from_planes([luma, luma[:, ::2, ::2] // 2 + 60, 200 - luma[:, ::2, ::2] // 3], "420")
    if name == "file":
        return VIDEO.to_object(VIDEO.from_object(b"".join(VIDEO.to_blocks(video, ".y4m")) + b"FRAME\ncut off"))
    if name == "sound":
        tone = b"".join((k * k * 37 % 501 - 250).to_bytes(2, "little", signed=True) for k in range(600))
        held = replace(video.held(), side=b"beside", sounds=(tone,))
        return replace(video, groups=held, sounds=(Sound(8000, 2, "i16le"),))
    return video


def make(setting: str, name: str) -> bytes:
    """The file."""
    import lacodec

    group = 2 if name == "groups" else 48
    return lacodec.encode(content(name), CODEC, effort=int(setting.removeprefix("effort")), group=group)


def exact(setting: str, name: str) -> bool:
    """All of them."""
    return True


def restored(path: Path):  # a Video
    """The value to compare with the content."""
    import lacodec

    return lacodec.decode(path)
