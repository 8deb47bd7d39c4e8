"""What people send: folders, archives, and everything that can be wrong with them. One bad file stops no other."""

import gzip
import io
import os
import zipfile
import zlib

import pytest

from sightline.sources.intake import Limits, unpack

SMALL = Limits(member=50_000, total=120_000, ratio=100, small=5_000, members=20)


def received(paths, folder, limits=None):
    return {r.shown: (r.path.read_bytes() if r.path else str(r.error)) for r in unpack(paths, folder, limits=limits)}


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def test_a_folder_is_walked_in_order_and_litter_is_skipped(tmp_path):
    top = tmp_path / "sent"
    (top / "b").mkdir(parents=True)
    (top / ".git").mkdir()
    for name in ("z.csv", "b/a.csv", ".hidden", "Thumbs.db", "~$open.xlsx", ".git/config"):
        (top / name).write_text(name)
    assert [r.shown for r in unpack([top], tmp_path / "work")] == ["sent/z.csv", "sent/b/a.csv"]


def test_links_out_of_the_folder_are_refused_and_links_inside_are_not_read_twice(tmp_path):
    top = tmp_path / "sent"
    top.mkdir()
    (tmp_path / "secret.csv").write_text("secret")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x.csv").write_text("x")
    (top / "a.csv").write_text("a")
    (top / "again.csv").symlink_to(top / "a.csv")
    (top / "out.csv").symlink_to(tmp_path / "secret.csv")
    (top / "outside").symlink_to(tmp_path / "other")
    found = received([top], tmp_path / "work")
    assert found.pop("sent/a.csv") == b"a"
    assert sorted(found) == ["sent/out.csv", "sent/outside"]
    assert all("link to a place outside" in says for says in found.values())


def test_a_pipe_and_an_empty_file_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "none.csv").touch()
    (tmp_path / "none.zip").touch()
    paths = [tmp_path / "pipe", tmp_path / "none.csv", tmp_path / "none.zip"]
    found = received(paths, tmp_path / "work")
    assert "not a file" in found["pipe"]
    assert found["none.csv"].startswith("The file is empty (0 bytes)")
    assert found["none.zip"].startswith("The file is empty (0 bytes)")


def test_archives_are_told_by_content_and_opened_one_inside_another(tmp_path):
    inner = zipped(**{"deep.csv": b"deep"})
    (tmp_path / "a.dat").write_bytes(
        zipped(**{"f/x.csv": b"x", "y.csv.gz": gzip.compress(b"y"), "z.bin": inner, "__MACOSX/x.csv": b"litter"})
    )
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(b"b"))
    assert received([tmp_path / "a.dat", tmp_path / "b.csv.gz"], tmp_path / "work") == {
        "a.dat/f/x.csv": b"x",
        "a.dat/y.csv.gz/y.csv": b"y",
        "a.dat/z.bin/deep.csv": b"deep",
        "b.csv.gz/b.csv": b"b",
    }


def test_a_third_level_of_archives_is_refused(tmp_path):
    three = zipped(**{"2.zip": zipped(**{"3.zip": zipped(**{"x.csv": b"x"})}), "ok.csv": b"ok"})
    (tmp_path / "1.zip").write_bytes(three)
    found = received([tmp_path / "1.zip"], tmp_path / "work")
    assert found["1.zip/ok.csv"] == b"ok"
    assert "packed once" in found["1.zip/2.zip/3.zip"]


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path):
    (tmp_path / "bomb.zip").write_bytes(zipped(**{"big.csv": b"\0" * 10_000_000}))
    (tmp_path / "good.csv").write_text("a,b")
    found = received([tmp_path / "bomb.zip", tmp_path / "good.csv"], tmp_path / "work", SMALL)
    assert "swells to hundreds of times" in found["bomb.zip"]
    assert found["good.csv"] == b"a,b"
    assert not list((tmp_path / "work").glob("*"))


def test_a_bomb_that_lies_about_its_size_is_stopped(tmp_path):
    """The directory declares 100 bytes; the data hold ten million."""
    content = zipped(**{"big.csv": b"\0" * 10_000_000})
    size = (10_000_000).to_bytes(4, "little")
    (tmp_path / "liar.zip").write_bytes(content.replace(size, (100).to_bytes(4, "little")))
    found = received([tmp_path / "liar.zip"], tmp_path / "work", SMALL)
    assert "damaged" in found["liar.zip/big.csv"]


def test_a_gzip_bomb_is_stopped_while_it_is_unpacked(tmp_path):
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(b"\0" * 10_000_000))
    found = received([tmp_path / "bomb.gz"], tmp_path / "work", SMALL)
    assert "swells to hundreds of times" in found["bomb.gz"]
    assert not list((tmp_path / "work").glob("*"))


