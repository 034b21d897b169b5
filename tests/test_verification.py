"""Nothing is kept that plain `decode` would not give back: what is compared is the file that it would write."""

import io
import os

import numpy as np
import pytest

import lacodec
from lacodec import api
from lacodec.codecs import registry
from lacodec.codecs.blocks import BlockCodec
from lacodec.codecs.image.lossless.codec import LosslessImage
from lacodec.codecs.session import DEFAULT
from lacodec.errors import LacodecError, UnsupportedFile
from lacodec.io.source import FileSource
from lacodec.media.audio.files import AudioMedia
from lacodec.media.image.files import ImageMedia
from lacodec.testing import photo
from tests.media.test_image_files import saved
from tests.sounds import wav_file


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "x.png"
    path.write_bytes(saved(photo(50, 60, 3)))
    return path


def test_a_picture_that_is_written_wrongly_goes_to_bytes(picture, tmp_path, monkeypatch):
    """The pixels in memory are right; the file that decode writes is not."""
    right = ImageMedia.to_blocks

    def wrong(self, value, suffix=""):
        pixels = np.array(value.pixels)
        pixels[3, 4, 1] ^= 1
        return right(self, type(value)(pixels, value.depth, value.palette, value.extras, value.format), suffix)

    monkeypatch.setattr(ImageMedia, "to_blocks", wrong)
    done = api.encode_file(picture, tmp_path / "x.lac", effort=1)
    assert done.codec == "bytes" and "would not restore it" in done.remark
    with pytest.raises(LacodecError, match="verification failed.*nothing was kept"):
        api.encode_file(picture, tmp_path / "y.lac", "image.lossless", effort=1)
    assert not (tmp_path / "y.lac").exists()


def test_metadata_that_is_lost_on_the_way_goes_to_bytes(picture, tmp_path, monkeypatch):
    picture.write_bytes(saved(photo(50, 60, 3), dpi=(72, 72)))
    monkeypatch.setattr(LosslessImage, "metadata", lambda self, value, session=DEFAULT: {"shape": list(value.pixels.shape)})
    with pytest.raises(LacodecError, match="verification failed"):
        api.encode_file(picture, tmp_path / "x.lac", "image.lossless", effort=1)


