"""Features of a value's surroundings, from which contexts are made."""

from dataclasses import dataclass

from reference.columns_profiles import DIGITS, Settings

MOST_SIZE = 1 << 56
FAST, SLOW, MEAN, FINE = 3, 6, 7, 3
SIZE_CUTS = {8: 0, 16: 9, 32: 22, 64: 51}  # bits of a float below the half of an octave


@dataclass
class Seen:
    """What was seen around a value, relative to its prediction where a name begins with to or near."""

    nothing: int
    column: int
    to_w: int
    to_n: int
    to_l: int
    to_l2: int
    to_l3: int
    near_w: int
    near_n: int
    near_line: int
    near_plane: int
    near_l: int
    near_mean: int
    token_w: int
    token_n: int
    token_l: int
    scale: int
    scale_slow: int
    scale_both: int
    local: int
    value: int
    value_high: int
    high_w: int
    high_n: int
    high_l: int
    fraction: int
    length: int
    matched: int


class Features:
    """Residuals before; the means of each column: fast and slow one of sizes in 16ths, and of the value.

    A size is |residual|; in the scheme DIGITS it is the distance from the middle number, in half octaves of a float. `here`: a
    fast mean over all columns.
    """

    def __init__(self, s: Settings, values: list[int]) -> None:
        self.s, self.values = s, values
        self.errors = [0] * s.pad
        self.here = 0
        self.means = [[0, 0, s.first] for _ in range(s.columns)]

    def look(self, column: int, p: int, fraction: int, expected: int, length: int) -> Seen:
        """All features of the next value. p: its prediction; expected: by the match, of this length."""
        s, v, e = self.s, self.values, self.errors
        near, above = s.near, s.above
        w, ww, n, nw, left = v[-near], v[-2 * near], v[-above], v[-above - near], v[-1]

        def away(value: int) -> int:
            return signed(value - p, s.bits)

        fast, slow, mean = self.means[column]
        around = (abs(e[-near]) >> 1) + (abs(e[-above]) >> 1) + (abs(e[-1]) >> 1)
        around += (abs(e[-2 * near]) >> 2) + (abs(e[-above + near]) >> 2)
        cut = max(s.bits - 12, 0)
        scales = [quarters(fast), quarters(slow), quarters(around)]
        if s.scheme == DIGITS:
            scales = [fast >> FINE, slow >> FINE, self.here >> FINE]
        return Seen(
            nothing=0,
            column=column,
            to_w=away(w),
            to_n=away(n),
            to_l=away(left),
            to_l2=away(v[-2]),
            to_l3=away(v[-3]),
            near_w=fine(away(w)),
            near_n=fine(away(n)),
            near_line=fine(away(2 * w - ww)),
            near_plane=fine(away(w + n - nw)),
            near_l=fine(away(w + left - v[-1 - near])),
            near_mean=fine(away(mean)),
            token_w=fine(e[-near]),
            token_n=fine(e[-above]),
            token_l=fine(e[-1]),
            scale=scales[0],
            scale_slow=scales[1],
            scale_both=quarters(fast) * 256 + quarters(slow),
            local=scales[2],
            value=p,
            value_high=p >> max(s.bits - 6, 0),
            high_w=w >> cut,
            high_n=n >> cut,
            high_l=left >> cut,
            fraction=fraction,
            length=length,
            matched=away(expected) if length else 0,
        )

    def learn(self, column: int, value: int, residual: int) -> None:
        """What the value was."""
        residual = signed(residual, 64)
        self.errors.append(residual)
        size = min(abs(residual), MOST_SIZE) << 4
        if self.s.scheme == DIGITS:
            size = abs(signed(value - (1 << self.s.bits - 1), self.s.bits)) >> SIZE_CUTS[self.s.bits] << 4
        self.here += size - self.here >> FAST
        means = self.means[column]
        means[0] += size - means[0] >> FAST
        means[1] += size - means[1] >> SLOW
        means[2] += signed(value - means[2], self.s.bits) >> MEAN


def signed(value: int, bits: int) -> int:
    """The signed number of so many bits that is congruent to it."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def fine(value: int) -> int:
    """Class with the sign: exact to 3, then two to an octave."""
    size = abs(value)
    n = size.bit_length()
    found = size if n < 3 else 2 * n - 3 + (size >> (n - 2) & 1)
    return -found if value < 0 else found


def quarters(size: int) -> int:
    """Class of a size: exact to 7, then four to an octave."""
    n = size.bit_length()
    return size if n < 4 else 4 * n - 8 + (size >> (n - 3) & 3)
