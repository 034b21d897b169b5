"""webdataset: decoders for members of shards that are `.lac` files, and an encoder that makes them.

WebDataset("shard-{000..009}.tar").decode("pil", pre=[restored])         0001.png.lac is decoded as 0001.png would be
WebDataset("shard-{000..009}.tar").decode(decoded)                       ... as what `lacodec.decode` returns; pictures as arrays
ShardWriter("shard-%03d.tar", encoder=coding(png={"effort": 1}, npy={}))       png becomes png.lac, npy becomes npy.lac

They need webdataset: the extra lacodec[webdataset].
"""

import io
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from webdataset.autodecode import Continue
from webdataset.writer import make_encoder

from lacodec import api
from lacodec.container.layout import MAGIC
from lacodec.media.image.value import Image

SUFFIX = ".lac"


def restored(key: str, data: Any) -> Any:
    """A handler for `pre`: the file that was encoded goes on to the decoders of its own extension."""
    if not key.endswith(SUFFIX):
        return None
    out = io.BytesIO()
    api.decode_file(io.BytesIO(data), out, threads=1)
    return Continue(key.removesuffix(SUFFIX), out.getvalue())


def decoded(key: str, data: Any) -> Any:
    """A handler: the value in a `.lac` file."""
    if not key.endswith(SUFFIX):
        return None
    found = api.decode(data, threads=1)
    return np.asarray(found) if isinstance(found, Image) else found


def coding(**extensions: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """An encoder for TarWriter and ShardWriter: extension -> options of `lacodec.encode`, "codec" among them if one is wanted.

    Values become files as webdataset makes them (png of an array, npy, json ...), or are the bytes of files, and these are
    encoded. Other extensions, and files that are `.lac` files, stay as they are.
    """
    usual = make_encoder(True)

    def encoded(sample: Mapping[str, Any]) -> dict[str, Any]:
        found = {}
        for key, value in usual(dict(sample)).items():
            options = extensions.get(key.rsplit(".", 1)[-1])
            if key.startswith("__") or options is None or value[: len(MAGIC)] == MAGIC:
                found[key] = value
            else:
                found[key + SUFFIX] = api.encode(io.BytesIO(value), threads=1, **options)
        return found

    return encoded
