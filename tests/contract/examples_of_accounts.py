"""Requests to the routes about one's own account, sessions and logins."""

from __future__ import annotations

from slipway import ids

from tests.contract import logins
from tests.contract.example import Example
from tests.contract.letters import CONFIRM_TOKEN, RESET_TOKEN, VERIFY_TOKEN
from tests.contract.world import World


def of_oneself(w: World) -> dict[str, list[Example]]:
    ann = w.owner
    login = {"email": ann.user["email"], "password": "correct horse"}
    return {
        "accounts_register": [
            Example(201, body={"email": "new@example.com", "password": "correct horse", "name": "New"}),
            Example(409, body={"email": ann.user["email"], "password": "correct horse", "name": "Again"}),
            # Not damaged from the first one: after five answers about a taken address the next must wait.
            Example(422, body={"email": "nobody", "password": "correct horse", "name": "New"}, damage=True),
        ],
        "accounts_login": [
            Example(200, body=login, headers={"User-Agent": "a browser"}),
            Example(401, body=login | {"password": "wrong horse"}),
        ],
        "accounts_refresh": [
            Example(200, body={"refresh_token": w.roles["billing"].refresh_token}),
            Example(401, body={"refresh_token": "slp_rt_unknown"}),
        ],
        "accounts_me": [Example(200, ann)],
        "accounts_confirm": [
            Example(201, body={"token": CONFIRM_TOKEN, "password": "correct horse"}),
            Example(401, body={"token": CONFIRM_TOKEN, "password": "correct horse"}),
        ],
        "accounts_verify_email": [
            Example(200, body={"token": VERIFY_TOKEN}),
            Example(401, body={"token": VERIFY_TOKEN}),
        ],
        "accounts_resend_verification": [Example(202, ann)],
        "accounts_request_password_reset": [
            Example(202, body={"email": ann.user["email"]}),
            Example(202, body={"email": "nobody@example.com"}),
        ],
        "accounts_change_email": [
            Example(202, w.forgetful, body={"email": "other@example.com", "password": "correct horse"}),
            Example(403, w.forgetful, body={"email": "other@example.com", "password": "wrong horse"}),
        ],
        "accounts_reset_password": [
            Example(204, body={"token": RESET_TOKEN, "password": "another horse"}),
            Example(401, body={"token": RESET_TOKEN, "password": "another horse"}),
        ],
        "accounts_change_password": [
            Example(204, w.verifier, body={"current_password": "correct horse", "new_password": "another horse"}),
            Example(403, w.verifier, body={"current_password": "correct horse", "new_password": "another horse"}),
        ],
        "accounts_update": [Example(200, ann, body={"name": "Anna"}), Example(200, ann, body={})],
        "accounts_export": [Example(200, ann)],
        "accounts_delete": [
            Example(204, w.goner, body={"password": "correct horse"}),
            Example(403, w.stranger, body={"password": "wrong horse"}),
        ],
        "sessions_list": [Example(200, ann), Example(200, ann, query={"limit": 1})],
        "sessions_revoke": [
            Example(204, w.verifier, {"session_id": ids.encode("ses", w.verifier.session_id)}),
            Example(404, ann, {"session_id": ids.encode("ses", w.stranger.session_id)}),
        ],
        "sessions_revoke_all": [Example(204, ann), Example(204, ann, query={"all": "false"})],
        "oidc_list": [Example(200)],
        "oidc_start": [
            Example(200, path={"provider": "test"}, body=logins.START),
            Example(404, path={"provider": "no such"}, body=logins.START),
            Example(422, path={"provider": "test"}, body=logins.START | {"redirect_uri": "https://evil.example/"}),
        ],
        "oidc_exchange": [
            Example(200, path={"provider": "test"}, body=logins.back()),
            Example(401, path={"provider": "test"}, body=logins.back() | {"binding": "c" * 43}),
            Example(401, path={"provider": "test"}, body=logins.back() | {"code": "unknown"}),
        ],
        "oidc_log_in": [
            Example(200, body={"assertion": logins.assertion("new")}),
            Example(401, body={"assertion": "unknown"}),
        ],
        "identities_list": [Example(200, ann), Example(200, ann, query={"limit": 1})],
        "identities_link": [
            Example(
                201, ann, body={"assertion": logins.assertion("ann", ann.user["email"]), "password": "correct horse"}
            ),
            Example(403, ann, body={"assertion": logins.assertion("ann")}),
            Example(403, ann, body={"assertion": logins.assertion("ann"), "password": "correct horse"}),
            Example(401, ann, body={"assertion": "unknown", "password": "correct horse"}, damage=True),
        ],
        "identities_unlink": [
            Example(204, ann, {"identity_id": ids.encode("idn", logins.IDENTITY)}),
            Example(404, ann, {"identity_id": ids.encode("idn", logins.IDENTITY)}),
        ],
    }
