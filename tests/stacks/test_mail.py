from __future__ import annotations

from stacks import environment
from tests.stacks.conftest import Assembly, flat

DESCRIBED = environment.context()["environments"]


def test_an_identity_is_made_for_the_senders_domain_and_only_where_there_is_one(assembly: Assembly) -> None:
    domain = environment.read(assembly.name, DESCRIBED).mail_domain
    identities = [p["EmailIdentity"] for p in assembly.of("AWS::SES::EmailIdentity").values()]
    assert identities == ([domain] if domain else [])
    assert ("mail" in assembly.templates) == bool(domain)


def test_the_control_one_environment_sends_and_one_does_not() -> None:
    senders = {name: environment.read(name, DESCRIBED).mail_domain for name in DESCRIBED}
    assert senders == {"dev": "", "staging": "staging.example.com", "prod": "example.com"}


def test_the_records_that_the_operator_sets_are_outputs(prod: Assembly) -> None:
    values = [flat(output["Value"]) for output in prod.templates["mail"]["Outputs"].values()]
    assert len(set(values)) == 3
    assert all(" CNAME " in value for value in values)


def test_prods_identity_outlives_its_stack(prod: Assembly) -> None:
    (resource,) = [r for r in prod.resources.values() if r["Type"] == "AWS::SES::EmailIdentity"]
    assert resource["DeletionPolicy"] == "Retain"


def test_the_consumer_may_send_as_mail_from_only_and_knows_it(prod: Assembly) -> None:
    ((stack, function),) = [
        (stack, p)
        for (stack, _), p in prod.of("AWS::Lambda::Function").items()
        if p["FunctionName"].endswith("queue-mail")
    ]
    role = prod.resources[stack, function["Role"]["Fn::GetAtt"][0]]["Properties"]
    statements = [s for policy in role["Policies"] for s in policy["PolicyDocument"]["Statement"]]
    (send,) = [s for s in statements if "ses:SendEmail" in s["Action"]]
    assert send["Condition"] == {"StringEquals": {"ses:FromAddress": "no-reply@example.com"}}
    assert [flat(arn).rsplit("/", 1)[-1] for arn in send["Resource"]] == ["example.com"]
    assert function["Environment"]["Variables"]["SLIPWAY_MAIL_FROM"] == "Slipway <no-reply@example.com>"
    assert "VpcConfig" not in function


def test_an_identity_that_the_account_has_already_is_not_made_again() -> None:
    given = {**DESCRIBED["prod"], "mail_identity": "ops.example.com"}
    assert environment.read("prod", {"prod": given}).new_identity == ""
    assert environment.read("prod", DESCRIBED).new_identity == "example.com", "the control"
