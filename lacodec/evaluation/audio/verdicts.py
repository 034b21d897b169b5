"""Verdicts kept in a file, so that a rerun judges only what changed: JSON lines, appended one at a time.

A verdict is found by the judge, its version and a hash of both sounds, never by the name of a codec or a setting.
"""

import hashlib
import importlib.metadata
import json
from pathlib import Path
from typing import Any

from lacodec.evaluation.audio.judges import Judge, Verdict
from lacodec.evaluation.audio.sound import Sound


class Verdicts:
    """Judges that remember, in the file `path` (made when missing); in memory only when it is None."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._known: dict[str, Verdict] = {}
        if path is not None and path.exists():
            for line in path.read_text().splitlines():
                entry = _entry(line)
                if entry is not None:
                    self._known[entry["key"]] = Verdict(entry["score"], entry["signals"])

    def __call__(self, judge: Judge, original: Sound, decoded: Sound) -> Verdict:
        """What the judge says, or said; raises its errors. Judges that need no package are always asked."""
        if not judge.package:
            return judge(original, decoded)
        key = f"{judge.name} {importlib.metadata.version(judge.package)} {_hash(original)} {_hash(decoded)}"
        if key not in self._known:
            verdict = self._known[key] = judge(original, decoded)
            if self._path is not None:
                with self._path.open("a") as file:
                    file.write(json.dumps({"key": key, "score": verdict.score, "signals": verdict.signals}) + "\n")
        return self._known[key]


def _entry(line: str) -> dict[str, Any] | None:
    """A line's content; None for the half line that a killed run leaves."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _hash(sound: Sound) -> str:
    digest = hashlib.sha256(f"{sound.rate} {sound.samples.shape}".encode())
    digest.update(sound.samples.astype("<f8").tobytes())
    return digest.hexdigest()[:24]