def test_overlapping_members_are_refused(tmp_path):
    """Many names for one packed stream: each small, all together without end."""
    content = bytearray(zipped(**{"a.csv": os.urandom(3_000), "b.csv": b"b"}))
    with zipfile.ZipFile(io.BytesIO(bytes(content))) as archive:
        second = archive.getinfo("b.csv").header_offset
    entry = content.rfind(b"PK\x01\x02")
    assert content[entry + 42 : entry + 46] == second.to_bytes(4, "little")
    content[entry + 42 : entry + 46] = (0).to_bytes(4, "little")
    (tmp_path / "overlap.zip").write_bytes(bytes(content))
    assert "damaged" in received([tmp_path / "overlap.zip"], tmp_path / "work")["overlap.zip/b.csv"]


def test_too_large_in_total_is_refused_but_what_came_before_is_kept(tmp_path):
    noise = [os.urandom(45_000) for _ in range(4)]
    (tmp_path / "a.zip").write_bytes(zipped(**{f"{n}.csv": content for n, content in enumerate(noise)}))
    found = received([tmp_path / "a.zip"], tmp_path / "work", SMALL)
    assert found["a.zip/0.csv"] == noise[0]
    assert "larger than Sightline unpacks" in found["a.zip/3.csv"]


def test_too_many_members_are_refused(tmp_path):
    (tmp_path / "a.zip").write_bytes(zipped(**{f"{n}.csv": b"x" for n in range(30)}))
    assert "more than 20 files" in received([tmp_path / "a.zip"], tmp_path / "work", SMALL)["a.zip"]


@pytest.mark.parametrize("name", ["../out.csv", "/etc/out.csv", "C:\\out.csv", "a/../../out.csv", "..\\out.csv"])
def test_a_name_that_points_outside_is_refused_and_nothing_is_written_there(tmp_path, name):
    (tmp_path / "a.zip").write_bytes(zipped(**{name: b"harm", "good.csv": b"good"}))
    found = received([tmp_path / "a.zip"], tmp_path / "deep" / "work")
    assert found.pop("a.zip/good.csv") == b"good"
    (says,) = found.values()
    assert "points outside" in says
    assert not list(tmp_path.rglob("out.csv"))


def test_a_link_and_an_encrypted_member_are_refused(tmp_path):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("link.csv")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("good.csv", "good")
        archive.writestr("locked.csv", "locked")
    content = bytearray(out.getvalue())
    entry = content.rfind(b"PK\x01\x02")
    content[entry + 8] |= 1  # the directory's mark of encryption
    (tmp_path / "a.zip").write_bytes(bytes(content))
    found = received([tmp_path / "a.zip"], tmp_path / "work")
    assert found["a.zip/good.csv"] == b"good"
    assert "link inside an archive" in found["a.zip/link.csv"]
    assert "protected by a password" in found["a.zip/locked.csv"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (zipped(**{"x.csv": b"x" * 1000})[:60], "damaged or cut short"),
        (zipped(), "holds no files"),
        (gzip.compress(os.urandom(2000))[:-9], "damaged or cut short"),
        (b"\x1f\x8b\x08junk", "damaged or cut short"),
    ],
    ids=["cut zip", "zip without files", "cut gzip", "gzip of junk"],
)
def test_damaged_archives_are_refused(tmp_path, content, says):
    (tmp_path / "a.bin").write_bytes(content)
    (message,) = received([tmp_path / "a.bin"], tmp_path / "work").values()
    assert says in message


def test_a_wrong_checksum_is_damage(tmp_path):
    content = bytearray(zipped(**{"x.csv": b"hello"}))
    crc = zlib.crc32(b"hello").to_bytes(4, "little")
    (tmp_path / "a.zip").write_bytes(bytes(content).replace(crc, b"\0\0\0\0"))
    assert "damaged" in received([tmp_path / "a.zip"], tmp_path / "work")["a.zip/x.csv"]


def test_an_office_document_is_one_file(tmp_path):
    letter = zipped(**{"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<document/>"})
    (tmp_path / "letter.csv").write_bytes(letter)
    assert received([tmp_path / "letter.csv"], tmp_path / "work") == {"letter.csv": letter}


def test_a_damaged_workbook_is_refused(tmp_path):
    book = zipped(**{"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>"})
    (tmp_path / "book.xlsx").write_bytes(book)
    assert "damaged" in received([tmp_path / "book.xlsx"], tmp_path / "work")["book.xlsx"]
