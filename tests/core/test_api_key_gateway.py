"""A key over the real gateway, which remembers for a minute what the authorizer said."""

from __future__ import annotations

import psycopg
from slipway import discover

from tests.api import Api
from tests.core.backstage import uuid_of
from tests.core.keyring import REVOKE, make
from tests.stacks.local.declared import running


def test_a_revoked_key_is_refused_at_once_although_the_gateway_remembers_it(
    api: Api, everything: psycopg.Connection
) -> None:
    ann = api.project()
    key = make(api, ann)
    with running(list(discover.routes()), authorizers=list(discover.authorizers())) as gateway:

        def read() -> int:
            path = f"/v1/projects/{ann.project['id']}"
            return gateway.request("GET", path, headers={"Authorization": f"Bearer {key['secret']}"})[0]

        assert read() == 200
        everything.execute("update api_keys set last_used_at = null where id = %s", (uuid_of(key["id"]),))
        assert read() == 200
        used = everything.execute("select last_used_at from api_keys").fetchone()
        assert used == (None,), "the control: the authorizer was not asked again"
        assert api.call(REVOKE, by=ann, team_id=ann.team["id"], key_id=key["id"]).status == 204
        assert read() == 401
