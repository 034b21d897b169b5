"""The filters of the byte model, undone. Every filter keeps the size.

0 none; 1-4 differences to the byte that far before; 5, 6 differences to the 16-bit sample (low byte first) 1 or 2 before; 7 calls
of x86 code.
"""

FILTERS = 8


def undo(data: bytes, number: int) -> bytes:
    """What a filter was applied to."""
    if number == 7:
        return _relative_calls(data)
    size, distance = (2, number - 4) if number > 4 else (1, number)
    if not number:
        return data
    samples = [int.from_bytes(data[i : i + size], "little") for i in range(0, len(data) // size * size, size)]
    for i in range(distance, len(samples)):
        samples[i] = (samples[i] + samples[i - distance]) % 256**size
    return b"".join(sample.to_bytes(size, "little") for sample in samples) + data[len(samples) * size :]


def _relative_calls(data: bytes) -> bytes:
    """Take the place of every near call or jump (E8, E9) away from its operand, from the first to the last.

    The operand is a number of 25 bits with its sign repeated above: its highest byte is 0 or 255, also afterwards.
    """
    out = bytearray(data)
    for i in range(max(len(out) - 4, 0)):
        if out[i] & 0xFE == 0xE8 and out[i + 4] in (0, 255):
            target = int.from_bytes(out[i + 1 : i + 5], "little") - i & 0x1FFFFFF
            if target >> 24:
                target |= 0xFE000000
            out[i + 1 : i + 5] = target.to_bytes(4, "little")
    return bytes(out)
