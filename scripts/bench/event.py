"""The event that API Gateway sends for `POST /v1/workspaces/{workspace_id}/projects`, authorizer's context included."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from slipway import ids

ROUTE = "POST /v1/workspaces/{workspace_id}/projects"


def create_project(workspace_id: UUID, user_id: UUID, session_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Payload 2.0, with every key that the adapters for it ask for."""
    workspace = ids.encode("ws", workspace_id)
    path = f"/v1/workspaces/{workspace}/projects"
    user = {"kind": "user", "user_id": str(user_id), "session_id": str(session_id)}
    return {
        "version": "2.0",
        "routeKey": ROUTE,
        "rawPath": path,
        "rawQueryString": "",
        "headers": {
            "accept": "*/*",
            "authorization": "Bearer " + "x" * 400,
            "content-length": "20",
            "content-type": "application/json",
            "host": "api.example.com",
            "user-agent": "bench/1",
            "x-forwarded-for": "192.0.2.1",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "pathParameters": {"workspace_id": workspace},
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "bench",
            "authorizer": {"lambda": user},
            "domainName": "api.example.com",
            "domainPrefix": "api",
            "http": {
                "method": "POST",
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "bench/1",
            },
            "requestId": "bench-request",
            "routeKey": ROUTE,
            "stage": "$default",
            "time": "01/Nov/2026:12:00:00 +0000",
            "timeEpoch": 1793534400000,
        },
        "isBase64Encoded": False,
        "body": json.dumps(body),
    }
