"""Sound for lossy codecs: WAV, AIFF and FLAC files -> `Audio` without what is around the samples; back to WAV by default."""

from dataclasses import replace

from lacodec.errors import LacodecError
from lacodec.io.source import BytesSource, Source
from lacodec.media.audio.files import AudioMedia
from lacodec.media.audio.value import Audio

_LAYOUTS = {"u8": "i16le", "i8": "i16le"}


class SoundMedia(AudioMedia):
    """Sampled sound of which only what is heard counts: rate, channels, length and about the samples."""

    def from_source(self, source: Source) -> Audio:
        """The sound in a file, without its tags and foreign chunks."""
        return replace(super().from_source(source), format="wav", head=b"", tail=BytesSource(b""))

    def difference(self, original: Source, restored: Source) -> str | None:
        """Differences in rate, channels or length."""
        try:
            one, other = self.from_source(original), self.from_source(restored)
        except LacodecError as error:
            return f"the restored file cannot be read ({error})"
        facts = [(value.rate, value.channels, (value.pcm.size or 0) // value.frame_size) for value in (one, other)]
        return None if facts[0] == facts[1] else f"{facts[0]} (rate, channels, samples) became {facts[1]}"


SOUND = SoundMedia()
"""The one instance."""


def restored_layout(layout: str) -> str:
    """How samples are written that came in this layout: little-endian, of 16 bits at least."""
    return _LAYOUTS.get(layout, layout.replace("be", "le"))
