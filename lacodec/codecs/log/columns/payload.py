"""What codec `log` needs of this package: a block to a payload and back, and how much memory that takes."""

from typing import Any

import numpy as np

from lacodec.codecs.embedded import unembed
from lacodec.codecs.log.columns.decode import Block
from lacodec.codecs.session import DEFAULT, Session
from lacodec.container.types import Header
from lacodec.errors import CorruptFile


def encode_columns(block: bytes, effort: int, session: Session = DEFAULT) -> bytes | None:
    """The payload of a block, not empty; None if it cannot be taken apart. effort: 1 to 6."""
    from lacodec.codecs.log.columns.encode import encode  # searches, which it would slow down, need none of it

    return encode(np.frombuffer(block, np.uint8), effort, session)


def open_block(payload: Any, size: int, header: Header, session: Session = DEFAULT) -> Block:
    """A payload whose parts are decoded when they are needed."""
    return Block(payload, size, lambda codec, data, expected: unembed(codec, data, expected, header, session))


def decode_columns(payload: Any, size: int, header: Header, session: Session = DEFAULT) -> bytes:
    """The block of `size` bytes; raises CorruptFile."""
    block = open_block(payload, size, header, session)
    data = block.render()
    if block.open_end:
        data = data[:-1]
    if len(data) != size:
        raise CorruptFile("its lines are shorter than the block")
    return data.tobytes()
