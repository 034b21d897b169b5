"""Small JPEG files for `lacodec warmup`: together they use all kernels."""

import io


def small_files() -> list[bytes]:
    """A baseline and a progressive file."""
    import numpy as np
    from PIL import Image

    y, x = np.mgrid[0:40, 0:56]
    picture = Image.fromarray(np.stack([x * 4, y * 5, (x * y) % 97 * 2], 2).astype(np.uint8))
    found = []
    for progressive in (False, True):
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=90, progressive=progressive)
        found.append(out.getvalue())
    return found
