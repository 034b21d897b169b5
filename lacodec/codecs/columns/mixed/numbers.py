"""A number as binary decisions, in groups of four that share a place in memory.

    DIGITS        all bits of the number, highest first
    LOGARITHMIC   not zero? negative? place of the highest bit; the bits below it, highest first

Bits that no context predicts any more go to the plain stream, a group at a time.
"""

from lacodec.codecs.columns.mixed import state as st
from lacodec.codecs.columns.mixed.again import remember, same_again
from lacodec.codecs.columns.mixed.decisions import decide, find_lines
from lacodec.codecs.columns.mixed.plain import code_plain
from lacodec.codecs.columns.mixed.state import State
from lacodec.codecs.columns.mixed.whole import S64, U, bit_length, size_of
from lacodec.kernels.hashing import GOLDEN
from lacodec.kernels.jit import inlined

_ONE, _TWO, _FOUR = U(1), U(2), U(4)
_ODD = U(0xD6E8FEB86659FD93)
_WORTH = 16 << 8  # least gain, in 2**-20 of a squared probability, that makes modelling worth its time


@inlined
def code_number(s: State, number: int, value: int) -> int:
    """Code a signed number; returns it. number: of the value in the array."""
    bits = U(s.plan[st.BITS])
    mask = ~U(0) >> (U(64) - bits)
    digits = s.plan[st.SCHEME] == st.DIGITS
    lead = U(0) if digits else _TWO + U(s.plan[st.EXPONENT_BITS])
    matching = s.registers[st.MATCH_LENGTH] > 0
    expected = s.features[st.MATCHED]
    size = U(value) & mask if digits else size_of(value)
    match_size = U(expected) & mask if digits else size_of(expected)
    top = U(bit_length(size >> _ONE))
    match_top = U(bit_length(match_size >> _ONE))
    negative, known = U(0), U(0)
    out = U(0) if digits else _ONE  # the number so far from its highest bit on
    done, total = U(0), bits if digits else lead
    group, node, place, row, count = U(0), _ONE, U(0), U(0), U(0)
    probe = (number & U(st.PROBE)) == 0
    while done < total:
        if done & U(3) == 0:
            group, node = done >> _TWO, _ONE
            place, count = U(0), U(0)
            if done >= lead:
                row = known * U(st.GROUPS) + group
                count = min(total - done, _FOUR)
                rest = total - done - count
                part = (size >> rest) & ((_ONE << count) - _ONE)
                if same_again(s, row, part):
                    out = (out << count) | U(s.runs[row * _TWO])
                    done += count
                    continue
                place = row if group else U(0)
                if place and s.gains[place] < _WORTH and not probe:
                    part = code_plain(s, part, count)
                    remember(s, row, part)
                    out = (out << count) | part
                    done += count
                    continue
            head = (((known << _ONE) | negative) * U(64) + done) * _ODD
            path = (out * GOLDEN + head) * _ODD
            find_lines(s, path, head if done >= lead + _FOUR else path)
        word, match_word, so_far, shift = size, match_size, out, total - done - _ONE
        if done < lead:
            word, match_word, so_far, shift = top, match_top, known, lead - done - _ONE
            if done < _TWO:
                word, match_word = (U(size != 0), U(match_size != 0)) if done == 0 else (U(value < 0), U(expected < 0))
                so_far, shift = U(0), U(0)
        told = S64(0)
        if matching and (match_word >> shift) >> _ONE == so_far:
            told = S64((match_word >> shift) & _ONE) + 1
        bit = decide(s, group, node, min(done, U(st.DEPTHS - 1)), told, place, (word >> shift) & _ONE)
        node = node * _TWO + bit
        if done >= lead:
            out = out * _TWO + bit
            if count and done + _ONE == total - rest:
                remember(s, row, out & ((_ONE << count) - _ONE))
        elif done >= _TWO:
            known = known * _TWO + bit
            if done + _ONE == lead:
                total = lead + known
                matching = matching and match_top == known
        else:
            matching = matching and bit == match_word
            if done == 0:
                if not bit:
                    return S64(0)
            else:
                negative = bit
        done += _ONE
    return S64(U(0) - out) if negative else S64(out)
