"""Inputs of codec `text.lm`, with the model that is shipped, and how they become golden files."""

from pathlib import Path

from tools.golden import text

CODEC = "text.lm"
WANTED = [("small", name) for name in ("story", "mixed", "noise", "one", "empty")]

STORY = (
    "The old man had lived by the sea for so long that he no longer heard it. In the evening he sat before the door, "
    "with his pipe in his hand, and looked at the boats that came home; and when the last of them had passed the light, "
    "he went in and lit the lamp.\n\n“You are late,” said the woman at the window. “I had given you up.”\n\n"
    "He did not answer. There was a letter on the table, and he knew the hand.\n"
)


def content(name: str) -> bytes:
    """The input called `name`; story: prose, for which the language model is made."""
    return STORY.encode() if name == "story" else text.content(name)


def make(setting: str, name: str) -> bytes:
    """The file with the shipped model, `small`."""
    import lacodec

    return lacodec.encode(content(name), CODEC)


def exact(setting: str, name: str) -> bool:
    """Everywhere the same."""
    return True


def restored(path: Path) -> bytes:
    """The value to compare with the content."""
    return text.restored(path)
