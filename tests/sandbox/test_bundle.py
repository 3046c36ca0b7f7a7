"""A bundle is data from strangers: nothing in it may lead outside, and it may not grow beyond what is allowed."""

from __future__ import annotations

import io
import stat
import zipfile

import pytest
from slipway_sandbox import bundle
from slipway_sandbox.bundle import unpack
from slipway_sandbox.job import Source
from slipway_sandbox.manifest import BadManifest


def archive(*entries: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in entries:
            zipped.writestr(name, content)
    return made.getvalue()


def test_plain_files_come_out() -> None:
    assert unpack(archive(("a/", b""), ("a/b.py", b"1"), ("c", b"\0\xff"))) == (
        Source("a/b.py", b"1"),
        Source("c", b"\0\xff"),
    )


def link() -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo("link")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


@pytest.mark.parametrize(
    "entries",
    [
        (("../x", b""),),
        (("/etc/x", b""),),
        (("a/../../x", b""),),
        ((link(), b"/etc/passwd"),),
        (("A", b""), ("a", b"")),
        (("caf\u00e9", b""), ("cafe\u0301", b"")),
        (("a", b""), ("a/b", b"")),
        (("/".join("d" * 40), b""),),
        (("x" * 300, b""),),
        (),
    ],
)
def test_what_cannot_be_a_project_is_refused(entries: tuple[tuple[str, bytes], ...]) -> None:
    with pytest.raises(BadManifest):
        unpack(archive(*entries))


@pytest.mark.parametrize(
    "content", [b"", b"not a zip", archive(("a", b"x" * 1000))[:-30]], ids=["nothing", "text", "cut off"]
)
def test_what_is_no_zip_is_refused(content: bytes) -> None:
    with pytest.raises(BadManifest):
        unpack(content)


def test_damaged_content_is_refused() -> None:
    whole = bytearray(archive(("a", bytes(range(256)) * 10)))
    whole[60] ^= 0xFF
    with pytest.raises(BadManifest):
        unpack(bytes(whole))


def test_a_bomb_is_counted_while_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = archive(("a", b"\0" * 3_000_000))
    assert len(bomb) < 10_000
    monkeypatch.setattr(bundle, "MAX_SOURCE_BYTES", 1_000_000)
    with pytest.raises(BadManifest, match="unpacks to more"):
        unpack(bomb)
