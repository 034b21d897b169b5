"""A listening page: sounds and what codecs made of them -> one HTML file with everything in it.

The players of one sound take over from each other where they are, so that two codecs can be compared in the middle of a note.
Every version is embedded as FLAC of its decoded samples in 16 bits, so that browsers add nothing of their own.
"""

import base64
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lacodec.evaluation.audio.sound import Sound


@dataclass(frozen=True)
class Version:
    """What a codec made of a sound: its name, how (setting, bytes, scores), and the sound."""

    name: str
    how: str
    sound: Sound


@dataclass(frozen=True)
class Group:
    """An original and rows of versions to compare with each other, each row with a heading."""

    title: str
    original: Sound
    rows: Sequence[tuple[str, Sequence[Version]]]


_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
section { border-top: 1px solid #8886; padding: .5rem 0 1rem; }
.row { display: grid; grid-template-columns: repeat(auto-fit, minmax(19rem, 1fr)); gap: .75rem 1.5rem; margin: .75rem 0; }
h2 { font-size: 1.15rem; margin: .75rem 0 .25rem; } h3 { font-size: 1rem; margin: 1rem 0 0; }
figure { margin: 0; } figcaption small { opacity: .75; display: block; } audio { width: 100%; margin-top: .25rem; }
"""
_SCRIPT = """
for (const section of document.querySelectorAll('section')) {
  const players = [...section.querySelectorAll('audio')];
  for (const player of players) player.addEventListener('play', () => {
    for (const other of document.querySelectorAll('audio')) if (other !== player && !other.paused) {
      if (players.includes(other)) player.currentTime = other.currentTime;
      other.pause();
    }
  });
}
"""


def listening_page(title: str, introduction: str, groups: Sequence[Group]) -> str:
    """The page as text; `introduction` is plain text."""
    sections = "\n".join(_section(group) for group in groups)
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width">\n'
        f"<title>{html.escape(title)}</title>\n<style>{_STYLE}</style>\n<h1>{html.escape(title)}</h1>\n"
        f"<p>{html.escape(introduction)}</p>\n{sections}\n<script>{_SCRIPT}</script>\n</html>\n"
    )


def _section(group: Group) -> str:
    rows = "\n".join(
        f'<h3>{html.escape(heading)}</h3>\n<div class="row">{"".join(_figure(version) for version in versions)}</div>'
        for heading, versions in group.rows
    )
    original = f'<div class="row">{_figure(Version("original", f"{group.original.seconds:.1f} s", group.original))}</div>'
    return f"<section>\n<h2>{html.escape(group.title)}</h2>\n{original}\n{rows}\n</section>"


def _figure(version: Version) -> str:
    data = base64.b64encode(_flac(version.sound)).decode()
    label = html.escape(f"{version.name}, {version.how}", quote=True)
    return (
        f"<figure><figcaption><b>{html.escape(version.name)}</b><small>{html.escape(version.how)}</small></figcaption>"
        f'<audio controls preload="metadata" aria-label="{label}" src="data:audio/flac;base64,{data}"></audio></figure>'
    )


def _flac(sound: Sound) -> bytes:
    import soundfile

    out = io.BytesIO()
    integers = np.clip(np.rint(sound.samples * 32768), -32768, 32767).astype(np.int16)
    soundfile.write(out, integers, sound.rate, format="FLAC", subtype="PCM_16")
    return out.getvalue()
