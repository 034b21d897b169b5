"""Reading of text in pictures by the program tesseract: errors in characters."""

import io
import os
import shutil
import subprocess

import numpy as np

from lacodec.errors import BadInput
from lacodec.evaluation.perception.ocr import Reading, plain
from lacodec.evaluation.perception.task import missing

_PROGRAM = "tesseract"


class TesseractReading(Reading):
    """As `Reading`, with its English model, on one thread."""

    name = "ocr-tesseract"

    def __init__(self) -> None:
        if shutil.which(_PROGRAM) is None:
            raise missing(f"{_PROGRAM}, which reads text,", "apt install tesseract-ocr (Debian, Ubuntu)")
        version = _run(["--version"], b"").splitlines()[0]
        self.how = f"text by {version}"
        self.id = f"{self.name} {version}"

    def answer(self, thing: np.ndarray) -> str:
        """The text, "" where none was found."""
        from PIL import Image

        out = io.BytesIO()
        Image.fromarray(thing).save(out, "PNG", compress_level=1)
        return plain(_run(["stdin", "stdout", "-l", "eng"], out.getvalue()))


def _run(arguments: list[str], given: bytes) -> str:
    """What the program prints; raises BadInput with what it complains of."""
    done = subprocess.run(
        [_PROGRAM, *arguments], input=given, capture_output=True, env={**os.environ, "OMP_THREAD_LIMIT": "1"}, check=False
    )
    if done.returncode:
        raise BadInput(f"{_PROGRAM}: {' '.join(done.stderr.decode(errors='replace').split())}")
    return done.stdout.decode(errors="replace")
