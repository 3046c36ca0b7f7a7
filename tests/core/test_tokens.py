from __future__ import annotations

import hashlib

from slipway import tokens


def test_opaque_tokens_are_random_and_kept_as_a_hash() -> None:
    made = {tokens.opaque("slp_rt_") for _ in range(100)}
    assert len(made) == 100 and all(len(token) == 7 + 43 for token in made)
    assert tokens.hashed("x") == hashlib.sha256(b"x").digest()
