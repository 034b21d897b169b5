"""numba's type for a NamedTuple of arrays that a kernel passes on to others: as one pointer, not as seven numbers an array.

A kernel's state has dozens of arrays, and each function that takes it would have hundreds of parameters to lower, print and
parse. Where functions are inlined, LLVM takes the struct apart again, so that nothing is loaded through the pointer.
Members are reached by name, and nothing else is possible with such a tuple.
"""

from typing import Any

from numba.core.typing.templates import AttributeTemplate
from numba.extending import infer_getattr, lower_getattr_generic, models, register_model

from lacodec.kernels.llvm import ir, types


class Pools(types.Type):
    """`members`: types by name."""

    def __init__(self, kind: type, members: dict[str, Any]) -> None:
        self.kind, self.members = kind, members
        self.places = {name: i for i, name in enumerate(members)}
        super().__init__(f"Pools({kind.__module__}.{kind.__qualname__}({', '.join(map(str, members.values()))}))")


@register_model(Pools)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Pools) -> None:
        struct = ir.LiteralStructType([manager[member].get_value_type() for member in kind.members.values()])
        super().__init__(manager, kind, struct.as_pointer())


@infer_getattr
class _Members(AttributeTemplate):
    key = Pools

    def generic_resolve(self, pools: Pools, name: str) -> Any:
        return pools.members.get(name)


@lower_getattr_generic(Pools)
def _member(context: Any, b: Any, kind: Pools, value: Any, name: str) -> Any:
    return b.load(b.gep(value, [ir.IntType(32)(0), ir.IntType(32)(kind.places[name])], inbounds=True))


def pools_of(kind: Any) -> Any:
    """The type for a NamedTuple's type; others stay."""
    if isinstance(kind, types.NamedTuple):
        return Pools(kind.instance_class, dict(zip(kind.fields, map(pools_of, kind.types), strict=True)))
    return kind


def make_pools(b: Any, kind: Pools, values: list[Any]) -> Any:
    """The struct of these values, in the function that is being built."""
    place = b.alloca(ir.LiteralStructType([value.type for value in values]))
    for i, value in enumerate(values):
        b.store(value, b.gep(place, [ir.IntType(32)(0), ir.IntType(32)(i)], inbounds=True))
    return place
