"""Downloads a bundle of sources from a signed URL."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import time
from urllib.parse import urlsplit

from slipway_sandbox.bundle import unpack
from slipway_sandbox.channel import connection
from slipway_sandbox.job import Source
from slipway_sandbox.manifest import Bundle

MOST = 64 * 1024 * 1024  # bytes of the zip
PAUSES = (0.1, 0.5, 2.0)  # seconds before trying again


class Unfetched(Exception):
    """The bundle is not to be had, or is not the one that was named: another attempt gets another."""


def fetch(bundle: Bundle) -> tuple[Source, ...]:
    """Raises Unfetched, or BadManifest when what was sent cannot be unpacked."""
    for pause in (*PAUSES, None):
        try:
            archive = _get(bundle.url)
        except (OSError, http.client.HTTPException) as error:
            if pause is None:
                raise Unfetched(f"the bundle cannot be downloaded: {error}") from None
            time.sleep(pause)
        else:
            break
    if hashlib.sha256(archive).hexdigest() != bundle.sha256:
        raise Unfetched("the bundle is not the one that was named: its sha-256 differs")
    return unpack(archive)


def _get(url: str) -> bytes:
    """No redirects: a signed URL has none. Raises OSError for what may pass, Unfetched for what will not."""
    parts = urlsplit(url)
    with contextlib.closing(connection(url)) as there:
        there.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""))
        response = there.getresponse()
        if response.status >= 500:
            raise OSError(f"status {response.status}")
        if response.status != 200:
            raise Unfetched(f"the bundle cannot be downloaded: status {response.status}")
        archive = response.read(MOST + 1)
    if len(archive) > MOST:
        raise Unfetched(f"the bundle is larger than {MOST} bytes")
    return archive
