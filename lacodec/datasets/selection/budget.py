"""How much is selected: `10000 docs`, `5M tokens`, `1GB`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lacodec.errors import BadInput

DOCS, TOKENS, BYTES = "docs", "tokens", "bytes"
_FACTORS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


@dataclass(frozen=True)
class Budget:
    """amount: so many at most of `unit`, one of "docs", "tokens", "bytes" (of text)."""

    amount: int
    unit: str

    @classmethod
    def parse(cls, text: str) -> "Budget":
        """Raises BadInput for what is no budget; k, M, G, T are powers of 1000."""
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)\s*(docs|tokens|b|bytes)\s*", text.replace(",", ""), re.IGNORECASE)
        if not found:
            raise BadInput(f"{text!r} is no budget; it may be like '10000 docs', '5M tokens', '1GB'")
        amount = round(float(found[1]) * _FACTORS[found[2].lower()])
        unit = found[3].lower()
        if amount < 1:
            raise BadInput(f"the budget {text!r} selects nothing")
        return cls(amount, BYTES if unit == "b" else unit)

    def shared(self, shares: Sequence[float]) -> list["Budget"]:
        """Its parts; raises BadInput for shares that are not positive, or more than all of it."""
        if min(shares) <= 0 or sum(shares) > 1 + 1e-9:
            raise BadInput(f"shares are above 0 and at most 1 in all, not {', '.join(f'{share:g}' for share in shares)}")
        return [Budget(int(self.amount * share), self.unit) for share in shares]
