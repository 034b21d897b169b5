"""Models of CompressAI with untrained weights, for tests and benchmarks.

CompressAI 1.2.8 imports all that it needs for anything wherever one begins; where some of it is not installed (torchvision,
torch_geometric), empty modules replace them, which is enough for its image models.
"""

import importlib.machinery
import importlib.util
import sys
import types
from typing import Any

_NEEDED = {
    "torchvision": ("transforms",),
    "torch_geometric": ("transforms", "data", "data.datapipes", "nn", "utils", "loader", "io", "datasets"),
    "einops": (),
    "pandas": (),
    "requests": (),
    "tomli": (),
}


def available() -> bool:
    """Whether CompressAI is installed (`pip install compressai`, or --no-deps)."""
    return importlib.util.find_spec("compressai") is not None


def model(name: str, seed: int = 0, channels: int = 12) -> Any:
    """A small model called as in their zoo, with latents spread as in a trained one, and its tables made."""
    import torch

    stand_in()
    from compressai import models

    torch.manual_seed(seed)
    made = {
        "bmshj2018-factorized": lambda: models.FactorizedPrior(channels, channels),
        "bmshj2018-hyperprior": lambda: models.ScaleHyperprior(channels, channels),
        "mbt2018-mean": lambda: models.MeanScaleHyperprior(channels, channels),
        "mbt2018": lambda: models.JointAutoregressiveHierarchicalPriors(channels, channels),
        "cheng2020-anchor-checkerboard": lambda: models.Cheng2020AnchorCheckerboard(channels),
        "elic2022-official": lambda: models.Elic2022Official(channels, 4 * channels, groups=[channels] * 4),
    }[name]()
    with torch.no_grad():
        last = [layer for layer in made.g_a.modules() if getattr(layer, "out_channels", 0) and hasattr(layer, "weight")][-1]
        last.weight.mul_(20)
    made.eval().update(update_quantiles=True)
    return made


def stand_in() -> None:
    """Make `import compressai.models` work without its other requirements."""
    absent = [name for name in _NEEDED if name not in sys.modules and importlib.util.find_spec(name) is None]
    for name in (part for whole in absent for part in (whole, *(f"{whole}.{module}" for module in _NEEDED[whole]))):
        module = types.ModuleType(name)
        module.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=True)
        module.__path__ = []
        module.__getattr__ = _anything  # type: ignore[method-assign]
        parent, _, last = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], last, module)
        sys.modules[name] = module


def _anything(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    if name == "functional_transform":
        return lambda *_, **__: lambda thing: thing
    return type(name, (), {})
