"""A folder of KV caches of prompts that begin alike, in chunks of tokens.

tokens --chunks--> name of each: SHA-256 of the name before it, the model, the options and its tokens --> FOLDER/NAME.lac

A chunk's name stands for all tokens up to its end, so the longest stored prefix is found chunk by chunk, whatever was stored it.
"""

import hashlib
import os
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from lacodec.errors import BadInput, LacodecError
from lacodec.io.output import atomic_file
from lacodec.kv.chunks import ChunkCoder
from lacodec.kv.locks import locked
from lacodec.kv.models import described
from lacodec.kv.objects import cache_of, check_kind, given_as
from lacodec.media.kv.value import KVCache

_SUFFIX = ".lac"
_TICK = 1000  # ns, which file systems tell apart


class Store:
    """Prefixes of prompts and their caches. Several processes may use one folder.

    path: the folder, made if it is missing. limit: bytes of all its files; what was not used for longest goes. model: the module
    that makes the caches, what `lacodec.kv.describe` gave for it, or None: then caches of any model would be found. chunk:
    tokens in an entry; only whole ones are stored. `options` are those of codec `kv`. Entries of other models, chunks and
    lossy options are never found, and share the limit.
    """

    def __init__(self, path: str | os.PathLike[str], limit: int, model: Any = None, chunk: int = 256, **options: Any) -> None:
        for name, value in (("limit", limit), ("chunk", chunk)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise BadInput(f"{name} must be a whole number from 1, not {value!r}")
        self.path, self.limit, self.chunk, self.model = Path(path), limit, chunk, described(model)
        self._coder = ChunkCoder(chunk, options)
        plain = self.model.plain()
        self._seed = hashlib.sha256(
            repr((plain["fingerprint"], plain["rope"], plain["inv_freq"], plain["scaling"], self._coder.identity)).encode()
        )
        self.path.mkdir(parents=True, exist_ok=True)

    def put(self, tokens: Any, cache: Any) -> int:
        """Store the cache of these tokens (ids of one sequence), without what is there already; how many tokens are stored now.

        cache: as for `lacodec.kv.encode`, with a batch of 1 and at least these tokens, from the first one on. Where the limit
        has no room for all chunks, the first ones are kept.
        """
        value, names = cache_of(cache, self.model), list(self._names(_ids(tokens)))
        if value.shape.batch != 1 or value.shape.tokens < len(names) * self.chunk:
            raise BadInput(
                f"the cache has a batch of {value.shape.batch} and {value.shape.tokens} tokens; it must be that of the tokens"
            )
        for number, name in enumerate(names):
            if not self._use(name):
                start = number * self.chunk
                part = tuple((k[:, :, start : start + self.chunk], v[:, :, start : start + self.chunk]) for k, v in value.layers)
                data = self._coder.encode(KVCache(part, value.dtype, value.model), number)
                if not self._write(name, data, names[:number]):
                    return start
        self._touch(names)
        return len(names) * self.chunk

    def get(self, tokens: Any, to: str = "transformers", device: Any = None) -> tuple[int, Any]:
        """(n, cache of the first n tokens) for the longest stored prefix of these token ids, in whole chunks; (0, None) if none.

        to, device: as for `lacodec.kv.decode`. A damaged entry is removed with a warning, and the prefix ends before it. A model
        needs a token that is not in the cache: pass `tokens[:-1]` for a prompt that may be stored as a whole.
        """
        check_kind(to, device)
        found: list[KVCache] = []
        names = list(self._names(_ids(tokens)))
        for name in names:
            part = self._read(name)
            if part is None or (found and part.shape.layers != found[0].shape.layers):
                break
            found.append(part)
        if not found:
            return 0, None
        self._touch(names[: len(found)])
        pairs = [
            tuple(np.concatenate([part.layers[layer][which] for part in found], axis=2) for which in (0, 1))
            for layer in range(len(found[0].layers))
        ]
        return len(found) * self.chunk, given_as(to, pairs, found[0].dtype, device)  # type: ignore[arg-type]

    def size(self) -> int:
        """Bytes of all entries."""
        return sum(size for _, size, _ in self._entries())

    def _names(self, ids: "np.ndarray") -> Iterator[str]:
        """The name of each whole chunk."""
        state = self._seed.copy()
        for start in range(0, len(ids) - self.chunk + 1, self.chunk):
            state.update(ids[start : start + self.chunk].tobytes())
            yield state.hexdigest()

    def _place(self, name: str) -> Path:
        return self.path / (name + _SUFFIX)

    def _read(self, name: str) -> KVCache | None:
        place = self._place(name)
        try:
            data = place.read_bytes()
        except OSError:
            return None  # never stored, or removed by another process
        try:
            value = self._coder.decode(data)
            if value.model.differs(self.model):
                raise BadInput("it is not a cache of this model")
            if (value.shape.batch, value.shape.tokens) != (1, self.chunk):
                raise BadInput("it has other tokens than its name says")
        except LacodecError as error:
            warnings.warn(f"{place}: a damaged entry was removed ({error})", RuntimeWarning, stacklevel=3)
            place.unlink(missing_ok=True)
            return None
        return value

    def _write(self, name: str, data: bytes, keep: Sequence[str]) -> bool:
        """Whether an entry is there now; room is made for it by removing others, but for `keep`."""
        with locked(self.path):
            kept = {self._place(other) for other in keep}
            entries = sorted(self._entries())
            room = self.limit - sum(size for _, size, _ in entries)
            for _, size, place in entries:
                if room >= len(data):
                    break
                if place not in kept:
                    place.unlink(missing_ok=True)
                    room += size
            if room < len(data):
                return False
            with atomic_file(self._place(name), force=True) as out:
                out.write(data)
        return True

    def _entries(self) -> list[tuple[int, int, Path]]:
        """(time of last use in ns, bytes, path) of each entry."""
        found = []
        for place in self.path.glob(f"*{_SUFFIX}"):
            with suppress(OSError):  # another process removed it
                facts = place.stat()
                found.append((facts.st_mtime_ns, facts.st_size, place))
        return found

    def _use(self, name: str, when: int | None = None) -> bool:
        """Whether an entry is there; from now on, or from `when` on (ns), it counts as used."""
        when = time.time_ns() if when is None else when
        try:
            os.utime(self._place(name), ns=(when, when))
        except OSError:
            return False
        return True

    def _touch(self, names: Sequence[str]) -> None:
        """Count entries as used, the last one before the others: the ends of prefixes go before what others may share."""
        now = time.time_ns()
        for number, name in enumerate(names):
            self._use(name, now - number * _TICK)


def _ids(tokens: Any) -> "np.ndarray":
    """i64[n] little-endian of token ids: a list, an array, or a tensor, also with a first axis of 1."""
    found = np.asarray(tokens.detach().cpu() if hasattr(tokens, "detach") else tokens)
    if found.ndim == 2 and len(found) == 1:
        found = found[0]
    if found.ndim != 1 or (found.size and found.dtype.kind not in "iu"):
        raise BadInput(f"tokens must be whole numbers of one sequence, not {found.dtype} {list(found.shape)}")
    return found.astype("<i8")
