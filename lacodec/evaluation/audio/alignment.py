"""How late a decoded sound is: (original, decoded) -> samples, by the peak of their cross-correlation.

Opus, AAC and MP3 begin with samples that their decoders have to drop, as many as the file says. A judge that is given sound that
was dropped wrongly measures the delay, so every measurement checks that there is none.
"""

import numpy as np

from lacodec.errors import BadInput

SMALL = 16
"""Samples by which a decoded sound may be late, early or too short: Opus is late by 6 at its lowest rates. It is made good."""
_LIMIT = 4096  # beyond the priming of all peers
_ALIKE = 0.5  # below this correlation, its peak says nothing: at low rates much of a sound is replaced by noise
_MORE = (
    0.25  # the share of the energy by which a place elsewhere has to fit better than the near one, since voices and tones repeat
)


def delay(original: np.ndarray, decoded: np.ndarray) -> int:
    """By how many samples `decoded` is late (negative: early), of float64[samples, channels] each; at most `SMALL`.

    All channels count together; 0 where the sounds are too different to tell. Raises BadInput for a longer delay.
    """
    values = correlations(original, decoded, _LIMIT)
    near = values[_LIMIT - SMALL : _LIMIT + SMALL + 1]
    far = int(np.argmax(values)) - _LIMIT
    if values.max() ** 2 > max(near.max(), 0) ** 2 + _MORE:
        raise BadInput(f"the decoded sound is {abs(far)} samples {'late' if far > 0 else 'early'}")
    return int(np.argmax(near)) - SMALL if near.max() > _ALIKE else 0


def correlations(original: np.ndarray, decoded: np.ndarray, limit: int) -> np.ndarray:
    """float64[2 * limit + 1]: normalised correlation (at most 1) with `decoded` earlier by -limit ... limit samples."""
    size = 1 << int(len(original) + limit + 1).bit_length()
    spectrum = np.zeros(size // 2 + 1, np.complex128)
    for channel in range(original.shape[1]):
        spectrum += np.conj(np.fft.rfft(original[:, channel], size)) * np.fft.rfft(decoded[:, channel], size)
    products = np.fft.irfft(spectrum, size)[np.arange(-limit, limit + 1)]
    energy = float(np.square(original).sum()) * float(np.square(decoded).sum())
    return np.asarray(products / np.sqrt(energy) if energy else np.zeros_like(products))


def shifted(samples: np.ndarray, lag: int) -> np.ndarray:
    """The same number of samples, `lag` earlier (negative: later), silence where there are none."""
    padding = ((max(-lag, 0), max(lag, 0)), (0, 0))
    return np.pad(samples[max(lag, 0) : len(samples) - max(-lag, 0)], padding)
