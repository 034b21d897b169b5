"""What is looked for in lines: a text, a text with wildcards, or a regular expression; and the texts that every match has."""

import re
from dataclasses import dataclass
from re import _constants as ops  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

from lacodec.errors import BadInput

REGEX, FIXED, WILDCARDS = "regex", "fixed", "wildcards"

_MOST_LITERALS = 4


@dataclass(frozen=True)
class Pattern:
    """regex: a compiled regular expression of bytes. literals: texts that a line must have to match, small letters if the case of

    letters does not count. inverted: lines that do not match are wanted.
    """

    regex: re.Pattern[bytes]
    literals: tuple[bytes, ...]
    ignore_case: bool = False
    inverted: bool = False

    @classmethod
    def of(cls, text: bytes, kind: str = REGEX, ignore_case: bool = False, inverted: bool = False) -> "Pattern":
        """kind: FIXED, the text itself; WILDCARDS, * and ? stand for any bytes and any byte; REGEX, as in Python's `re`.

        Raises BadInput for an expression that is not valid.
        """
        if kind == FIXED:
            text = re.escape(text)
        elif kind == WILDCARDS:
            text = b"".join({b"*": b".*", b"?": b"."}.get(part, re.escape(part)) for part in re.split(rb"([*?])", text))
        flags = re.IGNORECASE if ignore_case else 0
        try:
            regex = re.compile(text, flags)
            tree = _parser.parse(text, flags)
        except (re.error, OverflowError, RecursionError) as error:
            shown = text.decode("utf-8", "backslashreplace")
            raise BadInput(f"pattern '{shown}' is not a regular expression: {error}; -F takes it as a text") from error
        found = [] if inverted or tree.state.flags & (re.VERBOSE | re.LOCALE) else _required(tree)
        if ignore_case or tree.state.flags & re.IGNORECASE:
            found, ignore_case = [literal.lower() for literal in found], True
        longest = sorted(dict.fromkeys(found), key=len, reverse=True)[:_MOST_LITERALS]
        return cls(regex, tuple(literal for literal in longest if literal), ignore_case, inverted)

    def matches(self, line: bytes) -> bool:
        """Whether a line, without its line feed, is wanted."""
        return (self.regex.search(line) is not None) != self.inverted


def _required(tree: Any) -> list[bytes]:
    """Runs of bytes that every match has."""
    found: list[bytes] = []
    run = bytearray()

    def flush() -> None:
        found.append(bytes(run))
        run.clear()

    for op, value in tree:
        if op is ops.LITERAL:
            run.append(value)
        elif op is ops.AT:
            continue
        else:
            flush()
            if op is ops.SUBPATTERN and not value[1] and not value[2]:
                found += _required(value[3])
            elif op in (ops.MAX_REPEAT, ops.MIN_REPEAT) and value[0] >= 1:
                found += _required(value[2])
    flush()
    return found
