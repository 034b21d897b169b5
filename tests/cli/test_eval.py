"""`lacodec eval rd`: tables, JSON, plots, and what it says when something is wrong."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lacodec.testing import photo

SWEEP = ("--sweep", "quality=1,30,50,70,80,90")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    (folder / "more").mkdir(parents=True)
    for name, seed in (("a.png", 1), ("b.ppm", 2), ("more/c.png", 3)):
        Image.fromarray(photo(170, 180, seed=seed)).save(folder / name)
    (folder / "notes.txt").write_text("no picture")
    return folder


@pytest.fixture
def environment(environment: dict[str, str], tmp_path: Path, repository: Path) -> dict[str, str]:
    """A machine where a package with the codec `coarse` is installed."""
    metadata = tmp_path / "installed" / "coarse-1.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: coarse\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[lacodec.codecs]\ncoarse = tests.cli.coarse_codec:Coarse\n")
    return {**environment, "PYTHONPATH": f"{tmp_path / 'installed'}:{repository}"}


def test_a_codec_beside_peers(lacodec, pictures: Path, tmp_path: Path) -> None:
    done = lacodec(
        "eval", "rd", "--codec", "coarse", "--level", "9", *SWEEP, "--peers", "webp,jpeg", "--data", "pictures",
        "--against", "jpeg", "--json", "out.json", "--threads", "2",
    )  # fmt: skip
    said = done.stdout.decode()
    for part in ("pictures: 3 pictures", "coarse --level 9", "quality 70", "BD-rate against jpeg", " dB", "%"):
        assert part in said
    assert done.stderr.decode() == "pictures: 1 files left out: not pictures of a lossless format\n"
    found = json.loads((tmp_path / "out.json").read_text())
    assert [curve["name"] for curve in found["curves"]] == ["coarse --level 9", "jpeg", "webp"]
    assert [picture["name"] for picture in found["pictures"]] == ["a.png", "b.ppm", "c.png"]
    assert set(found["bd_rate"]["curves"]) == {"coarse --level 9", "webp"}
    assert found["bd_rate"]["curves"]["webp"]["percent"] < 0 < found["bd_rate"]["curves"]["coarse --level 9"]["percent"]
    assert found["problems"] == []


def test_the_figures_are_those_of_real_files(lacodec, pictures: Path, tmp_path: Path) -> None:
    lacodec("eval", "rd", "-q", "--codec", "coarse", "--sweep", "quality=70", "--peers", "none", "--data", pictures / "a.png",
            "--json", "out.json")  # fmt: skip
    point = json.loads((tmp_path / "out.json").read_text())["curves"][0]["points"][0]
    lacodec("encode", "--codec", "coarse", "--quality", "70", pictures / "b.ppm", "-o", "b.lac")
    lacodec("encode", "--codec", "coarse", "--quality", "70", pictures / "a.png", "-o", "a.lac")
    lacodec("decode", "a.lac", "-o", "a.png")
    stored_name = len(b"a.png") + 10  # what the header of a file from disk says beyond that of an array
    assert 0 <= (tmp_path / "a.lac").stat().st_size - point["pictures"]["bytes"][0] < 2 * stored_name
    assert point["bpp"] == pytest.approx(8 * point["pictures"]["bytes"][0] / (170 * 180), abs=1e-6)
    original, decoded = (np.asarray(Image.open(path)).astype(float) for path in (pictures / "a.png", tmp_path / "a.png"))
    assert point["psnr"] == pytest.approx(10 * np.log10(255**2 / np.mean((original - decoded) ** 2)), abs=1e-5)


def test_help_starts_light(tmp_path: Path, environment: dict[str, str]) -> None:
    program = (
        "import sys\nfrom lacodec.cli import main\n"
        "try:\n    main(['eval', 'rd', '--help'])\nexcept SystemExit:\n    pass\n"
        "print({'numpy', 'numba', 'torch', 'rich', 'matplotlib', 'PIL'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, timeout=60)
    assert done.stderr.strip() == b"set()"
    assert b"--against" in done.stdout


def test_progress_on_a_terminal(pictures: Path, tmp_path: Path, program: list[str], environment: dict[str, str]) -> None:
    for i in range(20):
        (pictures / f"{i}.png").write_bytes((pictures / "a.png").read_bytes())
    ours, theirs = pty.openpty()
    command = [*program, "eval", "rd", "--peers", "jpeg", "--data", "pictures"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs, cwd=tmp_path, env=environment) as process:
        os.close(theirs)
        shown = b""
        while block := _read(ours):
            shown += block
        os.close(ours)
    assert process.returncode == 0
    assert b"measure" in shown


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so when the other side has closed
        return b""


def test_plot(lacodec, pictures: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    common = ("eval", "rd", "-q", "--codec", "coarse", *SWEEP, "--peers", "jpeg", "--data", "pictures")
    lacodec(*common, "--plot", "plot.svg", "--metric", "ms-ssim")
    assert ">MS-SSIM in dB" in (tmp_path / "plot.svg").read_text()
    assert b"exists" in lacodec(*common, "--plot", "plot.svg", code=1).stderr
    lacodec(*common, "--plot", "plot.svg", "--range", "0.5:3", "--force")
    assert ">PSNR in dB" in (tmp_path / "plot.svg").read_text()


def test_a_plot_without_matplotlib(lacodec, pictures: Path, tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "broken" / "matplotlib").mkdir(parents=True)
    (tmp_path / "broken" / "matplotlib" / "__init__.py").write_text("raise ImportError('as if it were not there')")
    path = f"{tmp_path / 'broken'}:{environment['PYTHONPATH']}"
    done = lacodec("eval", "rd", "--peers", "jpeg", "--data", "pictures", "--plot", "plot.png", code=1, env={"PYTHONPATH": path})
    assert b"lacodec[plot]" in done.stderr
    assert done.stdout == b"" and not (tmp_path / "plot.png").exists()


def test_broken_pictures_are_told_and_left_out(lacodec, pictures: Path) -> None:
    (pictures / "broken.png").write_bytes((pictures / "a.png").read_bytes()[:500])
    done = lacodec("eval", "rd", "-q", "--peers", "jpeg", "--data", "pictures", code=1)
    assert done.stderr.decode().startswith("lacodec: pictures/broken.png: cannot be read as a picture")
    assert "pictures: 3 pictures" in done.stdout.decode()


def test_curves_without_a_common_range(lacodec, pictures: Path) -> None:
    said = lacodec(
        "eval", "rd", "-q", "--codec", "coarse", "--sweep", "quality=90,95", "--peers", "jpeg", "--data", "pictures",
        "--against", "jpeg",
    ).stdout.decode()  # fmt: skip
    assert "a BD-rate needs at least 4" in said


@pytest.mark.parametrize(
    "arguments",
    [
        ["eval"],
        ["eval", "rd"],
        ["eval", "fly", "--data", "pictures"],
        ["eval", "rd", "--data", "pictures", "--peers", "nobody"],
        ["eval", "rd", "--data", "pictures", "--peers", "none"],
        ["eval", "rd", "--data", "pictures", "--codec", "nothing"],
        ["eval", "rd", "--data", "pictures", "--peers", "jpeg", "--anchor", "nobody"],
        ["eval", "rd", "--data", "pictures", "--peers", "jpeg", "--against", "webp"],
        ["eval", "rd", "--data", "pictures", "--peers", "jpeg", "--range", "1:0.1"],
        ["eval", "rd", "--data", "pictures", "--peers", "jpeg", "--range", "0.1"],
        ["eval", "rd", "--data", "pictures", "--peers", "jpeg", "--plot", "plot.jpg"],
        ["eval", "rd", "--data", "pictures", "--codec", "coarse", "--sweep", "quality=much"],
        ["eval", "rd", "--data", "pictures", "--codec", "coarse", "--sweep", "quality"],
        ["eval", "rd", "--data", "pictures", "--codec", "coarse", "--quality", "9"],
        ["eval", "rd", "--data", "-", "--peers", "jpeg"],
    ],
)
def test_wrong_usage_is_2(lacodec, pictures: Path, arguments: list[str]) -> None:
    done = lacodec(*arguments, code=2)
    assert done.stdout == b""
    assert done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--data", "missing", "--peers", "jpeg"], "missing"),
        (["--data", "empty", "--peers", "jpeg"], "no pictures"),
        (["--data", "pictures", "--codec", "image.lossless"], "not a lossy image codec"),
        (["--data", "pictures", "--codec", "coarse", "--sweep", "speed=1"], "no option 'speed'"),
        (["--data", "pictures", "--codec", "coarse", "--sweep", "quality=0"], "quality is 0"),
        (["--data", "pictures", "--peers", "jpeg", "--anchor", "vtm"], "Kodak"),
        (["--data", "pictures", "--peers", "jpeg", "--against", "vtm"], "Kodak"),
        (["--data", "pictures", "--peers", "jpeg", "--json", "no/out.json"], "no such folder"),
        (["--data", "pictures/a.png", "--peers", "jpeg", "--json", "pictures/a.png"], "already exists"),
    ],
)
def test_errors_are_one_line_and_1(lacodec, pictures: Path, tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "empty").mkdir()
    done = lacodec("eval", "rd", "-q", *arguments, code=1)
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 1 and lines[0].startswith("lacodec: ") and said in lines[0]
    assert done.stdout == b""


def test_html_report(lacodec, pictures: Path, tmp_path: Path) -> None:
    common = ("eval", "rd", "-q", "--codec", "coarse", *SWEEP, "--peers", "webp,jpeg", "--data", "pictures", "--against", "webp")
    lacodec(*common, "--html", "report.html")
    text = (tmp_path / "report.html").read_text()
    assert text.count('<div class="viewer"') == 3 and text.count("data:image/webp") == 3 * 4
    for part in (
        "pictures: 3 pictures",
        "coarse",
        "sets the size",
        "BD-rate against webp",
        "<dt>command</dt>",
        "Pillow: libwebp",
    ):
        assert part in text
    assert b"exists" in lacodec(*common, "--html", "report.html", code=1).stderr
    assert b"no such folder" in lacodec(*common, "--html", "none/report.html", code=1).stderr


def test_html_report_of_text(lacodec, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a <text> of a few words " * 50)
    lacodec("eval", "bpc", "-q", "a.txt", "--codec", "bytes", "--effort", "1", "--html", "report.html")
    text = (tmp_path / "report.html").read_text()
    assert "bytes --effort 1" in text and "a.txt" in text and text.count("<circle") == 1
