"""Makes what numba does before LLVM quicker while kernels are compiled; the machine code stays the same, byte for byte.

    Python function --passes over numba's own form--> types of all calls --> LLVM IR

Left out is work that is done again for each call and each pass with the same result, and wrappers that nothing calls.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numba.core import compiler_machinery, postproc, types

_Function: Any = types.Function
_Passes: Any = compiler_machinery.PassManager
_signatures: dict[tuple[Any, tuple[Any, ...]], Any] = {}


@contextmanager
def quick_front(context: Any) -> Iterator[None]:
    """Meanwhile, numba is quicker with a target's functions. Under numba's lock."""
    run_pass = _Passes._runPass
    _Function.get_call_type = _remembered
    _Passes._runPass = _run_pass
    context.create_cfunc_wrapper = context.create_cpython_wrapper = _no_wrapper
    try:
        yield
    finally:
        del _Function.get_call_type, context.create_cfunc_wrapper, context.create_cpython_wrapper
        _Passes._runPass = run_pass


def _remembered(function: Any, context: Any, args: Any, named: Any) -> Any:
    """`types.Function.get_call_type`, which tries all that `+` can mean at each `+`: once for each set of types.

    Only for what numba builds in: functions that it compiles for their types depend on the flags of their caller.
    """
    search = super(_Function, function).get_call_type
    if named:
        return search(context, args, named)
    key = function, tuple(args)
    found = _signatures.get(key)
    if found is None:
        found = search(context, args, named)
        if function.get_impl_key(found) is function.typing_key:
            _signatures[key] = found
    return found


def _run_pass(manager: Any, index: int, step: Any, state: Any) -> None:
    """One pass, without reports about it, and with an analysis of the function's variables only if the pass changed it.

    Most passes say that they have, whether or not.
    """
    step.analysis = manager._analysis
    before = _shape(state)
    changed = step.run_initialization(state) | step.run_pass(state)
    changed |= step.run_finalizer(state)
    if changed and compiler_machinery._pass_registry.get(type(step)).mutates_CFG and _shape(state) != before:
        postproc.PostProcessor(state.func_ir).run()


def _shape(state: Any) -> list[tuple[int, int]] | None:
    """The places and lengths of a function's blocks; None before it has any."""
    return state.func_ir and [(place, len(block.body)) for place, block in state.func_ir.blocks.items()]


def _no_wrapper(*_: Any, **__: Any) -> None:
    """Nothing calls functions from Python or C but through the entry that `compiling` makes."""
