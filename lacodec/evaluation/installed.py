"""Which packages are installed here, for reports and for the keys of caches."""

import importlib.metadata
from collections.abc import Sequence


def installed(names: Sequence[str]) -> list[str]:
    """Name and version of those that are there."""
    found = [next(iter(importlib.metadata.distributions(name=name)), None) for name in names]
    return [f"{name} {one.version}" for name, one in zip(names, found, strict=True) if one is not None]
