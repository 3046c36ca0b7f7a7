from __future__ import annotations

from typing import Any

import pytest

from stacks.local import policy
from stacks.local.http_response import Malformed

ARN = "arn:aws:execute-api:local:000000000000:socket/local/$connect"


def document(*statements: tuple[str, Any, Any]) -> dict[str, Any]:
    return {"Statement": [{"Effect": effect, "Action": action, "Resource": on} for effect, action, on in statements]}


@pytest.mark.parametrize(
    ("statements", "allowed"),
    [
        ([("Allow", "execute-api:Invoke", ARN)], True),
        ([("Allow", "execute-api:Invoke", "*")], True),
        ([("Allow", "execute-api:*", [ARN])], True),
        ([("Allow", ["sqs:*", "execute-api:invoke"], "arn:aws:execute-api:*:socket/*")], True),
        ([("Allow", "*", "*"), ("Deny", "execute-api:Invoke", "*/$connect")], False),
        ([("Deny", "*", "*")], False),
        ([("Allow", "execute-api:ManageConnections", "*")], False),
        ([("Allow", "execute-api:Invoke", ARN.replace("$", "?"))], True),
        ([("Allow", "execute-api:Invoke", ARN + "/x")], False),
        ([], False),
    ],
)
def test_a_policy_allows_as_iam_would(statements: Any, allowed: bool) -> None:
    assert policy.allows(document(*statements), ARN) is allowed


def test_the_context_and_the_principal_reach_the_events() -> None:
    answer = {"principalId": "usr_1", "policyDocument": document(("Allow", "*", "*")), "context": {"team": "t", "n": 1}}
    assert policy.read(answer, ARN) == {"team": "t", "n": 1, "principalId": "usr_1"}


@pytest.mark.parametrize(
    "change",
    [
        {"principalId": ""},
        {"policyDocument": None},
        {"context": {"list": []}},
        {"context": {"none": None}},
        {"context": 1},
    ],
)
def test_an_answer_that_api_gateway_refuses_is_malformed(change: dict[str, Any]) -> None:
    answer = {"principalId": "usr_1", "policyDocument": document(("Allow", "*", "*")), "context": {}}
    with pytest.raises(Malformed):
        policy.read(answer | change, ARN)


def test_an_unknown_effect_is_malformed() -> None:
    with pytest.raises(Malformed):
        policy.allows(document(("Permit", "*", "*")), ARN)
