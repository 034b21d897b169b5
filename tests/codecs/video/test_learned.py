"""Codec `video.learned` with a tiny model: contract, layouts, groups, damage, forged files, the same symbols everywhere."""

import io

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

import lacodec  # noqa: E402
from lacodec.codecs import model_files  # noqa: E402
from lacodec.codecs.video.learned import _latent_kernel, _motion_kernel, _target  # noqa: E402
from lacodec.codecs.video.learned._colour import pixels_of, planes_of  # noqa: E402
from lacodec.codecs.video.learned._state import new_state  # noqa: E402
from lacodec.codecs.video.learned._target import rate_of  # noqa: E402
from lacodec.container import Reader  # noqa: E402
from lacodec.errors import BadInput, CorruptFile, LacodecError  # noqa: E402
from lacodec.io.source import BytesSource  # noqa: E402
from lacodec.media.video.files import VIDEO  # noqa: E402
from lacodec.media.video.value import Form, Held, Video  # noqa: E402
from lacodec.models.image.fixed import FixedTransforms, exponential  # noqa: E402
from lacodec.testing import photo  # noqa: E402
from tests import learned  # noqa: E402
from tests.codecs.video.test_lossless import broken  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    monkeypatch.setenv(model_files.VARIABLE, learned.model_file())


def panned(frames=4, height=48, width=64, layout="420", depth=8, step=(1, 2)):
    """A picture that moves."""
    scene = photo(height + 40, width + 40, seed=3).astype(np.int64)
    parts = np.stack([scene[step[0] * t : step[0] * t + height, step[1] * t : step[1] * t + width] for t in range(frames)])
    form = Form(width, height, layout, depth)
    channels = [parts[..., 1], parts[..., 2] // 2 + 64, parts[..., 0] // 2 + 64]
    planes = [
        channels[k][:, :: 1 << down, :: 1 << across] << (depth - 8)
        for k, (down, across) in enumerate(form.halvings)
    ]  # fmt: skip
    return Video.from_planes(planes, layout, depth)


def encode(video, **options):
    return lacodec.encode(video, "video.learned", **{"model": learned.model_file(), **options})


def error(a, b):
    return [float(np.square(x.astype(float) - y).mean()) for x, y in zip(a.planes, b.planes, strict=True)]


@pytest.mark.parametrize("layout", ["gray", "420", "422", "440", "411", "444", "rgb"])
@pytest.mark.parametrize("depth", [8, 10, 16])
def test_layouts_and_depths(layout, depth):
    video = panned(3, 17, 30, layout, depth)
    restored = lacodec.decode(encode(video, quality=95, verify=True))
    assert restored.form == video.form and len(restored) == 3
    assert error(restored, video)[0] < float(np.var(video.planes[0].astype(float)))  # the model is tiny


@pytest.mark.parametrize("layout", ["gray", "420", "422", "440", "411", "444", "rgb"])
@pytest.mark.parametrize("depth", [8, 10, 16])
@pytest.mark.parametrize("chroma", [1.0, 0.75])
def test_colours_come_back(layout, depth, chroma):
    """There and back without networks: sixteenths of a gray level are left."""
    video = panned(1, 17, 30, layout, depth)
    pixels = pixels_of([plane[0] for plane in video.planes], video.form, chroma)
    back = planes_of(np.rint((pixels - 127.5) * 16).astype(np.int32), video.form, chroma)
    halved = layout not in ("gray", "444", "rgb")  # colours of halved planes are smoothed
    for k, (one, other) in enumerate(zip(back, video.planes, strict=True)):
        apart = np.abs(one.astype(float) - other[0]) / (1 << (depth - 8))
        assert apart.mean() < (1.5 if halved and k else 0.3) and one.dtype == other.dtype


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 16, 16), (2, 1, 33), (3, 40, 15)])
def test_any_size(shape):
    video = panned(*shape)
    restored = lacodec.decode(encode(video, quality=90, verify=True))
    assert [plane.shape for plane in restored.planes] == [plane.shape for plane in video.planes]


def test_no_frames():
    encoded = encode(Video(Form(8, 6, "420"), Held(72, b"")), verify=True)
    assert len(lacodec.decode(encoded)) == 0 and len(lacodec.open(encoded)[:]) == 0


