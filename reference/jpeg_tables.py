"""Huffman tables: their codes, and those that are optimal for given symbols, as libjpeg makes them (ITU T.81, annex K.2)."""


def codes_of(text: bytes) -> dict[int, tuple[int, int]]:
    """Symbol -> (length, code), for a table as DHT has it: 16 counts, then the symbols."""
    found, code, at = {}, 0, 16
    for length, count in enumerate(text[:16], 1):
        for _ in range(count):
            found[text[at]] = length, code
            code, at = code + 1, at + 1
        code <<= 1
    return found


def optimal(counts: dict[int, int]) -> bytes:
    """The table, as DHT has it, for symbols that occur so often. Of equals the larger symbol is joined first."""
    weights = {**counts, 256: 1}  # 256 keeps the code of all ones free
    members, lengths = {i: [i] for i in weights}, dict.fromkeys(weights, 0)
    while len(weights) > 1:
        first, second = sorted(weights, key=lambda i: (weights[i], -i))[:2]
        weights[first] += weights.pop(second)
        members[first] += members.pop(second)
        for i in members[first]:
            lengths[i] += 1
    bits = [list(lengths.values()).count(length) for length in range(258)]
    for i in range(257, 16, -1):  # codes of more than 16 bits: two of them become one shorter, and another is split
        while bits[i]:
            j = max(j for j in range(i - 1) if bits[j])
            bits[i] -= 2
            bits[i - 1] += 1
            bits[j + 1] += 2
            bits[j] -= 1
    bits[max(i for i in range(17) if bits[i])] -= 1
    symbols = sorted((i for i in lengths if i < 256), key=lambda i: (lengths[i], i))
    return bytes([*bits[1:17], *symbols])
