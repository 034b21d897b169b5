"""The report page in headless Chromium: loaded without errors, clicked through, by keyboard, by touch, narrow, dark."""

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lacodec.evaluation.audio.sound import Sound
from lacodec.evaluation.report import page, pictures, sounds
from lacodec.evaluation.report.chart import Chart, Mark, Series, drawn

sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")]


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    pixels = np.indices((192, 256)).sum(axis=0).astype(np.uint8)[..., None].repeat(3, axis=2)
    worse = pixels.copy()
    worse[64:128, 64:128] //= 2
    made = [pictures.Version(name, "quality 1", 100, None, one, 0.1) for name, one in (("ours", worse), ("theirs", pixels))]
    tone = np.sin(np.arange(12 * 8000) / 10)[:, None] / 2
    group = sounds.Group("tone", Sound(tone, 8000), [("8 kbit/s", [sounds.Version("ours", "", Sound(tone / 2, 8000))])])
    chart = drawn(Chart("curve", "x", "y", [Series("ours", [Mark(1, 1, "first"), Mark(2, 3, "second")], "ours")]))
    sections = [
        page.section("Pictures", pictures.section("p", pixels, made)),
        page.section("Sounds", sounds.section(group)),
        chart,
    ]
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(page.page("Report", sections, []))
    return path


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        )
        yield found
        found.close()


def opened(browser, report: Path, **settings) -> Iterator:
    errors: list[str] = []
    view = browser.new_context(**settings).new_page()
    view.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    view.on("pageerror", lambda error: errors.append(str(error)))
    view.on("request", lambda request: errors.append(request.url) if not request.url.startswith(("data:", "file:")) else None)
    view.goto(report.as_uri())
    yield view
    assert errors == []
    view.context.close()


@pytest.fixture
def view(browser, report: Path):
    yield from opened(browser, report, viewport={"width": 1200, "height": 900})


@pytest.fixture
def phone(browser, report: Path):
    yield from opened(
        browser, report, viewport={"width": 360, "height": 700}, color_scheme="dark", has_touch=True, is_mobile=True
    )


def transforms(view) -> list[str]:
    return view.eval_on_selector_all(".layer img", "all => all.map(one => one.style.transform)")


def test_pictures_by_mouse(view) -> None:
    stage = view.locator(".stage")
    view.get_by_role("button", name="Side by side").click()
    assert stage.get_attribute("data-mode") == "side"
    view.get_by_role("button", name="+", exact=True).click()
    first, second = transforms(view)
    assert first == second != ""  # both panes show the same part
    view.get_by_role("button", name="Next worst block").click()
    assert "worst block 1 of" in view.locator(".viewer").inner_text() and view.locator(".mark").is_visible()
    view.get_by_role("button", name="Difference").click()
    assert view.eval_on_selector(".stage", "one => getComputedStyle(one).filter") == "brightness(8)"
    view.get_by_role("button", name="Slider", exact=True).click()
    box = view.locator(".split").bounding_box()
    view.mouse.move(box["x"] + box["width"] / 2, box["y"] + 9)
    view.mouse.down()
    view.mouse.move(box["x"] - 200, box["y"] + 9)
    view.mouse.up()
    clip = view.eval_on_selector(".layer.b", "one => one.style.clipPath")
    assert 20 < float(clip.split()[-1].rstrip("%)")) < 45
    view.get_by_label("right or second picture").select_option("2")
    assert "theirs" in view.locator(".tag.b").inner_text()


def test_pictures_by_keyboard(view) -> None:
    stage = view.locator(".stage")
    stage.focus()
    for key, mode in (("f", "flicker"), ("d", "difference"), ("i", "side"), ("s", "slider")):
        view.keyboard.press(key)
        assert stage.get_attribute("data-mode") == mode
    view.keyboard.press("2")
    assert "theirs" in view.locator(".tag.b").inner_text()
    view.keyboard.press("o")
    assert view.locator(".tag.b").inner_text() == "original"
    before = transforms(view)
    view.keyboard.press("+")
    view.keyboard.press("ArrowRight")
    assert transforms(view) != before
    view.keyboard.press("0")
    assert transforms(view) == before


def test_flicker_shows_one_after_the_other(view) -> None:
    view.get_by_role("button", name="Flicker").click()
    seen = set()
    for _ in range(8):
        seen.add(view.eval_on_selector(".layer.b", "one => one.style.visibility"))
        view.wait_for_timeout(200)
    assert seen == {"", "hidden"}


def test_difference_is_eight_times_the_difference(view) -> None:
    view.get_by_role("button", name="Difference").click()
    view.get_by_label("right or second picture").select_option("2")
    assert picture_of(view).max() <= 8  # theirs is the original
    view.get_by_label("right or second picture").select_option("1")
    assert picture_of(view).max() == 255


def picture_of(view) -> np.ndarray:
    with Image.open(io.BytesIO(view.locator(".stage").screenshot())) as shot:
        return np.asarray(shot.convert("L"))[20:-20, 20:-20]  # without the round corners


def test_sounds_take_over_and_the_blind_test_counts(view) -> None:
    view.evaluate("document.querySelectorAll('audio')[0].currentTime = 0.7")
    view.get_by_role("button", name="Play A").click()
    playing(view, 0)
    view.get_by_role("button", name="Play B").click()
    playing(view, 1)
    assert view.evaluate("document.querySelectorAll('audio')[0].paused")
    assert view.evaluate("document.querySelectorAll('audio')[1].currentTime") >= 0.7
    view.get_by_role("button", name="Play X").click()
    for _ in range(4):
        view.get_by_role("button", name="X is A").click()
    assert "of 4 right" in view.locator(".abx").inner_text()


def playing(view, place: int) -> None:
    """Wait until a player plays (the page's policy forbids `wait_for_function`)."""
    for _ in range(50):
        if not view.evaluate(f"document.querySelectorAll('audio')[{place}].paused"):
            return
        view.wait_for_timeout(100)
    raise AssertionError(f"player {place} does not play")


def test_charts_speak_and_hide(view) -> None:
    view.locator("circle").nth(1).hover()
    assert view.locator("#tip").inner_text() == "ours: second"
    view.locator("circle").nth(0).focus()
    assert view.locator("#tip").inner_text() == "ours: first"
    view.locator(".legend button").click()
    assert not view.locator("circle").nth(0).is_visible()


def test_on_a_phone_in_the_dark(phone) -> None:
    assert phone.evaluate("document.documentElement.scrollWidth") <= 360
    assert phone.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(23, 24, 27)"
    phone.get_by_role("button", name="Flicker").tap()
    assert phone.locator(".stage").get_attribute("data-mode") == "flicker"
    phone.locator("circle").nth(0).tap()
    assert phone.locator("#tip").inner_text() == "ours: first"
