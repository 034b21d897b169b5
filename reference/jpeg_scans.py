"""The data of one scan of a JPEG file from coefficients: see `jpeg_stream`, and ITU T.81, annexes F and G."""

from typing import TYPE_CHECKING

from reference.stream import need

if TYPE_CHECKING:
    from reference.jpeg_stream import Blocks, Header, Record, Scan, Table

ZERO_RUN = 0xF0
LONGEST, HELD = 0x7FFF, 937


class Bits:
    """Bits put together to bytes; those of an interval are stuffed: 0 follows 255."""

    def __init__(self, counts: dict[int, dict[int, int]] | None = None) -> None:
        self.bits: list[str] = []
        self.counts = counts

    def put(self, value: int, count: int) -> None:
        """The lowest `count` bits."""
        if count:
            self.bits.append(f"{value & (1 << count) - 1:0{count}b}")

    def symbol(self, table: "Table", symbol: int) -> None:
        """The code of a symbol; or it is only counted."""
        if self.counts is not None:
            found = self.counts.setdefault(id(table), {})
            found[symbol] = found.get(symbol, 0) + 1
            return
        need(symbol in table.codes, "a symbol without a code")
        length, code = table.codes[symbol]
        self.put(code, length)

    def number(self, value: int, size: int) -> None:
        """A number whose magnitude has `size` bits: negative ones as their complement."""
        self.put(value if value > 0 else value - 1, size)

    def interval(self, pad: int) -> bytes:
        """The bytes so far, the last one filled with the lowest bits of `pad`; begins anew."""
        self.put(pad, -sum(map(len, self.bits)) % 8)
        text = "".join(self.bits)
        self.bits = []
        return bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8)).replace(b"\xff", b"\xff\0")


def count_symbols(header: "Header", scan: "Scan", record: "Record", coefficients: list["Blocks"]) -> dict[int, dict[int, int]]:
    """How often a scan has each symbol, by the id of its table."""
    counts: dict[int, dict[int, int]] = {}
    write_scan(header, scan, record, coefficients, counts)
    return counts


def write_scan(
    header: "Header",
    scan: "Scan",
    record: "Record",
    coefficients: list["Blocks"],
    counts: dict[int, dict[int, int]] | None = None,
) -> bytes:
    """The data of a scan; with `counts`, its symbols are counted."""
    across, down, parts = header.order(scan)
    count = across * down * len(parts)
    interval = scan.restart * len(parts) if record.restarts and scan.restart else count
    need(1 <= record.intervals <= -(-count // interval), "more intervals than the picture has")
    out = bytearray()
    for i in range(record.intervals):
        start, stop = i * interval, min(count, (i + 1) * interval)
        blocks, pad, claimed, gap = record.odd.get(i, (stop - start, -record.pad, 0, b""))
        places = [_place(header, scan, across, parts, n) for n in range(start, start + min(blocks, stop - start))]
        content = [(coefficients[scan.components[slot]][y][x], slot) for slot, y, x in places]
        bits = Bits(counts)
        if scan.first == 0:
            _blocks(bits, scan, content, record, start)
        else:
            _bands(bits, scan, [block for block, _ in content], record, start, claimed)
        out += bits.interval(pad)
        if i + 1 < record.intervals:
            out += gap or bytes([0xFF, 0xD0 + i % 8])
    return bytes(out)


def _place(header: "Header", scan: "Scan", across: int, parts: list[tuple[int, int, int]], n: int) -> tuple[int, int, int]:
    """(slot, row, column) of a block of the scan."""
    mcu, part = divmod(n, len(parts))
    y, x = divmod(mcu, across)
    slot, row, column = parts[part]
    one = header.components[scan.components[slot]]
    h, v = (one.h, one.v) if len(scan.components) > 1 else (1, 1)
    return slot, y * v + row, x * h + column


def _blocks(bits: Bits, scan: "Scan", content: list[tuple[list[int], int]], record: "Record", start: int) -> None:
    """Blocks with all coefficients, or DC alone."""
    before = [0] * len(scan.components)
    for n, (block, slot) in enumerate(content, start):
        level = block[0] >> scan.low
        if scan.high:
            bits.put(level, 1)
            continue
        change, before[slot] = level - before[slot], level
        size = abs(change).bit_length()
        bits.symbol(scan.dc[slot], size)
        bits.number(change, size)
        if scan.last:
            end = _coefficients(bits, scan.ac[slot], block[1:], record.zero_runs.get(n, 0))
            if end < 63:
                bits.symbol(scan.ac[slot], 0)


def _coefficients(bits: Bits, codes: "Table", values: list[int], zero_runs: int) -> int:
    """Values that are not 0, then runs of 16 zeros; from which place on nothing was written."""
    run = end = 0
    for k, value in enumerate(values):
        if value == 0:
            run += 1
            continue
        while run > 15:
            bits.symbol(codes, ZERO_RUN)
            run -= 16
        size = abs(value).bit_length()
        bits.symbol(codes, run << 4 | size)
        bits.number(value, size)
        run, end = 0, k + 1
    for _ in range(zero_runs):
        bits.symbol(codes, ZERO_RUN)
    return end + 16 * zero_runs


def _bands(bits: Bits, scan: "Scan", content: list[list[int]], record: "Record", start: int, claimed: int) -> None:
    """A band of one component: what is new in each block, with the bits of older coefficients; empty ends join in runs."""
    codes, run, held = scan.ac[0], 0, []

    def end_run(length: int) -> None:
        nonlocal run, held
        if length:
            need(length <= LONGEST, "a run that is too long")
            size = length.bit_length() - 1
            bits.symbol(codes, size << 4)
            bits.put(length, size)
            for bit in held:
                bits.put(bit, 1)
        run, held = 0, []

    for n, block in enumerate(content, start):
        band = [(1 if value > 0 else -1) * (abs(value) >> scan.low) for value in block[scan.first : scan.last + 1]]
        zero_runs = record.zero_runs.get(n, 0)
        if zero_runs or any(_is_new(scan, value) for value in band):
            end_run(run)
            end = _refined(bits, codes, band, zero_runs) if scan.high else _coefficients(bits, codes, band, zero_runs)
        else:
            end = 0
        if end < len(band):
            run += 1
            held += [abs(value) & 1 for value in band[end:] if scan.high and abs(value) > 1]
            if run == LONGEST or n in record.breaks or (len(held) > HELD and not record.other_rule):
                end_run(run)
    end_run(run + claimed if run else 0)


def _is_new(scan: "Scan", value: int) -> bool:
    return abs(value) == 1 if scan.high else value != 0


def _refined(bits: Bits, codes: "Table", band: list[int], zero_runs: int) -> int:
    """One bit more of a band: see `_coefficients`."""
    last = max((k for k, value in enumerate(band) if abs(value) == 1), default=-1)
    run = end = 0
    waiting: list[int] = []

    def put_waiting() -> None:
        for bit in waiting:
            bits.put(bit, 1)
        waiting.clear()

    for k, value in enumerate(band[: last + 1]):
        if value == 0:
            run += 1
            continue
        while run > 15:
            bits.symbol(codes, ZERO_RUN)
            put_waiting()
            run -= 16
        if abs(value) > 1:
            waiting.append(abs(value) & 1)
            continue
        bits.symbol(codes, run << 4 | 1)
        bits.put(value > 0, 1)
        put_waiting()
        run, end = 0, k + 1
    for _ in range(zero_runs):
        bits.symbol(codes, ZERO_RUN)
        left = 16
        while end < len(band) and left:
            left -= band[end] == 0
            if band[end]:
                bits.put(abs(band[end]), 1)
            end += 1
    return end
