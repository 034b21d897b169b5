"""The samples of a FLAC file as a `Source`, decoded where they are read by our own strict decoder (`_flac_kernel`)."""

import hashlib
import threading
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from functools import cache

import numpy as np

from lacodec.errors import BadInput, UnsupportedFile
from lacodec.io.source import Source
from lacodec.media.audio import _flac_kernel as kernel
from lacodec.media.audio.flac_metadata import Metadata

_RATES = (0, 88200, 176400, 192000, 8000, 16000, 22050, 24000, 32000, 44100, 48000, 96000)  # Hz, by code
_WINDOW, _MAX_WINDOW = 1 << 20, 1 << 24  # bytes read at once; a frame of honest sound has 3 MiB at most
_STEP = 64  # frames from one place at which reading can begin to the next
_WHY = {
    kernel.MORE: "is cut off in the frame at offset {at}",
    kernel.SYNC: "has {left} bytes at offset {at} that are not a frame",
    kernel.HEADER: "has a frame with a damaged header at offset {at}",
    kernel.CONTENT: "has a damaged frame at offset {at}",
    kernel.CHECK: "has a frame at offset {at} with a wrong checksum",
    kernel.RANGE: "has samples at offset {at} that do not fit in their bits",
}


class FlacSamples(Source):
    """The samples of a FLAC file, channels interleaved, as a WAV file would have them (8 bits: signed)."""

    def __init__(self, source: Source, metadata: Metadata) -> None:
        """Decode all of the file once; raises UnsupportedFile for anything that is not as it should be."""
        self.name = source.name
        self._source, self._metadata = source, metadata
        self._frame = metadata.frame_size
        self._offsets, self._firsts = array("q"), array("q")  # of every _STEP-th frame: where it begins, its first sample
        self._lock = threading.Lock()
        digest, total = hashlib.md5(usedforsecurity=False), 0
        for number, (at, block) in enumerate(_frames(source, metadata, metadata.begin, 0, 0)):
            if number % _STEP == 0:
                self._offsets.append(at)
                self._firsts.append(total)
            digest.update(block)
            total += len(block) // self._frame
        if metadata.total not in (0, total):
            raise UnsupportedFile(f"{self.name}: its header claims {metadata.total} samples, but it has {total}")
        if metadata.digest not in (bytes(16), digest.digest()):
            raise UnsupportedFile(f"{self.name}: its samples do not match the MD5 in its header")
        if not total:
            raise UnsupportedFile(f"{self.name}: holds no samples")
        self.size: int = total * self._frame
        self.digest = digest.digest()
        self._at, self._rest, self._coming = 0, b"", self._from(0)

    def read(self, offset: int, n: int) -> bytes:
        """As in Source; quick where it goes on from the read before."""
        with self._lock:
            stop = min(offset + n, self.size)
            if stop <= offset:
                return b""
            if not 0 <= offset - self._at <= _WINDOW:
                which = bisect_right(self._firsts, offset // self._frame) - 1
                self._at, self._rest, self._coming = self._firsts[which] * self._frame, b"", self._from(which)
            parts = [self._rest]
            have = self._at + len(self._rest)
            while have < stop:
                block = next(self._coming, b"")
                if not block:
                    raise BadInput(f"{self.name}: changed while it was read; encode it again")
                parts.append(block)
                have += len(block)
            whole = parts[0] if len(parts) == 1 else b"".join(parts)
            found = whole[offset - self._at : stop - self._at]
            self._rest, self._at = whole[stop - self._at :], stop
            return found

    def _from(self, which: int) -> Iterator[bytes]:
        """The frames from one of the known places on."""
        try:
            for _, block in _frames(self._source, self._metadata, self._offsets[which], which * _STEP, self._firsts[which]):
                yield block
        except UnsupportedFile as error:
            raise BadInput(f"{self.name}: changed while it was read; encode it again") from error


def _frames(source: Source, metadata: Metadata, at: int, number: int, first: int) -> Iterator[tuple[int, bytes]]:
    """(offset of the frame, its samples) from the frame number `number` on, which begins at `at` with sample `first`."""
    end, usual = source.size or 0, None
    said, rows, coefficients, checks = _scratch()
    out = np.empty(kernel.MAX_BLOCK * kernel.MAX_CHANNELS * 4, np.uint8)  # whatever a frame claims
    window, begin, size = np.zeros(0, np.uint8), at, 0
    short = False
    while at < end:
        stop = kernel.MORE
        if size:
            stop = int(kernel.decode_frame(window, at - begin, size, metadata.bits, checks, said, rows, coefficients, out))
        if stop < 0:
            if begin + size < end and (at > begin or size < _MAX_WINDOW):
                wanted = _WINDOW if at > begin or not size else _MAX_WINDOW
                data = source.read(at, wanted)
                window, begin, size = np.frombuffer(data + bytes(kernel.SLACK), np.uint8), at, len(data)
                if size < min(wanted, end - at):
                    raise UnsupportedFile(f"{source.name}: became shorter while it was read")
                continue
            raise UnsupportedFile(f"{source.name}: {_WHY[stop].format(at=at, left=end - at)}")
        block, rate, channels, bits, count, variable = map(int, said)
        rate = _RATES[-rate] if rate < 0 else rate
        if rate not in (0, metadata.rate) or channels != metadata.channels or bits not in (0, metadata.bits):
            raise UnsupportedFile(f"{source.name}: its rate, channels or bits change at offset {at}")
        usual = usual or (block, variable)
        if short or variable != usual[1] or (not variable and block > usual[0]) or count != (first if variable else number):
            raise UnsupportedFile(f"{source.name}: its frames are not numbered in sequence (offset {at})")
        short = not variable and block < usual[0]
        yield at, out[: block * metadata.frame_size].tobytes()
        at, number, first = begin + stop, number + 1, first + block


def _scratch() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(what frames say, rows, coefficients, table of checksums) for `decode_frame`."""
    rows = np.zeros((kernel.MAX_CHANNELS, kernel.MAX_BLOCK + 1), np.int64)
    return np.zeros(kernel.SAID, np.int64), rows, np.zeros(32, np.int64), _checksums()


@cache
def _checksums() -> np.ndarray:
    table = np.zeros(256, np.uint16)
    kernel.checksums(table)
    return table
