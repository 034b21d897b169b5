"""Real arrays of machine learning: (data folder) -> named arrays of tokens, embeddings, gradients, pictures and sound."""

import importlib.util
import lzma
import re
from collections.abc import Iterator
from pathlib import Path

import array_minilm
import array_tokens
import numpy as np

Named = tuple[str, np.ndarray]
VAL_PICTURES = 7  # of 20, every third: about 5 MB
SOUNDS = ("sonicpi_loop_garzul", "sonicpi_loop_safari", "essentia_dubstep")  # two channels that differ


def tokens(data: Path) -> Iterator[Named]:
    """Ids of a byte-pair vocabulary of 4096 as uint16, and ranks of words as uint32, of Wikipedia and of novels."""
    tokenizer = data / "models" / "llama-books-5M" / "tokenizer.json"
    wiki = (data / "text" / "test" / "wikitext2_valid.txt").read_text(encoding="utf-8")
    books = _books(data)
    yield "books-pairs-u16", array_tokens.by_pairs(tokenizer, books)
    yield "books-words-u32", array_tokens.by_rank(books)
    yield "wikipedia-pairs-u16", array_tokens.by_pairs(tokenizer, wiki)
    yield "wikipedia-words-u32", array_tokens.by_rank(wiki)


def embeddings(data: Path) -> Iterator[Named]:
    """MiniLM: 2000 words of its matrix (from id 1996, the first English word) and, with torch, 2000 sentences; float32."""
    model = array_minilm.folder()
    if model is None:
        return
    yield "words-f32", array_minilm.words(model, 1996, 3996)
    if importlib.util.find_spec("torch"):
        texts = [" ".join(text.split()) for text in re.split(r"(?<=[.!?])\s+", _books(data))]
        yield "sentences-f32", array_minilm.sentences(model, [text for text in texts if len(text) > 20][:2000])


def gradients(data: Path) -> Iterator[Named]:
    """One step of a small recurrent model of novels, after 30 others: the gradient of each matrix, float32 and float16."""
    if not importlib.util.find_spec("torch"):
        return
    import torch

    tokenizer = data / "models" / "llama-books-5M" / "tokenizer.json"
    ids = torch.from_numpy(array_tokens.by_pairs(tokenizer, _books(data)[:400_000]).astype(np.int64))
    torch.manual_seed(2026)
    embedding, recurrent, head = torch.nn.Embedding(4096, 96), torch.nn.GRU(96, 192, batch_first=True), torch.nn.Linear(192, 4096)
    model = torch.nn.ModuleList([embedding, recurrent, head])
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    for step in range(31):
        optimiser.step() if step else None
        optimiser.zero_grad()
        rows = ids[step * 2064 : (step + 1) * 2064].view(16, 129)
        hidden, _ = recurrent(embedding(rows[:, :-1]))
        torch.nn.functional.cross_entropy(head(hidden).flatten(0, 1), rows[:, 1:].flatten()).backward()
    found = {name: value.grad.numpy() for name, value in model.named_parameters() if value.grad is not None and value.dim() > 1}
    for name, gradient in found.items():
        yield f"{name}-f32", gradient
    yield "head-f16", (found["2.weight"] * 1024).astype(np.float16)


def pictures(data: Path) -> Iterator[Named]:
    """Photographs as (height, width, 3) of uint8."""
    from PIL import Image

    for path in sorted((data / "images" / "val").glob("*.webp"))[::3][:VAL_PICTURES]:
        with Image.open(path) as picture:
            yield path.stem, np.asarray(picture.convert("RGB"))


def sound(data: Path) -> Iterator[Named]:
    """Stereo samples as (n, 2) of int16."""
    import soundfile

    for name in SOUNDS:
        yield name, soundfile.read(data / "audio" / "music" / f"{name}.flac", dtype="int16")[0]


def _books(data: Path) -> str:
    """Two million characters of novels."""
    with lzma.open(data / "text" / "train" / "english_books_train.txt.xz", "rt", encoding="utf-8") as text:
        return text.read(2_000_000)


GROUPS = {"tokens": tokens, "embeddings": embeddings, "gradients": gradients, "pictures": pictures, "sound": sound}
