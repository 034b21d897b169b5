"""What a column is modelled as: its profile, its geometry, and what follows from them."""

from dataclasses import dataclass

DIGITS, LOGARITHMIC = range(2)
ZERO, LAST, SQUARES = range(3)
NUMBERS = (
    ("to_w",),
    ("near_l", "token_l"),
    ("near_w", "near_n"),
    ("column", "nothing", "nothing", None),
    ("local", "fraction"),
    ("value",),
    ("near_line", "near_plane"),
    ("near_w", "column"),
    ("token_w", "token_n"),
    ("near_mean", "column"),
    ("to_l", "token_l"),
    ("value_high", "column"),
    ("near_plane", "near_n"),
    ("scale_both", "fraction"),
)
CODES = (
    ("column",),
    ("to_l", "column"),
    ("to_l", "to_l2", "column"),
    ("to_w", "column"),
    ("column", "nothing", "nothing", None),
    ("high_w", "column"),
    ("high_w", "high_l"),
    ("to_l", "to_l2", "to_l3", "column"),
    ("to_l2", "column"),
    ("to_n", "column"),
    ("to_w", "to_l", "column"),
    ("to_w", "nothing", "column", None),
    ("high_n", "column"),
    ("matched", "length"),
)
FLOATS = (
    ("column",),
    ("local", "scale_slow"),
    ("high_w", "high_l"),
    ("scale_slow", "column"),
    ("column", "nothing", "nothing", None),
    ("high_n", "column"),
    ("local",),
    ("scale", "local"),
    ("to_w", "column"),
    ("high_w", "column"),
    ("scale_slow",),
    ("to_l", "column"),
    ("high_w", "high_n", "column"),
    ("matched", "length"),
)
#: Scheme, predictor, contexts (None: it forgets upper bits), features that choose weights, count at which counters stop slowing
#: down, what least squares keep of a sum. "known": how many contexts were seen before, and three lengths of a match.
PROFILES = (
    (DIGITS, ZERO, CODES, "known", "high_l", 127, 0.0),
    (LOGARITHMIC, LAST, NUMBERS, "local", "scale", 255, 0.0),
    (LOGARITHMIC, SQUARES, NUMBERS, "local", "scale", 255, 0.9998),
    (LOGARITHMIC, SQUARES, NUMBERS, "local", "scale", 255, 0.997),
    (DIGITS, ZERO, FLOATS, "scale_slow", "local", 255, 0.0),
)
CONTEXTS = {7: 6, 8: 10, 9: 14}
SETS = {7: 2, 8: 3, 9: 3}
LINE_BITS = {7: 20, 8: 21, 9: 22}


@dataclass(frozen=True)
class Settings:
    """What a payload states. bits: of a value."""

    effort: int
    profile: int
    shift: int
    near: int
    stated_above: int
    columns: int
    first: int
    bits: int
    count: int

    @property
    def above(self) -> int:
        """How far back N is."""
        return self.stated_above or 3 * self.near

    @property
    def pad(self) -> int:
        """How often the first value stands in front."""
        return 2 * self.above + 8 * self.near + 8

    @property
    def scheme(self) -> int:
        """DIGITS or LOGARITHMIC."""
        return PROFILES[self.profile][0]

    @property
    def predictor(self) -> int:
        """ZERO, LAST or SQUARES."""
        return PROFILES[self.profile][1]

    @property
    def contexts(self) -> tuple[tuple[str | None, ...], ...]:
        """Names of features."""
        return PROFILES[self.profile][2][: CONTEXTS[self.effort]]

    @property
    def sets(self) -> int:
        """Of weights, used at a time."""
        return SETS[self.effort]

    @property
    def chosen_by(self) -> tuple[str, str]:
        """Features that choose weights."""
        scale, select = PROFILES[self.profile][3:5]
        return scale, select if self.columns == 1 else "column"

    @property
    def keep(self) -> float:
        """What is left of a sum of least squares after a value."""
        return PROFILES[self.profile][6]

    @property
    def map_limit(self) -> int:
        """Count at which counters stop slowing down."""
        return PROFILES[self.profile][5]

    @property
    def exponent_bits(self) -> int:
        """Bits that tell the place of a highest bit."""
        return (self.bits - 1).bit_length()
