"""Sounds for tests: WAV files made here, by name."""

import struct

import numpy as np

from lacodec.testing import tone, wav_file


def chunk(name: bytes, body: bytes) -> bytes:
    """A RIFF chunk."""
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) & 1)


def sounds(frames: int = 6000) -> dict[str, bytes]:
    """WAV files by name: every layout, awkward values, and files that are damaged or odd."""
    rng = np.random.default_rng(frames)
    mono, stereo = tone(frames, 1, 9000), tone(frames, 2, 9000)
    plain = wav_file(stereo)
    floats = tone(frames, 2, 0.4).astype(np.float32)
    odd = floats.copy()
    odd[::7] = [np.nan, -0.0]
    odd[1::9] = [np.inf, 1e-42]
    odd[2::11] = [-np.inf, 3e38]
    squares = np.where(np.arange(frames)[:, None] // 50 % 2, 32767, -32768) * np.ones((1, 2))
    payload_nan = np.full((frames // 3, 1), 0x7FC01234, np.int32).view(np.float32)
    return {
        "mono": wav_file(mono, 16000),
        "stereo": plain,
        "no samples": wav_file(stereo[:0]),
        "one sample": wav_file(stereo[:1]),
        "two samples": wav_file(mono[:2]),
        "8 bits": wav_file(tone(frames, 1, 90), 8000, "u8"),
        "8 bits odd": wav_file(tone(333, 1, 90), 8000, "u8"),
        "24 bits": wav_file(tone(frames, 2, 3e6), 96000, "i24le"),
        "32 bits": wav_file(tone(frames, 2, 1.5e9), 96000, "i32le"),
        "five channels": wav_file(tone(frames // 2, 5, 9000)),
        "eight channels": wav_file(tone(frames // 4, 8, 9000)),
        "floats": wav_file(floats, layout="f32le"),
        "floats of integers": wav_file(np.rint(stereo) / 32768 + 0.0, layout="f32le"),
        "awkward floats": wav_file(odd, layout="f32le"),
        "NaN with a payload": wav_file(payload_nan, layout="f32le"),
        "denormals": wav_file(np.arange(2000, dtype=np.int32)[:, None].view(np.float32), layout="f32le"),
        "silence": wav_file(np.zeros((20 * frames, 2))),
        "noise": wav_file(rng.integers(-32768, 32768, (frames, 2))),
        "short noise": wav_file(rng.integers(-32768, 32768, (50, 2))),
        "32-bit noise": wav_file(rng.integers(-(2**31), 2**31, (frames // 4, 2)), layout="i32le"),
        "full-scale squares": wav_file(squares),
        "32-bit squares": wav_file(squares * 65536, layout="i32le"),
        "clicks": wav_file(np.where(rng.random((frames, 2)) < 0.002, 32767, 0)),
        "wasted bits": wav_file(np.rint(mono / 16) * 256, layout="i24le"),
        "normalised": wav_file(np.rint(np.rint(stereo / 8) * 8.37)),
        "mono as stereo": wav_file(np.rint(mono) * np.ones((1, 2))),
        "constant": wav_file(np.full((frames, 1), -77)),
        "silence then sound": wav_file(np.concatenate([np.zeros((frames, 2)), stereo])),
        "foreign chunks": wav_file(
            stereo, tail=chunk(b"LIST", b"INFO" + b"ISFT" * 50) + chunk(b"id3 ", bytes(rng.integers(0, 256, 301, np.uint8)))
        ),
        "truncated": plain[:-1501],
        "truncated in a frame": plain[:-3],
        "only a header": plain[:44],
        "size zero": plain[:40] + bytes(4) + plain[44:],
        "size unknown": plain[:4] + b"\xff" * 4 + plain[8:40] + b"\xff" * 4 + plain[44:],
        "size too small": plain[:40] + struct.pack("<I", 1001) + plain[44:],
        "extensible": plain[:16]
        + struct.pack("<I", 40)
        + struct.pack("<H", 0xFFFE)
        + plain[22:36]
        + struct.pack("<HHI", 22, 16, 3)
        + b"\1\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71"
        + plain[36:],
        "RF64": b"RF64"
        + b"\xff" * 4
        + b"WAVE"
        + chunk(b"ds64", struct.pack("<QQQI", len(plain) + 28, len(plain) - 44, frames, 0))
        + plain[12:40]
        + b"\xff" * 4
        + plain[44:],
        "chunk before the format": plain[:12] + chunk(b"JUNK", bytes(33)) + plain[12:],
    }
