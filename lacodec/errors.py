"""Every error that lacodec raises on purpose.

A message says what is wrong, where (file, chunk, offset) and what to do about it, in one line:
the command prints it as it is.
"""


class LacodecError(Exception):
    """Base class of all errors a caller is expected to handle."""


class CorruptFile(LacodecError):
    """The stream contradicts itself or its checksums: damaged, truncated or forged."""


class UnsupportedFile(LacodecError):
    """A sound stream that this version or this machine cannot decode."""


class MissingModel(LacodecError):
    """The stream needs trained weights that are not installed; the message names them."""


class MissingDependency(LacodecError):
    """An optional package is needed; the message says which extra to install."""


class BadInput(LacodecError, ValueError):
    """A value, option or table that the caller passed cannot be used."""


class LimitExceeded(LacodecError):
    """Going on would break a size or memory limit that the caller (or the format) sets."""
