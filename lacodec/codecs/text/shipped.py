"""The language model that comes with the package."""

from functools import cache
from pathlib import Path

from lacodec.codecs.model_files import read_arrays
from lacodec.models.text.language import Language, language

SHIPPED = Path(__file__).with_name("small.lac")


@cache
def shipped() -> Language:
    """Its arrays, ready for the kernels."""
    return language(read_arrays(SHIPPED))
