"""The family of one login's refresh tokens, under any sequence of what tabs, a thief and the clock can do.

The model is the rule in a few lines: a token may be exchanged while nobody has used it, and again within the grace of its
first use as long as none of its children was used. Anything else than that ends the family for good.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slipway import capabilities, sessions
from slipway.caller import from_context
from slipway.errors import Error

from tests.api import Api, Person
from tests.core.origins import login

# What a tab sends: its own newest token, the one before, one of two tabs' common stock, any token at all.
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("refresh"), st.integers(0, 1)),  # a tab refreshes with the newest token that it has
        st.tuples(st.just("repeat"), st.integers(0, 1)),  # it repeats its last request, whose answer was lost
        st.tuples(st.just("replay"), st.integers(0, 30)),  # somebody uses a token that was seen at some time
        st.tuples(st.just("share"), st.integers(0, 1)),  # a tab takes over what the other one stored
        st.tuples(st.just("wait"), st.sampled_from([300, 600, 1200])),
        st.tuples(st.just("log out"), st.just(0)),
    ),
    min_size=1,
    max_size=14,
)


@dataclass
class Token:
    value: str
    parent: Token | None = None
    used_at: int | None = None
    children: list[Token] = field(default_factory=list)


class Family:
    """The real one and the model of it, side by side."""

    def __init__(self, everything: psycopg.Connection, first: str) -> None:
        self.everything = everything
        self.all = [Token(first)]
        self.tabs = [self.all[0], self.all[0]]
        self.sent = [self.all[0], self.all[0]]
        self.now, self.alive, self.misused = 0, True, False

    def expected(self, token: Token) -> bool:
        fresh = token.used_at is None
        in_grace = not fresh and self.now - (token.used_at or 0) <= sessions.GRACE_SECONDS
        return self.alive and (fresh or (in_grace and all(c.used_at is None for c in token.children)))

    def exchange(self, token: Token) -> Token | None:
        expected = self.expected(token)
        try:
            made = sessions.refresh(sessions.Refresh(refresh_token=token.value), from_context(None).origin)
        except Error as error:
            assert error.code == "invalid_refresh_token"
            assert not expected, "a token that was good was refused"
            if self.alive:
                self.alive, self.misused = False, True
            return None
        assert expected, "a token that had been used was exchanged"
        token.used_at = self.now if token.used_at is None else token.used_at
        child = Token(made.refresh_token, token)
        token.children.append(child)
        self.all.append(child)
        return child

    def step(self, what: str, number: int) -> None:
        if what == "refresh" or what == "repeat":
            token = self.tabs[number] if what == "refresh" else self.sent[number]
            self.sent[number] = token
            self.tabs[number] = self.exchange(token) or self.tabs[number]
        elif what == "replay":
            self.exchange(self.all[number % len(self.all)])
        elif what == "share":
            self.tabs[number] = self.tabs[1 - number]
        elif what == "wait":
            self.now += number
            self.everything.execute(
                "update refresh_tokens set used_at = used_at - make_interval(secs => %s)", (number,)
            )
        else:
            self.alive = False
            self.everything.execute("update sessions set revoked_at = coalesce(revoked_at, now())")

    def check(self) -> None:
        """Of each line from the first token on at most two may be exchanged: the newest, and the one before in its grace."""
        for leaf in (token for token in self.all if not token.children):
            line: list[Token] = []
            node: Token | None = leaf
            while node:
                line.append(node)
                node = node.parent
            good = [depth for depth, token in enumerate(line) if self.expected(token)]
            assert len(good) <= 2 and set(good) <= {0, 1}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_a_family_does_what_the_rule_says(
    api: Api, everything: psycopg.Connection, ann: Person, steps: list[tuple[str, int]]
) -> None:
    with capabilities.granting("test", capabilities.ALL):
        family = Family(everything, fresh(everything, ann))
        for step in steps:
            family.step(*step)
            family.check()
        if not family.alive:
            for token in family.all:
                assert family.exchange(token) is None, "an ended family yielded a token"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 9)), min_size=1, max_size=12))
def test_two_tabs_that_each_use_their_newest_token_are_never_logged_out(
    api: Api, everything: psycopg.Connection, ann: Person, steps: list[tuple[int, int]]
) -> None:
    """Both begin with the same token and refresh at the same moment; from then on each goes its own way."""
    with capabilities.granting("test", capabilities.ALL):
        family = Family(everything, fresh(everything, ann))
        family.step("refresh", 0)
        family.step("refresh", 1)
        for tab, seconds in steps:
            family.step("wait", seconds)
            family.step("refresh", tab)
        assert family.alive and not family.misused


@pytest.fixture(autouse=True)
def grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """So long that the seconds which the test itself takes never decide."""
    monkeypatch.setattr(sessions, "GRACE_SECONDS", 1000)


@pytest.fixture
def ann(api: Api) -> Person:
    return api.register()


def fresh(everything: psycopg.Connection, person: Person) -> str:
    """The first token of a new session, without the cost of a password."""
    from slipway import db

    everything.execute("delete from sessions")
    with db.for_user(person.user_id) as tx:
        return sessions.open(tx, person.user_id, from_context(None).origin).refresh_token


def test_a_session_of_a_real_login_is_such_a_family(api: Api, everything: psycopg.Connection, ann: Person) -> None:
    with capabilities.granting("test", capabilities.ALL):
        family = Family(everything, login(ann.user["email"], "correct horse").json["refresh_token"])
        for step in (("refresh", 0), ("refresh", 1), ("wait", 1200), ("refresh", 0), ("replay", 0)):
            family.step(*step)
        assert family.misused and not family.alive
