"""Whether a request was signed with the machine's key: AWS Signature Version 4, checked by signing it again.

Without this, any page open in a browser on this machine could post to people's sockets.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from slipway import clock

SERVICE = "execute-api"
SKEW_SECONDS = 300
_SCHEME = "AWS4-HMAC-SHA256 "


def verify(
    method: str, target: str, headers: Mapping[str, str], body: bytes, *, access_key: str, secret_key: str
) -> bool:
    """`target` is the request target as sent; `headers` have lower-case names.

    False for another key, a date more than five minutes off, or any part that was not what was signed. The body
    is always part of the signature: `UNSIGNED-PAYLOAD` is refused.
    """
    parts = _parts(headers.get("authorization", ""))
    date = headers.get("x-amz-date", "")
    if parts is None or not _recent(date) or "x-amz-content-sha256" in headers:
        return False
    scope = parts["Credential"].split("/")
    signed = parts["SignedHeaders"].split(";")
    if len(scope) != 5 or not {"host", "x-amz-date"} <= set(signed) or any(name not in headers for name in signed):
        return False
    key, day, region, service, _ = scope
    if not hmac.compare_digest(key.encode(), access_key.encode()) or day != date[:8] or service != SERVICE:
        return False
    request = AWSRequest(
        method=method,
        url=f"http://{headers['host']}{target}",
        headers={name: headers[name] for name in signed},
        data=body,
    )
    request.context["timestamp"] = date
    signer = SigV4Auth(Credentials(access_key, secret_key), service, region)
    expected = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    return hmac.compare_digest(expected.encode(), parts["Signature"].encode())


def _parts(authorization: str) -> dict[str, str] | None:
    if not authorization.startswith(_SCHEME):
        return None
    pairs = (part.strip().partition("=") for part in authorization[len(_SCHEME) :].split(","))
    parts = {name: value for name, _, value in pairs}
    return parts if parts.keys() == {"Credential", "SignedHeaders", "Signature"} else None


def _recent(date: str) -> bool:
    try:
        signed_at = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return False
    return abs((clock.now() - signed_at).total_seconds()) <= SKEW_SECONDS
