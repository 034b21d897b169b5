"""Where figures come from: the call, the versions of what took part, the machine."""

import os
import platform
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path

import lacodec
from lacodec.evaluation.installed import installed

_PACKAGES = (
    "numpy", "numba", "pillow", "torch", "scipy", "av", "soundfile", "ai-edge-litert", "onnxruntime", "pocketsphinx",
    "visqol-python", "zimtohrli", "rapidocr-onnxruntime", "librosa", "dlib-bin",
)  # fmt: skip


def call() -> str:
    """The command as it was given."""
    return shlex.join(["lacodec", *sys.argv[1:]])


def facts() -> list[tuple[str, str]]:
    """Names and values, in the order to show."""
    load = os.getloadavg() if hasattr(os, "getloadavg") else None
    found = [
        ("made", datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")),
        ("lacodec", lacodec.__version__),
        ("Python", platform.python_version()),
        ("packages", ", ".join(installed(_PACKAGES))),
        ("codecs of Pillow", ", ".join(_pillow())),
        ("system", f"{platform.system()} {platform.release()}, {platform.machine()}"),
        ("processor", f"{_processor()}, {os.cpu_count()} logical cores"),
    ]
    if load is not None:
        found.append(("load", f"{load[0]:.1f} jobs on average in the last minute; times are wall clock"))
    return found


def _pillow() -> list[str]:
    from PIL import features

    names = {"libjpeg_turbo": "libjpeg-turbo", "webp": "libwebp", "avif": "libavif", "jpg_2000": "OpenJPEG"}
    versions = {label: features.version(name) for name, label in names.items()}
    return [f"{label} {version}" for label, version in versions.items() if version]


def _processor() -> str:
    """The processor's name, as Linux gives it; elsewhere what Python knows."""
    file = Path("/proc/cpuinfo")
    for line in file.read_text().splitlines() if file.exists() else []:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
