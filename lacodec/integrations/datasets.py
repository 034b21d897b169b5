"""Hugging Face datasets: coded values as a feature, coded pictures, and coded files of any builder.

import lacodec.integrations.datasets
load_dataset("json", data_files="orders.jsonl.lac")          every builder reads coded files: json, csv, text, parquet ...
load_dataset("imagefolder", data_dir="packed")               folders of `.lac` pictures, opened by Pillow
Features({"embedding": Coded("arrays", options={"effort": 1}), "sound": Coded()})      values of any kind, decoded when looked at
Features({"text": Coded(folder="coded")})       a column that `encode_dataset` wrote to the folder "coded", with its dictionary

It needs datasets: the extra lacodec[datasets].
"""

import os
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from datasets.features.features import register_feature
from datasets.packaged_modules.imagefolder.imagefolder import ImageFolder
from datasets.table import array_cast
from datasets.utils.extract import Extractor, MagicNumberBaseExtractor

import lacodec.integrations.pillow  # noqa: F401  (from now on Pillow, and with it the feature Image, opens `.lac` files)
from lacodec import api
from lacodec.codecs.bytes.small.dictionary import is_frame
from lacodec.container.layout import MAGIC
from lacodec.datasets.dictionaries import items_of
from lacodec.errors import BadInput
from lacodec.media.audio.value import Audio
from lacodec.media.image.value import Image


@dataclass
class Coded:
    """A feature: values that lacodec codes, each a `.lac` file of bytes or at a path.

    codec: by default chosen by the value. options: of the codec. decode: whether values are decoded; if not, they are
    {"bytes": ..., "path": ...}. Sound is decoded to {"array": float32[samples] or [samples, channels], "sampling_rate": ...} as
    datasets had it, pictures to arrays, everything else to what `lacodec.decode` returns. folder: where `encode_dataset` wrote
    the column, or a URL; it is needed for items that were coded with a dictionary, and these are bytes.
    """

    codec: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    decode: bool = True
    folder: str | None = None
    id: str | None = field(default=None, repr=False)
    dtype: ClassVar[str] = "lacodec"
    pa_type: ClassVar[Any] = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    _type: str = field(default="LacodecCoded", init=False, repr=False)

    def __call__(self) -> Any:
        """Its type in Arrow."""
        return self.pa_type

    def encode_example(self, value: Any) -> dict[str, Any]:
        """A value for the table. `.lac` files stay as they are: their bytes, a path, or {"bytes": ..., "path": ...}."""
        if isinstance(value, dict) and value.keys() <= {"bytes", "path"}:
            return {"bytes": value.get("bytes"), "path": value.get("path")}
        if isinstance(value, str | os.PathLike):
            return {"bytes": None, "path": os.fspath(value)}
        if isinstance(value, bytes | bytearray) and value[: len(MAGIC)] == MAGIC:
            return {"bytes": bytes(value), "path": None}
        if isinstance(value, list):  # what datasets makes of arrays
            value = np.asarray(value)
        return {"bytes": api.encode(value, self.codec, threads=1, **self.options), "path": None}

    def decode_example(self, value: Any, token_per_repo_id: Any = None) -> Any:
        """The value in a row; raises LacodecError."""
        place = value["bytes"] if value["bytes"] is not None else value["path"]
        if isinstance(place, bytes) and is_frame(place):
            if self.folder is None:
                raise BadInput("a value was coded with a dictionary; give the folder of its data set: Coded(folder=...)")
            return items_of(self.folder).value(place)
        found = api.decode(place, threads=1)
        if isinstance(found, Audio):
            return _sound(found)
        return np.asarray(found) if isinstance(found, Image) else found

    def flatten(self) -> Any:
        """As other features that are files."""
        from datasets import Value

        return self if self.decode else {"bytes": Value("binary"), "path": Value("string")}

    def cast_storage(self, storage: Any) -> Any:
        """From a column of bytes, of paths, or of both."""
        if pa.types.is_struct(storage.type):
            return array_cast(storage, self.pa_type)
        paths = pa.types.is_string(storage.type) or pa.types.is_large_string(storage.type)
        columns = [pa.nulls(len(storage), pa.binary()), pa.nulls(len(storage), pa.string())]
        columns[paths] = storage.cast(pa.string() if paths else pa.binary())
        return pa.StructArray.from_arrays(columns, ["bytes", "path"], mask=storage.is_null())

    def embed_storage(self, storage: Any, token_per_repo_id: Any = None, **_: Any) -> Any:
        """With the bytes of the files in place of their paths, as `push_to_hub` and `to_parquet` want it."""
        rows = [None if row is None else _embedded(row) for row in storage.to_pylist()]
        return pa.array(rows, self.pa_type)


def _embedded(row: dict[str, Any]) -> dict[str, Any]:
    if row["bytes"] is not None or row["path"] is None:
        return row
    with open(row["path"], "rb") as file:
        return {"bytes": file.read(), "path": os.path.basename(row["path"])}


def _sound(found: Audio) -> dict[str, Any]:
    samples = np.asarray(found)
    if samples.dtype.kind in "iu":
        unsigned = samples.dtype.kind == "u"
        bits = int("".join(filter(str.isdigit, found.layout)))
        samples = (samples.astype("f4") - (1 << (bits - 1)) * unsigned) / (1 << (bits - 1))
    samples = samples.astype("f4", copy=False)
    return {"array": samples[:, 0] if samples.shape[1] == 1 else samples, "sampling_rate": found.rate}


class _LacExtractor(MagicNumberBaseExtractor):
    """Coded files are restored into the cache of datasets, as files of gzip are."""

    magic_numbers: ClassVar[list[bytes]] = [MAGIC]

    @staticmethod
    def extract(input_path: Any, output_path: Any) -> None:
        api.decode_file(input_path, output_path, force=True)


register_feature(Coded, "LacodecCoded")
Extractor.extractors = {"lac": _LacExtractor, **Extractor.extractors}
if ".lac" not in ImageFolder.EXTENSIONS:
    ImageFolder.EXTENSIONS.append(".lac")
