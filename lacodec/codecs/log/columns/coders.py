"""The payloads inside a payload: texts by codec `bytes`, numbers by codec `arrays`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.columns import forms, splits
from lacodec.codecs.columns.mixed.payload import encode_mixed
from lacodec.codecs.embedded import embed
from lacodec.codecs.log.columns.types import width_for
from lacodec.codecs.pieces import Writer
from lacodec.codecs.session import Session

QUICK = 1
"""The effort of `bytes` for digits that are as good as random."""
_SORTED = 4
"""The effort of `bytes` that takes least time for what it saves."""
_TEXT_EFFORTS = (2, 2, 3, 3, _SORTED, 6)
_NUMBER_EFFORTS = (3, 4, 5, 4, 4, 8)
_MIXED_FROM, _SEARCHED_FROM = 4, 6
"""Efforts from which on numbers are also sorted and mixed, and all their forms are."""
_FEW_TO_MIX, _TINY = 2500, 48
"""Values for which mixing takes too long for what it saves; bytes of a payload that it does not make much smaller."""
_MIXING = 7
_TIMED = 5
"""The effort with limited time for texts: `_PER_BYTE` nanoseconds for each byte of the block, less `_SPENT` for all else."""
_SPENT, _PER_BYTE = 20_000_000, 60
_BETTER = {5: (5_000_000, 550), 2: (7_000_000, 190)}
"""Efforts of `bytes` that may be better than `_SORTED`, with their nanoseconds: for a text, and for each of its bytes."""
_WORTH_IT = 1 << 13
"""Bytes from which on a text gets that time."""


class Coder:
    """effort: that of codec `log`, 1 to 6. size: bytes of the block."""

    def __init__(self, effort: int, size: int, session: Session) -> None:
        self.effort, self.session = effort, session
        self._left = size * _PER_BYTE - _SPENT

    def text(self, out: Writer, text: bytes, effort: int = 0, searched: bool = False) -> None:
        """Its size, and a sized payload of codec `bytes`. searched: every search decodes it, which must not take long."""
        out.number(len(text))
        efforts = (effort,) if effort else (_TEXT_EFFORTS[self.effort - 1], *(() if searched else self._affordable(len(text))))
        out.piece(min((embed("bytes", text, self.session, effort=one) for one in efforts), key=len))

    def _affordable(self, size: int) -> tuple[int, ...]:
        """What to try besides for a text of that size: estimates of time decide, so that the result is always the same."""
        for effort, (fixed, each) in _BETTER.items() if self.effort == _TIMED and size >= _WORTH_IT else ():
            if fixed + each * size <= self._left:
                self._left -= fixed + each * size
                return (effort,)
        return ()

    def numbers(self, out: Writer, numbers: NDArray[np.uint64], most: int, searched: bool = False) -> None:
        """A sized payload of codec `arrays`; the reader knows how many there are, and the largest one possible."""
        array = numbers.astype(width_for(most))
        effort = _NUMBER_EFFORTS[self.effort - 1]
        coded = embed("arrays", array, self.session, effort=effort if len(array) >= _FEW_TO_MIX else min(effort, _MIXING - 1))
        if self.effort >= _MIXED_FROM and len(coded) > _TINY:
            coded = min(coded, _sorted(array, self.session), key=len)
        mixed = _MIXED_FROM <= self.effort < _SEARCHED_FROM and not (searched and self.effort == _TIMED)
        if mixed and len(array) >= _FEW_TO_MIX and len(coded) > _TINY:
            coded = min(coded, _mixed(array, self.session), key=len)
        out.piece(coded)


def _sorted(array: NDArray[Any], session: Session) -> bytes:
    """Their bytes, sorted by what follows: where sequences come again."""
    out = Writer()
    out.write(bytes([forms.BYTES]))
    out.piece(embed("bytes", array.tobytes(), session, effort=_SORTED))
    return out.data


def _mixed(array: NDArray[Any], session: Session) -> bytes:
    """What effort 7 of `arrays` usually makes of them, without the time to look for better."""
    out = Writer()
    out.write(bytes([forms.MIXED | forms.MAY_MIX]))
    out.number(forms.ORDER)
    out.piece(encode_mixed(splits.ordered(array), effort=_MIXING, report=session.report))
    return out.data
