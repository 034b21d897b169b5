"""The coarseness that reaches a target: kilobits per second, or dB of signal to noise."""

from collections.abc import Iterator

import numpy as np

from lacodec.codecs.audio.transform._chunks import chunk_samples, planned
from lacodec.codecs.audio.transform._joined import Part, joined
from lacodec.codecs.audio.transform._options import Options, Settings, coarsest, finest
from lacodec.codecs.audio.transform._payload import encode_groups
from lacodec.codecs.audio.transform._pcm import samples_of
from lacodec.codecs.audio.transform._tables import bands_at
from lacodec.errors import BadInput
from lacodec.media.audio.value import Audio

_TRIED = 4  # chunks of a long file that are tried, evenly spread


def settings_for(value: Audio, options: Options) -> Settings:
    """How to encode: at the quality, or as a target wants it. Raises BadInput for a target that no quality reaches."""
    if options.target_kbps is None and options.target_snr is None:
        return options.settings()
    trial = _Trial(value)
    if not trial.samples:
        return options.settings()
    low, high = finest(options.tune) - 1, coarsest(options.tune) + 1  # the first one passed, the second one failed
    while high - low > 1:
        middle = (low + high) // 2
        kbps, snr = trial.measured(Settings(options.tune, middle))
        good = snr >= options.target_snr if options.target_snr is not None else kbps > (options.target_kbps or 0)
        low, high = (middle, high) if good else (low, middle)
    if options.target_snr is not None:
        if low < finest(options.tune):
            raise BadInput(f"{options.target_snr} dB cannot be reached for this sound, even at quality 100; use audio.lossless")
        return Settings(options.tune, low)
    if high > coarsest(options.tune):
        raise BadInput(f"{options.target_kbps} kbps cannot be reached for this sound, even at quality 1")
    return Settings(options.tune, high)


class _Trial:
    """Some of a file's chunks, encoded at several qualities."""

    def __init__(self, value: Audio) -> None:
        self._value = value
        self._bands = bands_at(value.rate)
        size = chunk_samples(value.rate, value.channels, self._bands.frame)
        total = (value.pcm.size or 0) // value.frame_size
        starts = np.arange(0, total, size)
        chosen = starts if len(starts) <= _TRIED else starts[np.linspace(0, len(starts) - 1, _TRIED).astype(int)]
        self._places = [(int(start), min(int(start) + size, total)) for start in chosen]
        self.samples = sum(stop - start for start, stop in self._places)

    def measured(self, settings: Settings) -> tuple[float, float]:
        """(kilobits per second, dB)."""
        size, error, energy = 0, 0.0, 0.0
        for values in self._blocks():
            for piece in planned([values], self._bands, settings.rule):
                payload, symbols = encode_groups(piece.groups, self._value.rate, settings)
                size += len(payload)
                part = Part(0, piece.samples, symbols)
                _, restored = next(joined(iter([part]), self._value.channels, self._bands))
                error += float(np.square(restored - values).sum())
                energy += float(np.square(values).sum())
        kbps = size * 8 / 1000 * max(self._value.rate, 1) / self.samples
        return kbps, float(10 * np.log10(max(energy, 1e-9) / max(error, 1e-9)))

    def _blocks(self) -> Iterator[np.ndarray]:
        value = self._value
        for start, stop in self._places:
            data = value.pcm.read(start * value.frame_size, (stop - start) * value.frame_size)
            yield samples_of(data, value.layout, value.channels, value.pcm.name)
