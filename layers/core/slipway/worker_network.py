"""Pushes a job to a worker's private address: plain HTTP inside the network, on AWS and on one machine alike."""

from __future__ import annotations

import json
from typing import Any

TIMEOUT_SECONDS = 2.0


class HttpWorkerNetwork:
    """One connection per push: a worker is used once."""

    def push(self, address: str, path: str, body: dict[str, Any]) -> int:
        """The status code, or 0 when nobody answers in time; after 0 the worker may still have read the job."""
        import http.client  # here, because only one function needs it and every function imports this module

        connection = http.client.HTTPConnection(address, timeout=TIMEOUT_SECONDS)
        try:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()
