"""webdataset: decoders for members of shards that are `.lac` files, and an encoder that makes them.

WebDataset("shard-{000..009}.tar").decode("pil", pre=[restored])         0001.png.lac is decoded as 0001.png would be
WebDataset("shard-{000..009}.tar").decode(decoded)                       ... as what `lacodec.decode` returns; pictures as arrays
WebDataset("coded/0000.tar").decode("pil", pre=[Restored("coded")])      ... also members coded with the dictionary of a data set
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
from lacodec.datasets.dictionaries import SUFFIX as FRAME
from lacodec.datasets.dictionaries import Items
from lacodec.datasets.place import Place
from lacodec.errors import BadInput
from lacodec.media.image.value import Image

SUFFIX = ".lac"


class Restored:
    """A handler for `pre`: the file that was encoded goes on to the decoders of its own extension.

    folder: a data set that `encode_dataset` wrote with a dictionary, or a URL of one. It can be pickled.
    """

    def __init__(self, folder: str | None = None) -> None:
        self._folder = folder
        self._items = None if folder is None else Items(Place(folder))

    def __call__(self, key: str, data: Any) -> Any:
        """None for other members; raises LacodecError."""
        if not key.endswith((SUFFIX, FRAME)):
            return None
        return Continue(key.removesuffix(SUFFIX).removesuffix(FRAME), self._reader(key).restored(data))

    def _reader(self, key: str) -> Items:
        if self._items is None and key.endswith(FRAME):
            raise BadInput(f"{key}: was coded with a dictionary; give the folder of its data set: {type(self).__name__}(folder)")
        return self._items or Items(Place(""))

    def __reduce__(self) -> Any:
        return type(self), (self._folder,)


class Decoded(Restored):
    """A handler: the value in a `.lac` file; of members coded with a dictionary their bytes."""

    def __call__(self, key: str, data: Any) -> Any:
        """None for other members; raises LacodecError."""
        if not key.endswith((SUFFIX, FRAME)):
            return None
        found = self._reader(key).value(data)
        return np.asarray(found) if isinstance(found, Image) else found


restored, decoded = Restored(), Decoded()


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
