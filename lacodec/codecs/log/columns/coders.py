"""The payloads inside a payload: texts by codec `bytes`, numbers by codec `arrays`."""

from dataclasses import dataclass
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
_TEXT_EFFORTS = (2, 2, 3, 3, 4, 6)
_NUMBER_EFFORTS = (3, 4, 5, 5, 5, 8)
_MIXED_FROM, _SEARCHED_FROM = 4, 6
"""Efforts from which on numbers are also mixed, and all their forms are."""
_FEW_TO_MIX, _TINY = 1500, 48
"""Values for which mixing takes too long for what it saves; bytes of a payload that it does not make much smaller."""
_MIXING = 7


@dataclass(frozen=True)
class Coder:
    """effort: that of codec `log`, 1 to 6."""

    effort: int
    session: Session

    def text(self, out: Writer, text: bytes, effort: int = 0) -> None:
        """Its size, and a sized payload of codec `bytes`."""
        out.number(len(text))
        out.piece(embed("bytes", text, self.session, effort=effort or _TEXT_EFFORTS[self.effort - 1]))

    def numbers(self, out: Writer, numbers: NDArray[np.uint64], most: int) -> None:
        """A sized payload of codec `arrays`; the reader knows how many there are, and the largest one possible."""
        array = numbers.astype(width_for(most))
        effort = _NUMBER_EFFORTS[self.effort - 1]
        coded = embed("arrays", array, self.session, effort=effort if len(array) >= _FEW_TO_MIX else min(effort, _MIXING - 1))
        if _MIXED_FROM <= self.effort < _SEARCHED_FROM and len(array) >= _FEW_TO_MIX and len(coded) > _TINY:
            coded = min(coded, _mixed(array, self.session), key=len)
        out.piece(coded)


def _mixed(array: NDArray[Any], session: Session) -> bytes:
    """What effort 7 of `arrays` usually makes of them, without the time to look for better."""
    out = Writer()
    out.write(bytes([forms.MIXED | forms.MAY_MIX]))
    out.number(forms.ORDER)
    out.piece(encode_mixed(splits.ordered(array), effort=_MIXING, report=session.report))
    return out.data
