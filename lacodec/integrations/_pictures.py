"""Arrays of several pictures as one picture, for stores that keep arrays chunk by chunk."""

import numpy as np

from lacodec.errors import BadInput

_MOST_CHANNELS = 4


def check_pictures(shape: tuple[int, ...], dtype: np.dtype, name: str) -> None:
    """Raise BadInput for arrays that are no pictures; `name`: of the codec, for the message."""
    if len(shape) < 2 or dtype.newbyteorder("=") not in (np.dtype("u1"), np.dtype("u2")):
        raise BadInput(
            f"{name!r} codes pictures: arrays of uint8 or uint16 with two axes at least, not {dtype}{list(shape)}; "
            "use 'lacodec.arrays'"
        )


def stacked(array: np.ndarray) -> np.ndarray:
    """[..., rows, columns] or [..., rows, columns, up to 4 channels] as [all rows, columns] or [all rows, columns, channels]."""
    array = np.ascontiguousarray(array, array.dtype.newbyteorder("="))
    channels = array.shape[-1:] if array.ndim > 2 and array.shape[-1] <= _MOST_CHANNELS else ()
    columns = array.shape[-2] if channels else array.shape[-1]
    return array.reshape(-1, columns, *channels)