def test_quality_and_what_info_tells(tmp_path):
    video, sizes, errors = panned(), [], []
    for quality in (10, 50, 90):
        encoded = encode(video, quality=quality)
        sizes.append(len(encoded))
        errors.append(error(lacodec.decode(encoded), video)[0])
    assert sizes == sorted(sizes) and errors == sorted(errors, reverse=True) and sizes[-1] > sizes[0] + 200
    (tmp_path / "x.lac").write_bytes(encoded)
    found = lacodec.info(tmp_path / "x.lac")
    assert found.metadata["quality"] == 90 and found.model_id


def test_the_frame_before_pays():
    video = panned(6, 64, 96)
    assert len(encode(video, quality=70)) < 0.75 * len(encode(video, quality=70, group=1))


def test_groups_decode_alone():
    video = panned(5)
    encoded = encode(video, group=2)
    whole = lacodec.decode(encoded)
    with lacodec.open(encoded) as opened:
        assert opened[3:5] == whole[3:5] and opened.shape[0] == 5
    apart = lacodec.decode(encode(video[2:4], group=2))
    assert apart == whole[2:4]


def test_threads_change_nothing():
    encoded, count = encode(panned(3)), torch.get_num_threads()
    one = lacodec.decode(encoded)
    try:
        torch.set_num_threads(3)
        assert lacodec.decode(encoded) == one
    finally:
        torch.set_num_threads(count)


def test_settings_of_torch_change_nothing():
    encoded = encode(panned(2))
    one = lacodec.decode(encoded)
    try:
        torch.set_float32_matmul_precision("medium")
        with torch.autocast("cpu", torch.bfloat16):
            assert lacodec.decode(encoded) == one
    finally:
        torch.set_float32_matmul_precision("highest")


def test_a_lost_group_is_black():
    video = panned(6)
    data = encode(b"".join(VIDEO.to_blocks(video, ".y4m")), group=2)
    good, out = lacodec.decode(data), io.BytesIO()
    data = broken(data, 1)
    with pytest.raises(CorruptFile):
        lacodec.decode(data)
    assert lacodec.decode_file(BytesSource(data), out, salvage=True).damage
    restored = VIDEO.from_source(BytesSource(out.getvalue())).planes[0]
    assert not restored[2:4].any() and np.array_equal(np.delete(restored, [2, 3], 0), np.delete(good.planes[0], [2, 3], 0))


def test_matroska_keeps_its_times_and_sound(tmp_path):
    av = pytest.importorskip("av")
    path = tmp_path / "clip.mkv"
    path.write_bytes(b"".join(VIDEO.to_blocks(panned(3), ".mkv")))
    lacodec.encode_file(path, tmp_path / "clip.lac", "video.learned", model=learned.model_file())
    lacodec.decode_file(tmp_path / "clip.lac", tmp_path / "again.mkv")
    with av.open(str(path)) as one, av.open(str(tmp_path / "again.mkv")) as other:
        assert [f.pts for f in one.decode(video=0)] == [f.pts for f in other.decode(video=0)]


def test_transparency_is_refused():
    planes = [np.zeros((1, 8, 8), np.uint8)] * 4
    with pytest.raises(BadInput, match="transparency"):
        encode(Video.from_planes(planes, "444a"))


@pytest.mark.parametrize(
    "options", [{"quality": 0}, {"quality": True}, {"quality": 101}, {"group": 0}, {"target_kbps": 0}, {"target_kbps": True}]
)
def test_bad_options(options):
    with pytest.raises(BadInput):
        encode(panned(1), **options)


def test_a_target():
    video = panned(4)
    assert rate_of(video) == 25
    for quality in (30, 70):
        size = Reader(BytesSource(encode(video, quality=quality))).chunk(0).payload  # a target is of streams, without header
        found = Reader(BytesSource(encode(video, target_kbps=(len(size) + 1) * 8 * 25 / 4 / 1000))).chunk(0).payload
        assert 0.8 * len(size) <= len(found) <= len(size) + 2
    with pytest.raises(BadInput, match="cannot be reached"):
        encode(video, target_kbps=0.01)


def test_a_target_judged_by_some_frames(monkeypatch):
    """The first frame takes most of the bits: what the others take decides."""
    monkeypatch.setattr(_target, "_FRAMES", 3)
    video = panned(7)
    size = len(Reader(BytesSource(encode(video, quality=50))).chunk(0).payload)
    found = len(Reader(BytesSource(encode(video, target_kbps=size * 8 * 25 / 7 / 1000))).chunk(0).payload)
    assert 0.75 * size <= found <= 1.25 * size


