"""Arrays -> model files, which codecs load."""

import io
from pathlib import Path
from typing import Any

from lacodec.errors import MissingDependency
from lacodec.io.output import atomic_file


def write_model(arrays: dict[str, Any], target: Path) -> int:
    """Write a `.lac` file of codec weights; returns its size in bytes."""
    try:
        from lacodec.codecs.session import Session
        from lacodec.pipeline.choice import make_codec
        from lacodec.pipeline.encoding import encode_value
    except ImportError as error:
        raise MissingDependency(
            f"a model file needs all of lacodec's dependencies ({error}); on a machine that has them, run "
            f"python -m lacodec.training.export {target.parent / 'checkpoint.pt'} {target}"
        ) from error
    coder, out = make_codec("weights", {"effort": 9}), io.BytesIO()
    value = coder.media.from_object(arrays)
    encode_value(coder, value, None, out, session=Session(), verify=True)
    with atomic_file(target, force=True) as file:
        file.write(out.getvalue())
    return out.tell()
