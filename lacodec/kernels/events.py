"""Who wants to know that a kernel is being compiled. Free of numba, so that the command can listen before any codec is loaded."""

from collections.abc import Callable

compile_listeners: list[Callable[[], None]] = []
"""Called, from whatever thread compiles, at the start of each compilation that no cache could save."""
