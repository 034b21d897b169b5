"""Files that teach a system about `.lac`: completion of shells, magic for `file`, the MIME type (`lacodec system-file`).

lacodec.bash, lacodec.zsh, lacodec.fish are made by tools/make_completion.py.
"""

from importlib.resources import files

FILES = {"bash": "lacodec.bash", "zsh": "lacodec.zsh", "fish": "lacodec.fish", "magic": "lacodec.magic", "mime": "lacodec.xml"}


def text_of(name: str) -> str:
    """The content of one of FILES."""
    return files(__name__).joinpath(FILES[name]).read_text(encoding="utf-8")
