"""Rows of arrays.py -> tables, totals of each kind, and what the efforts promise, as text."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from array_peers import Row

BLOSC2 = ("blosc2 bitshuffle zstd 5", "blosc2 bitshuffle zstd 9")
LZ4 = "blosc2 shuffle lz4"
Totals = dict[str, Row]


def table(title: str, rows: Sequence[Row]) -> str:
    """Sizes, speeds and the share of pcodec's default size, a line for each candidate."""
    peer = next((row.encoded for row in rows if row.candidate == "pcodec"), 0)
    lines = [
        f"\n{title}, {rows[0].raw:,} bytes",
        f"{'':26}{'bytes':>12}{'of raw':>9}{'/ pcodec':>10}{'MB/s in':>10}{'MB/s out':>10}",
    ]
    for row in rows:
        share = f"{row.encoded / peer:10.4f}" if peer else f"{'-':>10}"
        speeds = f"{_speed(row, row.encode_s):10.2f}{_speed(row, row.decode_s):10.2f}"
        lines.append(f"{row.candidate:26}{row.encoded:12,}{row.encoded / max(1, row.raw):9.4f}{share}{speeds}")
    return "\n".join(lines)


def judge(rows: Sequence[Row]) -> str:
    """Tables of the totals, then a line for each promise that these rows can show."""
    kinds = {kind: _totals(row for row in rows if row.kind == kind) for kind in dict.fromkeys(row.kind for row in rows)}
    parts = [table(f"ALL {kind}", list(totals.values())) for kind, totals in kinds.items()]
    if "real" in kinds:
        parts.append("\n".join(["", *_real(kinds["real"])]))
    parts.append("\n".join(_groups(rows)))
    for kind, totals in kinds.items():
        parts.append("\n".join(_fastest(kind, totals)))
    return "\n".join(part for part in parts if part)


def _real(totals: Totals) -> Iterator[str]:
    peer, default, best = (totals.get(name) for name in ("pcodec", "effort 5", "effort 9"))
    if peer and default:
        ways = [_speed(default, default.encode_s) / _speed(peer, peer.encode_s)]
        ways += [_speed(default, default.decode_s) / _speed(peer, peer.decode_s)]
        share = default.encoded / peer.encoded
        yield f"real total, effort 5 / pcodec: {share:.4f} {_met(share <= 1)} at most 1.00)"
        yield f"  its speed / pcodec's: {ways[0]:.2f} in, {ways[1]:.2f} out {_met(min(ways) >= 0.5)} at least 0.5)"
    if peer and best:
        share, slowest = best.encoded / peer.encoded, _speed(best, max(best.encode_s, best.decode_s))
        yield f"real total, effort 9 / pcodec: {share:.4f} {_met(share <= 0.9)} at most 0.90)"
        yield f"  the slower way: {slowest:.2f} MB/s {_met(slowest >= 1)} at least 1)"


def _groups(rows: Sequence[Row]) -> Iterator[str]:
    groups: dict[tuple[str, str], Totals] = {}
    for row in rows:
        groups.setdefault((row.kind, row.group), {})[row.candidate] = row
    for (kind, group), here in groups.items():
        default = here.get("effort 5")
        if default is None:
            continue
        if kind == "synthetic" and "pcodec" in here:
            share = default.encoded / here["pcodec"].encoded
            yield f"{kind} {group}, effort 5 / pcodec: {share:.4f} {_met(share <= 1.01)} at most 1.01)"
        if beside := [here[name].encoded for name in BLOSC2 if name in here]:
            share = default.encoded / min(beside)
            yield f"{kind} {group}, effort 5 / Blosc2 bit shuffle zstd: {share:.4f} {_met(share < 1)} below 1)"


def _fastest(kind: str, totals: Totals) -> Iterator[str]:
    fast, peer = totals.get("effort 1"), totals.get(LZ4)
    if fast:
        speeds = [_speed(fast, fast.encode_s), _speed(fast, fast.decode_s)]
        yield f"{kind} total, effort 1: {speeds[0]:.0f} MB/s in, {speeds[1]:.0f} out {_met(min(speeds) >= 500)} at least 500)"
    if fast and peer:
        share = fast.encoded / peer.encoded
        yield f"{kind} total, effort 1 / Blosc2 lz4: {share:.4f} {_met(share < 1)} below 1)"


def _totals(rows: Iterable[Row]) -> Totals:
    totals: Totals = {}
    for row in rows:
        before = totals.get(row.candidate)
        if before:
            row = replace(
                row,
                raw=before.raw + row.raw,
                encoded=before.encoded + row.encoded,
                encode_s=before.encode_s + row.encode_s,
                decode_s=before.decode_s + row.decode_s,
            )
        totals[row.candidate] = row
    return totals


def _speed(row: Row, seconds: float) -> float:
    return row.raw / 1e6 / max(seconds, 1e-9)


def _met(yes: bool) -> str:
    return "(met:" if yes else "(MISSED:"
