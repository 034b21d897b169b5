"""What the models of codec `text` are trained on and primed with, cut from files marked for training.

Three parts of the multilingual file are kept for tests: the last 100,000 bytes of its Ukrainian, Armenian and Chinese parts
(whole characters). The 100,000 bytes before each are for validation. Neither is in any primer, nor in any training.
"""

import csv
import lzma
import random
from collections.abc import Iterator
from pathlib import Path

from primer import FORMATS, phrases_and_words

LANGUAGES = {
    "spanish": (0, 1_225_096),
    "swahili": (1_225_400, 1_625_098),
    "ukrainian": (1_625_568, 2_334_733),
    "basque": (2_335_000, 2_744_312),
    "zulu": (2_744_600, 3_151_548),
    "armenian": (3_152_018, 3_876_316),
    "latvian": (3_876_600, 4_314_322),
    "chinese": (7_521_900, 8_075_490),
    "help": (4_314_323, 7_521_800),
}
"""Parts of the multilingual file, in bytes; `help` is pages of command-line help in 21 languages."""
TEST = {"ukrainian": (2_234_733, 2_334_733), "armenian": (3_776_316, 3_876_316), "chinese": (7_975_490, 8_075_490)}
VALIDATION = {name: (start - 100_000, start) for name, (start, _) in TEST.items()}

_SHORT = 60_000  # bytes of a primer in a language
_HELP = 100_000
_EXCERPT = 2_500  # bytes; short ones from many places tell more than long ones


def multilingual(data: Path) -> dict[str, bytes]:
    """The training bytes of each part."""
    whole = lzma.decompress((data / "text/train/multilingual_train.txt.xz").read_bytes())
    return {name: whole[start : VALIDATION.get(name, (stop,))[0]] for name, (start, stop) in LANGUAGES.items()}


def english(data: Path) -> bytes:
    """The training books."""
    return lzma.decompress((data / "text/train/english_books_train.txt.xz").read_bytes())


def primer_texts(data: Path) -> list[bytes]:
    """The texts of `primers.bin`, in order: the longer and the shorter part of English, then the languages."""
    books = english(data)
    phrases, words = phrases_and_words(books)
    first = words[20_000:60_000] + b"\n" + phrases[:-60_000] + b"\n" + excerpts(books, 450_000, 1)
    second = FORMATS.read_bytes() + words[:20_000] + b"\n" + phrases[-60_000:] + b"\n" + excerpts(books, 60_000, 2)
    others = [excerpts(text, _HELP if name == "help" else _SHORT, 0) for name, text in multilingual(data).items()]
    return [first, second, *others]


def excerpts(text: bytes, size: int, phase: int) -> bytes:
    """`size` bytes in whole lines from places evenly apart; another phase gives other places."""
    count = size // _EXCERPT
    step = len(text) // count
    found = []
    for i in range(count):
        start = i * step + (phase * step) // 3
        begin = text.find(b"\n", start, start + _EXCERPT) + 1 or start
        end = text.rfind(b"\n", begin, start + _EXCERPT) + 1 or start + _EXCERPT
        found.append(text[begin:end].decode("utf-8", errors="ignore").encode())
    return b"".join(found)


def pieces(data: Path, size: int) -> Iterator[bytes]:
    """Text, logs and tables for training, in random order."""
    rng = random.Random(2)
    texts = {"english": english(data), **multilingual(data)}
    counts = {"english": 24, "help": 6, "chinese": 3, "spanish": 3}
    found = []
    for name, text in texts.items():
        starts = [rng.randrange(max(1, len(text) - size)) for _ in range(counts.get(name, 2))]
        found += [text[start : start + size] for start in starts]
    with (data / "INFO.tsv").open() as table:
        for row in csv.DictReader(table, delimiter="\t"):
            if (
                row["split"] == "train"
                and row["path"].split("/")[:2] != ["text", "train"]
                and row["path"][:4] in ("text", "logs")
            ):
                if "Apache" in row["path"]:  # lies in a test file
                    continue
                content = (data / row["path"]).read_bytes()
                content = lzma.decompress(content) if row["path"].endswith(".xz") else content
                found.append(content[len(content) // 3 :][:size])
    rng.shuffle(found)
    yield from found
