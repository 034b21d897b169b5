"""Checkpoints -> model files that codecs load: python -m lacodec.training.export CHECKPOINT MODEL.lac

Training needs torch, numpy and Pillow alone; only this needs lacodec's other dependencies.
"""

import sys
from pathlib import Path
from typing import Any

from lacodec.errors import BadInput
from lacodec.models.image.model import ImageModel, pack
from lacodec.models.image.options import ModelOptions
from lacodec.training import checkpoint
from lacodec.training.model_file import write_model


def image_model(path: Path, averaged: bool = True) -> ImageModel:
    """The model in a checkpoint of recipe `image`, on the CPU."""
    content: dict[str, Any] = checkpoint.load(path)
    if "model" not in content["description"]:
        raise BadInput(f"{path}: is not a checkpoint of lacodec train image")
    model = ImageModel(ModelOptions(**content["description"]["model"]))
    model.load_state_dict({k: v for k, v in content["average" if averaged else "model"].items() if k in model.state_dict()})
    return model


def export_image_model(model: ImageModel, target: Path) -> int:
    """Write a model file (a `.lac` file of codec weights); returns its size in bytes."""
    return write_model(pack(model), target)


def export_text_model(path: Path, target: Path) -> int:
    """The same of a checkpoint of recipe `text`: its averaged model in integers."""
    import numpy as np

    from lacodec.models.text.freeze import freeze
    from lacodec.training.text import model_of

    network, pieces = model_of(checkpoint.load(path))
    return write_model({**freeze(network), "merges": pieces.merges.astype(np.int32)}, target)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m lacodec.training.export CHECKPOINT MODEL.lac")
    print(f"{sys.argv[2]}: {export_image_model(image_model(Path(sys.argv[1])), Path(sys.argv[2]))} bytes")
