"""Pre-tokens and pieces of the language model of text."""

from itertools import pairwise

LONGEST, LONG = 40, 32
WORD, DIGIT, MARK, SPACE, LINE, SIGN, INSIDE, APOSTROPHE = range(8)


def kind_of(byte: int) -> int:
    """The kind of a byte. SIGN: first of a character that is rarely a letter; INSIDE: a later byte of a character."""
    if byte >= 0x80:
        if byte < 0xC0:
            return INSIDE
        return SIGN if byte in (0xC2, 0xE2, 0xE3, 0xEF) or byte >= 0xF0 else WORD
    character = chr(byte)
    if character.isalpha():
        return WORD
    if character.isdigit():
        return DIGIT
    return {" ": SPACE, "\t": SPACE, "\n": LINE, "\r": LINE, "'": APOSTROPHE}.get(character, MARK)


def follow(state: int, length: int, kind: int) -> tuple[int, bool]:
    """The kind of the run after a byte of `kind`, and whether a pre-token begins with it.

    state: kind of the run that the pre-token before it, of `length` bytes, is in; -1 before the first byte.
    """
    if kind == INSIDE and state >= 0:
        new, begins = state, length >= LONGEST
    elif kind == APOSTROPHE and state == WORD:
        new, begins = state, False
    else:
        new = MARK if kind == APOSTROPHE else kind
        if state == SPACE:
            begins = new == LINE or (new != SPACE and length > 1)
        else:
            begins = new != state
    return new, begins or state < 0 or (kind != INSIDE and length >= LONG)


class Pieces:
    """Of merges: pieces 0 to 255 are the bytes, merge i makes piece 256 + i."""

    def __init__(self, merges: list[tuple[int, int]]) -> None:
        self.texts = [bytes([i]) for i in range(256)]
        self.merges = {}
        for left, right in merges:
            self.merges[left, right] = len(self.texts)
            self.texts.append(self.texts[left] + self.texts[right])
        self.numbers = {text: number for number, text in enumerate(self.texts)}
        self.order = sorted(range(len(self.texts)), key=self.texts.__getitem__)

    def split(self, token: bytes) -> list[int]:
        """The pieces of a pre-token: the earliest merge first, the leftmost of those."""
        run = list(token)
        while len(run) > 1:
            pairs = [self.merges.get((a, b), 1 << 30) for a, b in pairwise(run)]
            best = min(pairs)
            if best == 1 << 30:
                break
            at = pairs.index(best)
            run[at : at + 2] = [best]
        return run
