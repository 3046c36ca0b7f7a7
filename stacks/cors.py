"""What browsers are let through with, at both front doors: the HTTP API's CORS configuration (edge.py), and the gateway of one
machine, which answers as that does (local/cors.py). A header that is named in neither list does not reach the other side."""

from __future__ import annotations

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
REQUEST_HEADERS = (
    "authorization", "content-type", "idempotency-key", "if-match", "if-none-match", "x-request-id",
)  # fmt: skip
RESPONSE_HEADERS = (
    "apigw-requestid", "content-disposition", "etag", "idempotency-replayed", "link", "location", "ratelimit",
    "ratelimit-policy", "retry-after", "x-next-after", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset",
    "x-request-id",
)  # fmt: skip
MAX_AGE_SECONDS = 7200  # what Chromium keeps at most
