"""The one way to put a payload of one codec into that of another, with its stream version in the header.

outer codec: nested = {"bytes": 2}      embed("bytes", data, effort=5) --> payload      header.nested = {"bytes": 2}
outer decoder: unembed("bytes", payload, size, header)                 --> data
"""

from typing import Any

from lacodec.codecs import registry
from lacodec.codecs.session import DEFAULT, Session
from lacodec.container.types import Header
from lacodec.errors import UnsupportedFile


def embed(name: str, content: Any, session: Session = DEFAULT, **options: Any) -> bytes:
    """The payload that codec `name` makes of `content`, with its options."""
    codec = registry.get(name)
    return codec(codec.Options(**options)).embed(content, session)


def unembed(name: str, payload: bytes, expected: Any, header: Header, session: Session = DEFAULT) -> Any:
    """The content that was passed to `embed`; `expected`: facts that the outer codec knows about it, such as its size.

    Raises CorruptFile for an invalid payload, UnsupportedFile for an unknown version.
    """
    codec, version = registry.get(name), header.nested.get(name, 0)
    if not codec.decodes(version):
        raise UnsupportedFile(f"holds payloads of codec {name!r} of stream version {version}, which is newer than this lacodec")
    return codec().unembed(payload, expected, header, session)
