"""Word errors of decoded speech: a transcript and a sound -> errors, by the recogniser pocketsphinx (extra `audio-eval`).

Its English model is small and misses words of the original too, so only differences between codecs say something.
"""

import re
from collections.abc import Sequence

import numpy as np

from lacodec.errors import BadInput
from lacodec.evaluation.audio.sound import Sound, missing, resampled

_RATE_HZ = 16000


def heard(sound: Sound, grammar: str | None = None) -> list[str]:
    """The words that pocketsphinx hears in a sound, its channels mixed. Raises MissingDependency.

    grammar: path of a file in Java Speech Grammar Format with all sentences that there may be. BadInput if it is none.
    """
    try:
        from pocketsphinx import Decoder
    except ImportError:
        raise missing("pocketsphinx, which recognises speech") from None
    mono = resampled(Sound(sound.samples.mean(axis=1, keepdims=True), sound.rate), _RATE_HZ).samples[:, 0]
    pcm = np.clip(np.rint(mono * 32768), -32768, 32767).astype("<i2").tobytes()
    # A recogniser adapts to what it heard before, so every sound gets its own.
    try:
        decoder = Decoder(samprate=_RATE_HZ, loglevel="FATAL", **({} if grammar is None else {"jsgf": grammar}))
    except RuntimeError as error:
        raise BadInput(f"{grammar or 'pocketsphinx'}: {error}") from error
    decoder.start_utt()
    decoder.process_raw(pcm, full_utt=True)
    decoder.end_utt()
    found = decoder.hyp()
    return words(found.hypstr) if found else []


def words(text: str) -> list[str]:
    """The words of a text in small letters, without punctuation."""
    return re.findall(r"[\w']+", text.lower())


def word_errors(expected: Sequence[str], found: Sequence[str]) -> int:
    """Fewest words to insert, leave out or replace to make one of the other (Levenshtein); over the count, the error rate."""
    row = list(range(len(found) + 1))
    for i, word in enumerate(expected, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(found, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (word != other))
    return row[-1]
