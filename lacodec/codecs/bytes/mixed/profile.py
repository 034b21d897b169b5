"""The kind of bytes in a block: text or not, and the length of its records."""

import numpy as np

_SAMPLE = 1 << 16
_CONTROL = np.array([i for i in range(32) if i not in (9, 10, 13)])


def is_text(data: np.ndarray) -> bool:
    """True for text, logs, markup and source code: hardly any control bytes, and largely ASCII or valid UTF-8."""
    if data.size == 0:
        return False
    counts = np.bincount(data, minlength=256)
    if counts[_CONTROL].sum() * 100 > data.size:
        return False
    if counts[32:127].sum() * 10 > data.size * 6:
        return True
    try:
        data[: data.size // 2].tobytes().decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > max(data.size // 2 - 4, 0)  # only cut off within its last character
    return True


def record_stride(data: np.ndarray, limit: int) -> int:
    """Distance (1 to `limit`) at which bytes repeat most often, not counting runs; 4 when nothing stands out."""
    middle = max(0, data.size // 2 - _SAMPLE // 2)
    sample = data[middle : middle + _SAMPLE]
    if sample.size < 64:
        return 4
    new = np.append(False, sample[1:] != sample[:-1])  # bytes that do not just repeat the last one
    later = np.cumsum(new[::-1])[::-1]  # how many of them are at or after each place
    counts = np.bincount(sample[new], minlength=256)
    best, stride = 0.0, 4
    chance = int((counts * counts).sum()) / max(int(later[0]), 1) ** 2  # of whole numbers: the same on every machine
    for step in range(2, min(limit, sample.size // 4) + 1):
        places = int(later[step])
        if places < 32:
            break
        score = int(np.count_nonzero((sample[step:] == sample[:-step]) & new[step:])) / places
        if score > best + 0.02 and score > 1.5 * chance + 0.02:  # a multiple of the true stride must be clearly better to win
            best, stride = score, step
    return stride
