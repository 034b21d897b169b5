"""Readers of the `.lac` format in plain Python, written for clarity: what `docs/format.md` refers to for every detail.

    python -m reference.decode file.lac output

    container                  decode -> header, chunks, content
    stream, range_coder, adaptive_bits, tables, rans, segments, mixing, mixing_tables      how symbols become bytes
    bytes_*, image_*, jpeg_*, audio_*, weights*                                            a codec each

Nothing of the package `lacodec` is imported; only its data files (trained start values) are read, by path. Integers are Python's,
cut to their width where the format says so; floating point is IEEE double or single in the order that is written here.
"""
