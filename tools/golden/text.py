"""Inputs of codec `text`, and how they become golden files."""

from pathlib import Path

CODEC = "text"
WANTED = [(f"effort{effort}", name) for effort in range(5, 9) for name in ("english", "mixed")]
WANTED += [("effort5", name) for name in ("empty", "one", "noise", "endings", "cyrillic", "chinese")]
WANTED += [("effort8", "cyrillic"), ("effort9", "english")]


def content(name: str) -> bytes:
    """The input called `name`; mixed: markup and several scripts."""
    english = (
        "The table gives the rate of every symbol. “That is all,” he said; nobody asked for more.\n"
        "It was late when they came home, and the lamp in the hall was out. NOTHING moved.\n"
    )
    made = {
        "empty": "",
        "one": "a",
        "english": english * 2,
        "mixed": '# Größe\n\n- [naïve](x.html), 1998; ‘世界’ (привет)\n- {"key": [1, 2.5]}\n' * 5 + "\0\udc80\udcc3(",
        "noise": "".join(chr((i * i * 7 + i // 3) % 256) for i in range(300)),
        "endings": "".join(f"line {i}{chr(10) if i == 20 else chr(13) + chr(10)}" for i in range(40)),
        "cyrillic": "Слово було на початку, і Слово було у Бога. Усе через Нього сталось.\n" * 4,
        "chinese": "白日依山盡，黃河入海流。\n欲窮千里目，更上一層樓。\n" * 4,
    }
    return made[name].encode("latin-1") if name == "noise" else made[name].encode("utf-8", "surrogateescape")


def make(setting: str, name: str) -> bytes:
    """The file for `effort<N>` of codec `text`."""
    import lacodec

    return lacodec.encode(content(name), "text", effort=int(setting.removeprefix("effort")))


def exact(setting: str, name: str) -> bool:
    """Everywhere the same."""
    return True


def restored(path: Path) -> bytes:
    """The value to compare with the content."""
    import lacodec

    return bytes(lacodec.decode(path))
