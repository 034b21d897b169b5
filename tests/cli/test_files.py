"""Files, folders and pipes go in and come back; what must not be overwritten is not."""

import json
import os
import stat
from pathlib import Path

import pytest

from lacodec.testing import photo


@pytest.mark.parametrize("effort", [1, 5])
def test_file_and_back(lacodec, text: Path, effort: int) -> None:
    done = lacodec("encode", "text.txt", "--effort", str(effort))
    assert b"identical bytes (verified)" in done.stdout
    encoded = text.with_name("text.txt.lac")
    assert encoded.stat().st_size < text.stat().st_size / 3
    content = text.read_bytes()
    text.unlink()
    lacodec("decode", "text.txt.lac")
    assert text.read_bytes() == content
    assert encoded.exists()


@pytest.mark.parametrize("content", [b"", b"x", bytes(70000)])
def test_pipes(lacodec, content: bytes) -> None:
    encoded = lacodec("encode", "--effort", "1", "-", stdin=content).stdout
    assert encoded
    assert lacodec("decode", "-", stdin=encoded).stdout == content


def test_pipe_out_keeps_messages_apart(lacodec, text: Path) -> None:
    done = lacodec("encode", "text.txt", "-o", "-", "--effort", "1")
    assert b"identical" in done.stderr
    assert lacodec("decode", "-", "-q", stdin=done.stdout).stdout == text.read_bytes()


def test_folder_is_mirrored(lacodec, tmp_path: Path) -> None:
    (tmp_path / "in" / "deep" / "er").mkdir(parents=True)
    (tmp_path / "in" / "empty").mkdir()
    files = {"a.txt": b"a" * 999, "deep/b": b"b" * 999, "deep/er/c.bin": bytes(range(256)), "zero": b""}
    for name, content in files.items():
        (tmp_path / "in" / name).write_bytes(content)
    lacodec("encode", "--effort", "1", "in", "-o", "out")
    assert {str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*") if p.is_file()} == {
        f"{name}.lac" for name in files
    }
    assert (tmp_path / "out" / "empty").is_dir()
    lacodec("decode", "out", "-o", "back")
    assert {str(p.relative_to(tmp_path / "back")): p.read_bytes() for p in (tmp_path / "back").rglob("*") if p.is_file()} == files
    assert (tmp_path / "back" / "empty").is_dir()


