"""Channels put together again: copies of other channels, low bits that are always zero, levels that never occur.

form = number shift, or 64 + the channel that it equals; [number levels (0: all values), [signed first, number bytes of a step]]
"""

from dataclasses import dataclass

from reference.stream import Stream, need


@dataclass(frozen=True)
class Form:
    """How a channel was reduced. Its table has the steps between its levels, `width` bytes each."""

    copy_of: int | None = None
    shift: int = 0
    levels: int = 0
    first: int = 0
    width: int = 1

    @property
    def table_size(self) -> int:
        """Bytes of the table."""
        return max(0, self.levels - 1) * self.width


def read_form(stream: Stream, channel: int) -> Form:
    """The form of the channel of this number."""
    shift = stream.number()
    if shift >= 64:
        need(shift - 64 < channel, "a channel copies one that is not there yet")
        return Form(copy_of=shift - 64)
    levels = stream.number()
    need(shift <= 32 and levels <= 1 << 22, "an impossible channel")
    if not levels:
        return Form(shift=shift)
    form = Form(None, shift, levels, stream.signed(), stream.number())
    need(form.width in (1, 2, 4), "an impossible channel")
    return form


def expand(forms: list[Form], rows: list[list[int]], tables: Stream) -> list[list[int]]:
    """The samples of all channels, from those that were coded."""
    out: list[list[int]] = []
    coded = iter(rows)
    for form in forms:
        if form.copy_of is not None:
            out.append(out[form.copy_of])
            continue
        row = next(coded)
        if form.levels:
            levels = [form.first]
            for _ in range(form.levels - 1):
                levels.append(levels[-1] + tables.uint(form.width))
            need(not row or (min(row) >= 0 and max(row) < form.levels), "a level that is not listed")
            row = [levels[rank] for rank in row]
        out.append([value << form.shift for value in row])
    return out
