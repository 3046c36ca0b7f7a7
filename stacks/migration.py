"""The migrations run while a release is deployed: after the database, before any function that needs the new schema.

`functions/event` declares the function (source `slipway.deploy`, capability MIGRATIONS). A custom resource invokes it
whenever its version has changed, which is whenever the core layer, and so a migration, has changed. A migration that
fails stops the deploy there, with the old functions still serving.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct
from slipway import discover
from slipway.event import Event

from stacks import nag, standing
from stacks.capabilities import Statement
from stacks.environment import Environment
from stacks.lambdas import RUNTIME, Deployed, Lambdas, construct_id
from stacks.places import Places

DEPLOY = "slipway.deploy"
INVOKER = Path(__file__).with_name("invoke_on_deploy.py")
MARGIN_SECONDS = 30  # the invoker outlives what it waits for


@dataclass(frozen=True, slots=True)
class Step:
    """A function that a deploy runs; `invoker` and `function` are ARNs, for other stacks."""

    declared: Event
    invoker: str
    function: str
    digest: str


class Migration(cdk.Stack):
    """The first half, `pre`: what the new functions need and the old ones bear."""

    def __init__(self, scope: Construct, environment: Environment, places: Places, env: cdk.Environment) -> None:
        super().__init__(scope, f"{environment.prefix}-migration", env=env)
        self._places = places
        self._lambdas = Lambdas(self, environment, places, "deploy")
        self.steps: list[Step] = []
        for function in discover.events():
            if function.spec.source == DEPLOY:
                deployed = self._lambdas.add(function)
                invoker = self._invoker(function, deployed)
                step = Step(
                    function, self.export_value(invoker.attr_arn), self.export_value(deployed.arn), deployed.digest
                )
                _run(self, step, "pre", invoker.attr_arn, deployed.arn)
                self.steps.append(step)

    def _invoker(self, function: Event, deployed: Deployed) -> lambda_.CfnFunction:
        """Outside of the VPC: it calls Lambda, and answers CloudFormation over HTTPS."""
        names = self._places.names
        name = f"{names.prefix}-invoke-on-deploy"
        statements = [
            *standing.statements(names, name, self._lambdas.log_name, inside=False),
            Statement(("lambda:InvokeFunction",), (deployed.arn,)),
        ]
        role = iam.CfnRole(
            self,
            "InvokerRole",
            assume_role_policy_document=standing.trust("lambda.amazonaws.com"),
            policies=[
                iam.CfnRole.PolicyProperty(
                    policy_name="grants",
                    policy_document={"Version": "2012-10-17", "Statement": [one.json() for one in statements]},
                )
            ],
        )
        nag.explain_wildcards(self, role, statements)
        made = lambda_.CfnFunction(
            self,
            "Invoker",
            function_name=name,
            description="Runs the migrations when CloudFormation says so",
            code=lambda_.CfnFunction.CodeProperty(zip_file=INVOKER.read_text()),
            handler="index.handler",
            runtime=RUNTIME,
            architectures=["arm64"],
            memory_size=256,
            timeout=min(function.spec.timeout + MARGIN_SECONDS, 900),
            role=role.attr_arn,
            logging_config={"logGroup": self._lambdas.log_group.ref, "logFormat": "JSON"},
        )
        nag.acknowledge(made, "AwsSolutions-L1", "the same Python as every other function")
        return made


class Settlement(cdk.Stack):
    """The second half, `post`, after the last old function has gone: what only they still needed is dropped."""

    def __init__(self, scope: Construct, environment: Environment, steps: Sequence[Step], env: cdk.Environment) -> None:
        super().__init__(scope, f"{environment.prefix}-settlement", env=env)
        for step in steps:
            _run(self, step, "post", step.invoker, step.function)


def _run(stack: cdk.Stack, step: Step, phase: str, invoker: str, function: str) -> None:
    """The digest changes exactly when code, layer or settings of the function have; CloudFormation then runs it."""
    seconds = min(step.declared.spec.timeout + 2 * MARGIN_SECONDS, 3600)
    made = cdk.CfnCustomResource(
        stack, f"{construct_id(step.declared)}Step", service_token=invoker, service_timeout=seconds
    )
    made.add_property_override("Function", function)
    made.add_property_override("DetailType", step.declared.spec.detail_type)
    made.add_property_override("Phase", phase)
    made.add_property_override("Digest", step.digest)
