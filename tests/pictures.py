"""Pictures for tests, from where strangers get them."""

from lacodec.testing import photo
from lacodec.testing import pictures as kinds

__all__ = ["kinds", "photo"]
