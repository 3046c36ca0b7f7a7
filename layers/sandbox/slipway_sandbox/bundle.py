"""Unpacks a bundle of sources. Nothing touches the disk: files become `Source`s, counted while they are unpacked."""

from __future__ import annotations

import io
import stat
import unicodedata
import zipfile
import zlib

from slipway_sandbox.job import BadJob, Source, check_path
from slipway_sandbox.manifest import MAX_FILES, MAX_SOURCE_BYTES, BadManifest, check_sources

MAX_DEPTH = 32
CHUNK = 64 * 1024


def unpack(archive: bytes) -> tuple[Source, ...]:
    """The files of a zip; raises BadManifest for links, devices, traversal, collisions and what is too large."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as zipped:
            sources = _read_all(zipped)
    except BadManifest:
        raise
    except BadJob as error:
        raise BadManifest(f"the bundle: {error}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeError) as error:
        raise BadManifest(f"the bundle is not a readable zip: {error}") from None
    check_sources(sources)
    return sources


def _read_all(zipped: zipfile.ZipFile) -> tuple[Source, ...]:
    if len(zipped.infolist()) > 2 * MAX_FILES:
        raise BadManifest(f"the bundle has {len(zipped.infolist())} entries: at most {2 * MAX_FILES}")
    sources: list[Source] = []
    folded: set[str] = set()
    left = MAX_SOURCE_BYTES
    for entry in zipped.infolist():
        if entry.is_dir():
            continue
        path = _path(entry)
        alike = unicodedata.normalize("NFC", path).casefold()
        if alike in folded:
            raise BadManifest(f"the bundle has two files named {path!r} when case and accents are folded")
        folded.add(alike)
        content = _read(zipped, entry, left)
        left -= len(content)
        sources.append(Source(path, content))
    return tuple(sources)


def _path(entry: zipfile.ZipInfo) -> str:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise BadManifest(f"the bundle's {entry.filename!r} is a link or a device: only plain files can be sent")
    if entry.filename.count("/") >= MAX_DEPTH:
        raise BadManifest(f"the bundle's {entry.filename[:80]!r} is more than {MAX_DEPTH} folders deep")
    return check_path(entry.filename)


def _read(zipped: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int) -> bytes:
    """At most `left` bytes: the sizes written in a zip are claims, so what comes out is counted."""
    content = bytearray()
    with zipped.open(entry) as file:
        while chunk := file.read(CHUNK):
            content += chunk
            if len(content) > left:
                raise BadManifest(f"the bundle unpacks to more than {MAX_SOURCE_BYTES} bytes")
    return bytes(content)
