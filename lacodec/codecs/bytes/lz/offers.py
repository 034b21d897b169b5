"""Eight lengths of a match at a time for the optimal parse, as LLVM IR that every CPU can run (wide where the CPU is wide).

A node of the parse is one number, the smaller the better: price << 32 | (511 - length) << 14 | candidate << 9 | again.
Of equal prices, the longer match is better.
"""

from typing import Any

from lacodec.kernels.jit import intrinsic
from lacodec.kernels.llvm import ir, load, place, splat, types

LANES = 8
PRICE_SHIFT, LENGTH_SHIFT, CANDIDATE_SHIFT = 32, 14, 9
FAR = (1 << 63) - 1  # a node that has not been reached
_I64 = ir.IntType(64)
_NODES = ir.VectorType(_I64, LANES)
_PRICES = ir.VectorType(ir.IntType(32), LANES)


def _lanes(step: int) -> Any:
    return ir.Constant(_NODES, [step * lane for lane in range(LANES)])


@intrinsic
def offer_lengths(
    typing_context: Any, path: Any, node: Any, lengths: Any, row: Any, restart: Any, price: Any, choice: Any, count: Any
) -> Any:
    """For every lane k < count, make path[node + k] the smaller of itself and of this way to reach it, which costs
    price + lengths[row + k] + restart[node + k], with `choice` below the price, whose length
    grows with k.

    path uint64, below 2**63; lengths, restart uint32. Reads and writes all LANES of each, unchecked.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        p_array, at, l_array, first, r_array, base, what, n = arguments
        kinds = signature.args
        steps = [
            load(builder, place(context, builder, kinds[2], l_array, first, _PRICES), 4),
            load(builder, place(context, builder, kinds[4], r_array, at, _PRICES), 4),
        ]
        price = builder.add(splat(builder, base, _NODES), builder.zext(builder.add(*steps), _NODES))
        shifted = builder.shl(price, ir.Constant(_NODES, [PRICE_SHIFT] * LANES))
        offer = builder.or_(shifted, builder.add(splat(builder, what, _NODES), _lanes(-1 << LENGTH_SHIFT)))
        pointer = place(context, builder, kinds[0], p_array, at, _NODES)
        known = load(builder, pointer, 8)
        better = builder.and_(
            builder.icmp_signed("<", offer, known), builder.icmp_signed("<", _lanes(1), splat(builder, n, _NODES))
        )
        builder.store(builder.select(better, offer, known), pointer).align = 8
        return context.get_dummy_value()

    u64 = types.uint64
    return types.void(path, u64, lengths, u64, restart, u64, u64, u64), generate
