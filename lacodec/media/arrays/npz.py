"""npz: a zip file of npy files. Members that are stored as they are hold arrays; all others are bytes between them."""

from lacodec.errors import UnsupportedFile
from lacodec.io.source import Source
from lacodec.media.arrays import npy
from lacodec.media.arrays.table import MAX_TABLE, pack_table
from lacodec.media.arrays.value import MAX_ARRAYS, ArrayEntry, Arrays
from lacodec.media.zip_members import members


def read(source: Source) -> Arrays:
    """The arrays that are stored as they are; raises UnsupportedFile if there are none, or too many to describe."""
    found: list[ArrayEntry] = []
    missing: str | None = None
    for member in members(source):
        name = member.name.removesuffix(".npy")
        if name == member.name:
            continue
        entry = None
        if member.stored:
            try:
                head = npy.read_head(source, member.offset, member.size, f"{source.name}: the array {name!r}")
                entry = npy.entry(head, name, member.offset)
            except UnsupportedFile:
                pass  # a member that is not an npy file: its bytes stay as they are
        if entry is None or any(0xD800 <= ord(c) < 0xE000 for c in name):
            missing = missing if missing is not None else name
        else:
            found.append(entry)
    if not found:
        raise UnsupportedFile(f"{source.name}: holds no arrays that are stored uncompressed")
    entries = tuple(found)
    if len(entries) > MAX_ARRAYS or len(pack_table(entries)) > MAX_TABLE:
        raise UnsupportedFile(f"{source.name}: has too many arrays, or too long names, to be described")
    return Arrays(source, "npz", entries, missing=missing)
