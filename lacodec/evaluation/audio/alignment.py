"""How late a decoded sound is: (original, decoded) -> samples, by the peak of their cross-correlation.

Opus, AAC and MP3 begin with samples that their decoders have to drop, as many as the file says. A judge that is given sound that
was dropped wrongly measures the delay, so every measurement checks that there is none.
"""

import numpy as np

LIMIT = 4096
"""The longest delay in samples that is looked for, either way: beyond the priming of every codec in `peers`."""


def delay(original: np.ndarray, decoded: np.ndarray, limit: int = LIMIT) -> int:
    """By how many samples `decoded` is late (negative: early), of float64[samples, channels] each; 0 for silence.

    All channels count together. Ties go to the shortest delay.
    """
    size = 1 << int(len(original) + limit + 1).bit_length()
    spectrum = np.zeros(size // 2 + 1, np.complex128)
    for channel in range(original.shape[1]):
        spectrum += np.conj(np.fft.rfft(original[:, channel], size)) * np.fft.rfft(decoded[:, channel], size)
    correlation = np.fft.irfft(spectrum, size)
    lags = np.array(sorted(range(-limit, limit + 1), key=abs))
    return int(lags[np.argmax(correlation[lags])])


def shifted(samples: np.ndarray, lag: int) -> np.ndarray:
    """The same number of samples, `lag` earlier (negative: later), silence where there are none."""
    if lag >= 0:
        return np.pad(samples[lag:], ((0, min(lag, len(samples))), (0, 0)))
    return np.pad(samples[:lag], ((min(-lag, len(samples)), 0), (0, 0)))
