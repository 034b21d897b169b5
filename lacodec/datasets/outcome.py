"""What became of a data set."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """items: how many there are. done: those of this run; the others were there already. size, encoded: bytes of all items,
    and of their `.lac` files. failures: a sentence about each item that was left out, which begins with its name."""

    items: int
    done: int
    size: int
    encoded: int
    failures: tuple[str, ...] = ()
