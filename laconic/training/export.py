"""Checkpoints -> model files that codecs load: python -m laconic.training.export CHECKPOINT MODEL.lac

Training needs torch, numpy and Pillow alone; only this needs laconic's other dependencies.
"""

import io
import sys
from pathlib import Path
from typing import Any

from laconic.errors import MissingDependency
from laconic.models.image.model import ImageModel, pack
from laconic.models.image.options import ModelOptions
from laconic.output import atomic_file
from laconic.training import checkpoint


def image_model(path: Path, averaged: bool = True) -> ImageModel:
    """The model in a checkpoint of recipe `image`, on the CPU."""
    content: dict[str, Any] = checkpoint.load(path)
    model = ImageModel(ModelOptions(**content["description"]["model"]))
    model.load_state_dict({k: v for k, v in content["average" if averaged else "model"].items() if k in model.state_dict()})
    return model


def export_image_model(model: ImageModel, target: Path) -> int:
    """Write a model file (a `.lac` file of codec weights); returns its size in bytes."""
    try:
        from laconic import _coding
    except ImportError as error:
        raise MissingDependency(
            f"a model file needs all of laconic's dependencies ({error}); elsewhere, run "
            f"python -m laconic.training.export {target.parent / 'checkpoint.pt'} {target}"
        ) from error
    coder, out = _coding.make_codec("weights", {"effort": 9}), io.BytesIO()
    value = _coding.media_of(coder).from_object(pack(model))
    _coding.encode_value(coder, value, None, out, verify=True)
    with atomic_file(target, force=True) as file:
        file.write(out.getvalue())
    return out.tell()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m laconic.training.export CHECKPOINT MODEL.lac")
    print(f"{sys.argv[2]}: {export_image_model(image_model(Path(sys.argv[1])), Path(sys.argv[2]))} bytes")
