"""Pre-echo: the noise of a codec just before an onset, where nothing masks it.

Transform codecs spread their noise over a block; where the block begins before a click, the click is announced.
"""

import math
from collections.abc import Sequence

import numpy as np

from lacodec.errors import BadInput
from lacodec.evaluation.audio.sound import Sound

WINDOW_S = 0.005
"""Before an onset, where a listener hears noise as an echo: backward masking lasts no longer."""


def pre_echo(original: Sound, decoded: Sound, onsets: Sequence[int]) -> float:
    """Energy of the error in the `WINDOW_S` before the onsets, in dB of the original's energy as long after them.

    onsets: sample numbers. All channels and onsets together; -inf for none at all. Raises BadInput where windows do not fit.
    """
    size = round(WINDOW_S * original.rate)
    if not onsets or min(onsets) < size or max(onsets) + size > len(original.samples):
        raise BadInput(f"onsets must leave {size} samples on either side")
    error = decoded.samples - original.samples
    before = sum(float(np.square(error[onset - size : onset]).sum()) for onset in onsets)
    after = sum(float(np.square(original.samples[onset : onset + size]).sum()) for onset in onsets)
    return 10 * math.log10(before / after) if before else -math.inf