@pytest.mark.parametrize("size", [0, 1, 70_000])
def test_a_decoder_that_fails_is_noticed_for_pipes_too(size, tmp_path, monkeypatch):
    data = os.urandom(size // 2) * 2
    good = BlockCodec.decode_chunk
    monkeypatch.setattr(BlockCodec, "decode_chunk", lambda *args, **more: good(*args, **more) + b"!")
    for source in (io.BytesIO(data), tmp_path / "in"):
        (tmp_path / "in").write_bytes(data)
        with pytest.raises(LacodecError, match="verification failed"):
            api.encode_file(source, tmp_path / "x.lac", "bytes", effort=1)
        assert not (tmp_path / "x.lac").exists()


def test_a_file_that_changes_while_it_is_encoded_is_noticed(tmp_path, monkeypatch):
    path = tmp_path / "log.txt"
    path.write_bytes(b"line\n" * 100)
    read = FileSource.read

    def changing(self, offset, n):
        data = read(self, offset, n)
        path.write_bytes(b"lino\n" * 100)
        return data

    monkeypatch.setattr(FileSource, "read", changing)
    with pytest.raises(LacodecError, match="changed while it was read"):
        api.encode_file(path, tmp_path / "x.lac", "bytes", effort=1)


def test_files_that_a_codec_would_make_larger_go_to_bytes(tmp_path, monkeypatch):
    """Whatever codec recognises a file: never larger than it was, plus 64 bytes and 0.1 %."""
    path = tmp_path / "x.png"
    path.write_bytes(saved(photo(300, 300, 3)))
    encode = LosslessImage.encode

    def padded(self, value, session=DEFAULT):
        for chunk in encode(self, value, session):
            yield type(chunk)(1, ((0, 1),), bytes(path.stat().st_size), chunk.content_hash, 1)
            yield chunk

    monkeypatch.setattr(LosslessImage, "encode", padded)
    done = api.encode_file(path, tmp_path / "x.lac", effort=1)
    assert done.codec == "bytes" and done.encoded <= path.stat().st_size * 1.001 + 64
    lacodec.decode_file(tmp_path / "x.lac", tmp_path / "y.png")
    assert (tmp_path / "y.png").read_bytes() == path.read_bytes()


def test_other_outputs_get_only_what_was_verified(picture, tmp_path, monkeypatch):
    class Pipe:
        def __init__(self):
            self.data = b""

        def write(self, data):
            self.data += bytes(data)
            return len(data)

    pipe = Pipe()
    assert api.encode_file(picture, pipe, "image.lossless", effort=1).codec == "image.lossless"
    assert np.array_equal(np.asarray(lacodec.decode(pipe.data).pixels), photo(50, 60, 3))
    monkeypatch.setattr(ImageMedia, "difference", lambda self, original, restored: "all is wrong")
    monkeypatch.setattr(ImageMedia, "to_blocks", lambda self, value, suffix="": iter([b"no picture"]))
    pipe = Pipe()
    with pytest.raises(LacodecError):
        api.encode_file(picture, pipe, "image.lossless", effort=1)
    assert pipe.data == b""


def test_registered_codecs_are_verified_the_same_way():
    assert {"bytes", "image.lossless", "audio.lossless", "weights", "image.learned"} <= set(registry.names())


def test_a_file_that_is_held_whole_comes_back_whatever_a_later_reader_thinks_of_it(tmp_path, monkeypatch):
    """Its bytes have a hash of their own: reading them again is for those who want the picture or the sound."""
    picture, sound = saved(photo(9, 11, 3)), wav_file(np.zeros((50, 1), np.int16))
    for name, data, codec in (("x.png", picture, "image.lossless"), ("x.wav", sound, "audio.lossless")):
        (tmp_path / name).write_bytes(data)
        options = {"exact": True} if codec == "image.lossless" else {}
        encoded = lacodec.encode(tmp_path / name, codec, **options)
        with monkeypatch.context() as patch:
            for media in (ImageMedia, AudioMedia):
                patch.setattr(media, "from_source", _refuse)
            out = io.BytesIO()
            api.decode_file(io.BytesIO(encoded), out)
        assert out.getvalue() == data, name


def _refuse(self, source):
    raise UnsupportedFile(f"{source.name}: is too odd for this reader")


@pytest.mark.parametrize("array", [np.arange(10), np.arange(1000), np.frombuffer(os.urandom(5000), np.uint8), np.float32(3)])
def test_the_type_that_comes_back_does_not_depend_on_the_size(array, tmp_path):
    """Small files for which a codec does not pay are kept by codec bytes, and come back as what they are all the same."""
    path = tmp_path / "x.npy"
    np.save(path, array)
    encoded = lacodec.encode(path)
    assert len(encoded) <= path.stat().st_size * 1.001 + 64
    back = lacodec.decode(encoded)
    assert isinstance(back, np.ndarray) and back.dtype == np.asarray(array).dtype and np.array_equal(back, array)
    with lacodec.open(encoded) as opened:
        assert opened["array"].shape == np.shape(array)
    lacodec.decode_file(io.BytesIO(encoded), tmp_path / "y.npy")
    assert (tmp_path / "y.npy").read_bytes() == path.read_bytes()


def test_small_pictures_and_sounds_come_back_as_such(tmp_path):
    (tmp_path / "x.png").write_bytes(saved(photo(5, 6, 3)))
    (tmp_path / "x.wav").write_bytes(wav_file(np.zeros((3, 1), np.int16)))
    assert np.array_equal(lacodec.decode(lacodec.encode(tmp_path / "x.png")).pixels, photo(5, 6, 3))
    assert lacodec.decode(lacodec.encode(tmp_path / "x.wav")).samples.shape == (3, 1)
