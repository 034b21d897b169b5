"""Speech recognition by pocketsphinx: errors in words."""

import hashlib
import importlib.metadata
import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path

from lacodec.errors import BadInput
from lacodec.evaluation.audio.sound import INSTALL, Sound
from lacodec.evaluation.audio.words import heard, word_errors, words
from lacodec.evaluation.perception.task import Metric, Score, Task, missing


class SpeechRecognition(Task):
    """A sound -> the words in it, in small letters without punctuation; with a grammar (JSGF), one of its sentences.

    Errors are words to insert, leave out or replace (Levenshtein), by the words that there should be.
    """

    name = "speech"
    kind = "sounds"
    metrics = (
        Metric("word-changes", "words unlike those heard in the undecoded, by the count of those", "errors"),
        Metric("word-errors", "words unlike those of the label, by the count of those", "errors"),
    )

    def __init__(self, grammar: Path | None = None) -> None:
        if importlib.util.find_spec("pocketsphinx") is None:
            raise missing("pocketsphinx, which recognises speech,", INSTALL)
        self._grammar = None if grammar is None else str(grammar)
        try:
            known = "" if grammar is None else f", {grammar.name} {hashlib.sha256(grammar.read_bytes()).hexdigest()[:16]}"
        except OSError as error:
            raise BadInput(f"{grammar}: {error.strerror}") from error
        self.how = f"words by pocketsphinx, its English model{known}"
        self.id = f"speech pocketsphinx {importlib.metadata.version('pocketsphinx')}{known}"

    def answer(self, thing: Sound) -> list[str]:
        """The words."""
        return heard(thing, self._grammar)

    def scores(self, original: Sequence[str], decoded: Sequence[str], label: str | None) -> Mapping[str, Score]:
        """Changes where anything was heard in the undecoded, errors where there is a label, which is a transcript."""
        found = {}
        if original:
            found["word-changes"] = Score(word_errors(original, decoded), len(original))
        if label is not None and (expected := words(label)):
            found["word-errors"] = Score(word_errors(expected, decoded), len(expected))
        return found