def test_forged_payloads():
    """Whatever the bytes are, the answer is an error or frames."""
    encoded = encode(panned(2))
    payload = Reader(BytesSource(encoded)).chunk(0).payload
    codec = lacodec.codec("video.learned")
    reader = Reader(BytesSource(encoded))
    chunk, rng = reader.chunk(0), np.random.default_rng(4)
    from dataclasses import replace

    from lacodec.codecs.video.learned.codec import LearnedVideo

    assert codec is not None
    for k in range(40):
        forged = bytearray(payload)
        for at in rng.integers(0, len(forged), 1 + k % 5):
            forged[at] = rng.integers(0, 256)
        forged = forged[: rng.integers(0, len(forged) + 1)] if k % 3 == 0 else forged
        if bytes(forged) == payload:
            continue
        with pytest.raises(LacodecError):
            LearnedVideo().decode_chunk(reader.header, replace(chunk, payload=bytes(forged)))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 1 << 30), st.integers(1, 5), st.integers(1, 5), st.sampled_from([1, 40, 30000]), st.booleans())
def test_any_symbols(seed, height, width, spread, has_past):
    """Latents come back for any means, scales and predictions, with the same state of the coder at the end."""
    rng, channels = np.random.default_rng(seed), 8
    shape = height, width, channels
    means, past = (rng.integers(-spread, spread + 1, shape).astype(np.int32) for _ in range(2))
    scales = rng.integers(0, 64, shape).astype(np.int32)
    wanted = (rng.integers(-spread, spread + 1, shape) / 7).astype(np.float32)
    jobs = np.array([(0, 4, 0, 0), (4, 8, 0, 0), (0, 8, 0, 1), (0, 8, 1, 0), (0, 8, 1, 1)], np.int64)
    pad = 2 * _latent_kernel.PAD
    before = rng.integers(0, 4, (height + pad, width + pad, channels)).astype(np.uint8)
    sums_before = rng.integers(0, 99, (3, height + 2, width + 2)).astype(np.int32)
    vectors = rng.integers(-_motion_kernel.REACH, _motion_kernel.REACH + 1, (2 * height, 2 * width, 2)).astype(np.int16)
    stream, found = np.zeros(1 << 16, np.uint8), []
    for decoding in (False, True):
        s = new_state(channels, "sparse-14", stream, decoding)
        values, sums = np.zeros(shape, np.int32), np.zeros_like(sums_before)
        moves = np.zeros_like(vectors) if decoding else vectors.copy()
        assert not _motion_kernel.code_vectors(s, int(decoding), moves)
        bad = _latent_kernel.code_step(
            s, jobs, int(decoding), int(has_past), 1.0, means, scales, past, np.zeros_like(wanted) if decoding else wanted,
            values, np.zeros_like(before), before, sums, sums_before,
        )  # fmt: skip
        assert not bad
        found.append((values, moves, sums, s.counters.copy(), s.weights.copy(), s.gains.copy()))
        if not decoding:
            end = int(s.registers[3])
            stream = np.append(stream[:end], np.frombuffer((int(s.registers[1]) >> 16).to_bytes(2, "big"), np.uint8))
    assert all(np.array_equal(a, b) for a, b in zip(*found, strict=True))
    assert np.abs(found[0][0] / 16 - wanted).max() <= 1.5


def test_fixed_transforms_resemble_the_networks():
    network = model_files.by_path(learned.model_file()).network
    pixels = photo(48, 64).transpose(2, 0, 1).astype(np.float32)
    t = torch.tensor([0.6])
    with torch.no_grad():
        latents = network.analysis(torch.from_numpy(pixels)[None], t)[0].numpy()
        fixed = FixedTransforms(network, 0.6)
        mine = fixed.analysis(np.rint((pixels - 127.5) * 16).astype(np.int32)) / 16
        assert np.abs(mine - latents).max() < 0.2
        sixteenths = np.rint(latents * 16).astype(np.int32)
        decoded = network.synthesis(torch.from_numpy(sixteenths / 16).float()[None], t)[0].numpy()
    assert np.abs(fixed.synthesis(sixteenths) / 16 + 127.5 - decoded).max() < 1.5


def test_our_exponential():
    x = np.linspace(-15, 15, 1001)
    assert np.allclose(exponential(x), np.exp(x), rtol=1e-11)
