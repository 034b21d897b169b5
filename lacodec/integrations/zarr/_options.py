"""What the codecs for Zarr share: options, as they stand in the metadata of an array, and the codec that they make."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from lacodec import api


class Optioned:
    """A codec for Zarr that is a codec of lacodec with its options. Frozen, like all codecs of Zarr.

    name: in the metadata of arrays. codec: of lacodec.
    """

    name: ClassVar[str]
    codec: ClassVar[str]
    is_fixed_size = False
    options: Mapping[str, Any]
    coder: api.Coder

    def __init__(self, **options: Any) -> None:
        """`options` are the codec's, such as effort=1. Raises BadInput for unknown ones and for wrong values."""
        object.__setattr__(self, "options", dict(options))
        object.__setattr__(self, "coder", api.codec(self.codec, **options))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """From the metadata of an array."""
        return cls(**data.get("configuration", {}))

    def to_dict(self) -> dict[str, Any]:
        """For the metadata of an array: only options that were given."""
        return {"name": self.name, "configuration": dict(self.options)}

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: Any) -> int:
        """Not known beforehand, which Zarr expects a codec to say so."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, Optioned) and self.options == other.options

    def __hash__(self) -> int:
        return hash((self.name, *sorted(self.options.items())))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{key}={value!r}' for key, value in self.options.items())})"