def test_folder_without_output_stands_beside(lacodec, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").write_bytes(b"a" * 99)
    lacodec("encode", "--effort", "1", "in/")
    assert (tmp_path / "in.lac" / "a.lac").is_file()


def test_several_inputs_and_a_folder_to_put_them_in(lacodec, tmp_path: Path, text: Path) -> None:
    (tmp_path / "b.txt").write_bytes(b"b" * 500)
    lacodec("encode", "--effort", "1", "text.txt", "b.txt", "-o", "out")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["b.txt.lac", "text.txt.lac"]


def test_one_bad_file_does_not_stop_the_others(lacodec, tmp_path: Path, text: Path) -> None:
    (tmp_path / "b.txt").write_bytes(b"b" * 500)
    (tmp_path / "b.txt.lac").write_bytes(b"mine")
    done = lacodec("encode", "--effort", "1", "b.txt", "text.txt", code=1)
    assert (tmp_path / "text.txt.lac").exists()
    assert b"b.txt.lac" in done.stderr
    assert b"1 of 2 files failed" in done.stderr
    done = lacodec("encode", "--effort", "4", "--max-memory", "1M", "b.txt", "text.txt", "-o", "out", code=1)
    assert b"lacodec: b.txt: " in done.stderr and b"lacodec: text.txt: " in done.stderr
    assert lacodec("encode", "--effort", "12", "b.txt", "text.txt", code=1).stderr.count(b"\n") == 1
    assert (tmp_path / "b.txt.lac").read_bytes() == b"mine"


def test_decoding_a_folder_goes_by_content(lacodec, tmp_path: Path, text: Path) -> None:
    lacodec("encode", "--effort", "1", "text.txt", "-o", "in/odd.name", code=0)
    (tmp_path / "in" / "readme.lac").write_bytes(b"not one of ours")
    done = lacodec("decode", "in", "-o", "out")
    assert b"readme.lac" in done.stderr
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["odd.name.decoded"]


def test_encoding_a_folder_leaves_out_what_is_encoded(lacodec, tmp_path: Path, text: Path) -> None:
    lacodec("encode", "--effort", "1", "text.txt", "-o", "in/a.lac")
    (tmp_path / "in" / "b.lac").write_bytes(b"not one of ours")
    done = lacodec("encode", "--effort", "1", "in", "-o", "out")
    assert b"in/a.lac: skipped, it is already a .lac file; name it to encode it again\n" in done.stderr
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["b.lac.lac"]
    lacodec("encode", "--effort", "1", "in/a.lac", "-o", "twice")
    lacodec("decode", "twice", "-o", "once")
    assert (tmp_path / "once").read_bytes() == (tmp_path / "in" / "a.lac").read_bytes()


def test_a_suffix_that_cannot_be_written_is_said(lacodec, tmp_path: Path) -> None:
    picture = tmp_path / "photo.ppm"
    picture.write_bytes(b"P6\n20 30\n255\n" + photo(30, 20).tobytes())
    lacodec("encode", "--codec", "image.lossless", "--effort", "1", "photo.ppm")
    done = lacodec("decode", "photo.ppm.lac", "-o", "photo.jpg")
    assert b"photo.jpg: it is a PPM file: .jpg cannot be written from image.lossless, only .bmp, .pgm, .png, " in done.stderr
    assert (tmp_path / "photo.jpg").read_bytes() == picture.read_bytes()
    assert b"written" not in lacodec("decode", "photo.ppm.lac", "-o", "photo.png").stderr
    assert (tmp_path / "photo.png").read_bytes().startswith(b"\x89PNG")
    assert b"written" not in lacodec("decode", "photo.ppm.lac", "-o", "photo").stderr


def test_overwriting_needs_force(lacodec, text: Path) -> None:
    lacodec("encode", "text.txt", "--effort", "1")
    encoded = text.with_name("text.txt.lac")
    encoded.write_bytes(b"something else")
    done = lacodec("encode", "text.txt", "--effort", "1", code=1)
    assert b"--force" in done.stderr
    assert encoded.read_bytes() == b"something else"
    lacodec("encode", "text.txt", "--effort", "1", "--force")
    assert encoded.read_bytes() != b"something else"
    assert b"--force" in lacodec("decode", "text.txt.lac", code=1).stderr


def test_rm_removes_the_input_only_after_success(lacodec, text: Path) -> None:
    target = text.with_name("text.txt.lac")
    target.write_bytes(b"in the way")
    lacodec("encode", "text.txt", "--effort", "1", "--rm", code=1)
    assert text.exists()
    target.unlink()
    lacodec("encode", "text.txt", "--effort", "1", "--rm")
    assert not text.exists()
    lacodec("decode", "--rm", "text.txt.lac")
    assert text.exists()
    assert not target.exists()


def test_output_has_ordinary_permissions(lacodec, text: Path) -> None:
    lacodec("encode", "text.txt", "--effort", "1")
    plain = text.with_name("plain")
    plain.touch()
    assert stat.S_IMODE(text.with_name("text.txt.lac").stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_json_says_the_same(lacodec, text: Path) -> None:
    row = json.loads(lacodec("encode", "text.txt", "--effort", "1", "--json").stdout)
    assert row["size"] == text.stat().st_size
    assert row["encoded"] == text.with_name("text.txt.lac").stat().st_size
    assert (row["codec"], row["identical"], row["verified"]) == ("bytes", "bytes", True)
    row = json.loads(lacodec("decode", "text.txt.lac", "-o", "back", "--json").stdout)
    assert row["size"] == text.stat().st_size


def test_quiet_is_silent(lacodec, text: Path) -> None:
    for arguments in (["encode", "-q", "text.txt", "--effort", "1"], ["decode", "-q", "text.txt.lac", "-o", "b"]):
        done = lacodec(*arguments)
        assert done.stdout == done.stderr == b""


def test_threads_do_not_change_the_bytes(lacodec, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"".join(b"%d," % (i * i) for i in range(400_000)))
    one = lacodec("encode", "big", "--effort", "1", "--threads", "1", "-o", "-").stdout
    two = lacodec("encode", "big", "--effort", "1", "--threads", "2", "-o", "-").stdout
    assert one == two


def test_names_need_not_be_text(lacodec, tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9 \xf0\x9f\x98\x80 \n.txt")
    (tmp_path / name).write_bytes(b"content " * 99)
    # What a terminal would obey is shown as question marks.
    assert lacodec("encode", "--effort", "1", name).stdout.startswith("caf? 😀 ?.txt: ".encode())
    assert lacodec("info", name + ".lac").stdout.startswith("caf? 😀 ?.txt.lac\n".encode())
    lacodec("decode", name + ".lac", "-o", "back")
    assert (tmp_path / "back").read_bytes() == b"content " * 99
