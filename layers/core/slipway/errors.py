"""Every error that a client may see, by its stable code. docs/errors.md is generated from CODES.

An `Error` has two halves: what the client may read (code, detail, fields) and `cause`, which only the log gets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Code:
    status: int
    title: str


CODES: dict[str, Code] = {
    "bad_request": Code(400, "The request could not be read"),
    "invalid_json": Code(400, "The body is not JSON"),
    "unauthenticated": Code(401, "No valid credential was sent"),
    "invalid_credentials": Code(401, "E-mail address or password is wrong"),
    "invalid_refresh_token": Code(401, "The refresh token is unknown, expired or was used before"),
    "invalid_token": Code(401, "The link's token is unknown, expired or was used before"),
    "invalid_state": Code(401, "This login was not begun here, or it has expired"),
    "invalid_assertion": Code(401, "The assertion is unknown, expired or was used before"),
    "login_refused": Code(401, "The identity provider does not vouch for this login"),
    "quota_exceeded": Code(402, "A quota of your plan is used up"),
    "forbidden": Code(403, "Your role does not allow this"),
    "insufficient_scope": Code(403, "The API key does not have the scope for this"),
    "login_required": Code(403, "This needs a login, not an API key"),
    "wrong_password": Code(403, "The password is wrong"),
    "email_not_verified": Code(403, "The e-mail address must be verified first"),
    "not_found": Code(404, "There is no such thing, or you may not see it"),
    "email_taken": Code(409, "This e-mail address is already registered"),
    "account_exists": Code(409, "An account with this e-mail address is there already"),
    "identity_taken": Code(409, "This identity is linked to another account"),
    "last_login": Code(409, "An account keeps at least one way to log in"),
    "already_member": Code(409, "This person is already a member"),
    "not_a_guest": Code(409, "The workspace is left by its guests only"),
    "last_owner": Code(409, "A team keeps at least one owner"),
    "idempotency_in_progress": Code(409, "The first request with this Idempotency-Key is still at work"),
    "unknown_action": Code(404, "There is no such action"),
    "path_taken": Code(409, "There is already a file at this path"),
    "run_finished": Code(409, "The run has already ended"),
    "key_ended": Code(409, "The API key was revoked or has expired"),
    "stale_attempt": Code(409, "The run was given to another worker"),
    "precondition_failed": Code(412, "The resource has changed since you read it"),
    "too_large": Code(413, "The content is larger than the limit"),
    "unsupported_media_type": Code(415, "The body's content type is not accepted"),
    "idempotency_key_required": Code(400, "This request needs an Idempotency-Key"),
    "idempotency_key_reused": Code(422, "This Idempotency-Key was used with another request"),
    "invalid": Code(422, "The request is not valid"),
    "invalid_path": Code(422, "The file path is not allowed"),
    "no_files": Code(422, "The project has no files to run"),
    "language_unavailable": Code(422, "This language is not available here"),
    "limit_reached": Code(429, "A limit of your plan is reached"),
    "too_many_requests": Code(429, "Too many requests"),
    "internal": Code(500, "Something went wrong on our side"),
    "provider_unavailable": Code(503, "The identity provider does not answer as it should"),
    "unavailable": Code(503, "The service cannot answer at the moment"),
}
DOCS = "https://slipway.dev/errors"


class Error(Exception):
    """An answer that is not a success. `fields` are added to the problem document (`limit`, `used`, `resets_at` …)."""

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        errors: list[dict[str, str]] | None = None,
        headers: dict[str, str] | None = None,
        cause: str = "",
        **fields: Any,
    ) -> None:
        super().__init__(f"{code}: {cause or detail}")
        self.code = code
        self.status = CODES[code].status
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}
        self.cause = cause
        self.fields = fields

    def problem(self, instance: str, request_id: str) -> dict[str, Any]:
        """The RFC 9457 document (`application/problem+json`)."""
        document = {
            "type": f"{DOCS}#{self.code}",
            "title": CODES[self.code].title,
            "status": self.status,
            "detail": self.detail or CODES[self.code].title,
            "instance": instance,
            "code": self.code,
            "request_id": request_id,
            **self.fields,
        }
        if self.errors is not None:
            document["errors"] = self.errors
        return document


def invalid(details: list[Any], where: str = "") -> Error:
    """A 422 from pydantic's error list: one entry per field, with a JSON pointer, and never the value itself."""
    errors = [
        {
            "pointer": "".join(f"/{part}" for part in ((where, *e["loc"]) if where else e["loc"])),
            "code": e["type"],
            "detail": e["msg"],
        }
        for e in details
    ]
    first = errors[0] if errors else {"pointer": "", "detail": ""}
    return Error("invalid", f"{first['pointer']}: {first['detail']}", errors=errors)
