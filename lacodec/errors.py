"""Every error that lacodec raises on purpose.

A message is one line that states the problem, its place (file, chunk, offset) and the remedy;
the command prints it unchanged.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lacodec.container.types import Chunk


class LacodecError(Exception):
    """Base class of all errors a caller is expected to handle."""


class CorruptFile(LacodecError):
    """The stream contradicts itself or its checksums: damaged, truncated or forged."""


class CutOff(CorruptFile):
    """The file ends too early; what is there is sound. chunk: the last one, with the beginning of its payload, if any."""

    def __init__(self, message: str, chunk: "Chunk | None" = None) -> None:
        super().__init__(message)
        self.chunk = chunk


class UnsupportedFile(LacodecError):
    """A valid stream that this version or this machine cannot decode."""


class MissingModel(LacodecError):
    """The stream needs trained weights that are not installed; the message names them."""


class MissingDependency(LacodecError):
    """An optional package is needed; the message names the extra to install."""


class BadInput(LacodecError, ValueError):
    """A value, option or table that the caller passed cannot be used."""


class LimitExceeded(LacodecError):
    """Continuing would exceed a size or memory limit that the caller (or the format) sets."""
