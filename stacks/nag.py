"""cdk-nag's AwsSolutions pack over the whole application, and the findings we answer with a reason."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks
from constructs import IConstruct

from stacks.capabilities import Statement


def check(app: cdk.App) -> None:
    """Synthesis fails on a finding that nobody has answered."""
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))


def acknowledge(construct: IConstruct, rule: str, reason: str) -> None:
    cdk.Validations.of(construct).acknowledge(cdk.Acknowledgment(id=rule, reason=reason))


def explain_wildcards(stack: cdk.Stack, role: IConstruct, statements: Iterable[Statement]) -> None:
    """Answer IAM5, which reports each wildcard by itself, with the statements' own reasons. One without stays open."""
    for statement in statements:
        if not (statement.wild and statement.reason) or statement.effect == "Deny":
            continue
        for kind, texts in (("Action", statement.actions), ("Resource", statement.resources)):
            for text in texts:
                if "*" in text:
                    acknowledge(role, f"AwsSolutions-IAM5[{kind}::{written(stack.resolve(text))}]", statement.reason)


def written(value: Any) -> str:
    """A resolved value as cdk-nag writes it in the names of its findings."""
    match value:
        case str():
            return value
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case {"Fn::ImportValue": name}:
            return written(name)
        case {"Fn::Join": [between, parts]}:
            return str(between).join(written(part) for part in parts)
    raise TypeError(f"cdk-nag's spelling of {value!r} is not known")
