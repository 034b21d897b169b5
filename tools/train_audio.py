"""Make `start.npz` of `audio.transform`, the start of its coder: what it learns from encoding some sounds.

    python tools/train_audio.py sound.flac ... -o lacodec/codecs/audio/transform/start.npz

Every sound is encoded at several qualities, in an order drawn by a fixed seed; each coder begins with what the last one learned.
"""

import argparse
import random
from pathlib import Path

import numpy as np

from lacodec.codecs.audio.transform import _setup
from lacodec.codecs.audio.transform._chunks import chunk_samples, planned
from lacodec.codecs.audio.transform._kernel import code
from lacodec.codecs.audio.transform._options import Options
from lacodec.codecs.audio.transform._payload import filled_coder
from lacodec.codecs.audio.transform._pcm import samples_of
from lacodec.codecs.audio.transform._tables import SLOTS, bands_at
from lacodec.io.source import FileSource
from lacodec.media.audio.sound import SOUND

_QUALITIES = (15, 25, 35, 45, 55, 65, 80)
_TUNES = ("ear", "ear", "snr")


def main() -> None:
    """Parse the arguments, train, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sounds", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--per-sound", type=int, default=1, help="qualities that each sound is encoded at for each of `_TUNES`")
    args = parser.parse_args()
    rng = random.Random(2026)
    todo = [
        (path, quality, tune) for path in args.sounds for tune in _TUNES for quality in rng.sample(_QUALITIES, args.per_sound)
    ]
    rng.shuffle(todo)
    chances, weights = (array.copy() for array in _setup.plain_state())
    for number, (path, quality, tune) in enumerate(todo):
        size = sum(learn(path, Options(quality=quality, tune=tune), chances, weights))
        print(f"{number + 1}/{len(todo)} {path.name} {tune} {quality}: {size} bytes", flush=True)
    np.savez_compressed(args.output, **_setup.packed(chances, weights))


def learn(path: Path, options: Options, chances: np.ndarray, weights: np.ndarray) -> list[int]:
    """Encode the sound, change the state; bytes of each group of channels."""
    value = SOUND.from_source(FileSource(path))
    settings, bands = options.settings(), bands_at(value.rate)
    size = chunk_samples(value.rate, value.channels, bands.frame) * value.frame_size
    blocks = (samples_of(block, value.layout, value.channels, path.name) for block in value.pcm.blocks(size))
    found = []
    for piece in planned(blocks, bands, settings.rule):
        for group in piece.groups:
            coder = filled_coder(group, value.rate, settings)
            coder.chances[:], coder.weights[:] = chances, weights
            code(coder, len(group.sizes) // SLOTS)
            chances[:], weights[:] = coder.chances, coder.weights
            found.append(int(coder.registers[3]))
    return found


if __name__ == "__main__":
    main()
