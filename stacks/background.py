"""What no client calls: the consumers of the queues, the schedules and the events."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_lambda as lambda_
from constructs import Construct
from slipway import discover
from slipway.event import Event
from slipway.queue import Queue
from slipway.schedule import Schedule

from stacks.capabilities import Statement
from stacks.environment import Environment
from stacks.lambdas import Deployed, Lambdas, construct_id
from stacks.migration import DEPLOY
from stacks.places import Places

CONSUME = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
LEAST_CONCURRENCY = 2  # what SQS event sources take; a consumer that wants one at a time must lock in Postgres


class Background(cdk.Stack):
    def __init__(self, scope: Construct, environment: Environment, places: Places, env: cdk.Environment) -> None:
        super().__init__(scope, f"{environment.prefix}-background", env=env)
        self._places = places
        self._lambdas = Lambdas(self, environment, places, "background")
        for queue in discover.queues():
            self._consumer(queue)
        for schedule in discover.schedules():
            self._schedule(schedule)
        for event in discover.events():
            if event.spec.source != DEPLOY:
                self._event(event)

    def _consumer(self, function: Queue) -> None:
        spec = function.spec
        arn = self._places.names.queue_arn(spec.queue.name)
        deployed = self._lambdas.add(function, Statement(CONSUME, (arn,)))
        mapping = lambda_.CfnEventSourceMapping(
            self,
            f"{construct_id(function)}Source",
            event_source_arn=arn,
            function_name=deployed.arn,
            batch_size=spec.queue.batch_size,
            function_response_types=["ReportBatchItemFailures"],
            scaling_config={"maximumConcurrency": max(LEAST_CONCURRENCY, spec.concurrency)},
        )
        mapping.add_resource_dependency(deployed.role)

    def _schedule(self, function: Schedule) -> None:
        self._rule(self._lambdas.add(function), schedule_expression=function.spec.rate)

    def _event(self, function: Event) -> None:
        pattern: dict[str, Any] = {"source": [function.spec.source], "detail-type": [function.spec.detail_type]}
        if function.spec.source == "aws.ecs":
            # Tasks of other clusters in the account are none of ours.
            names = self._places.names
            pattern["detail"] = {"clusterArn": [names.arn("ecs", f"cluster/{names.cluster}")]}
        self._rule(self._lambdas.add(function), event_pattern=pattern)

    def _rule(self, deployed: Deployed, **when: Any) -> None:
        id = construct_id(deployed.function)
        rule = events.CfnRule(
            self,
            f"{id}Rule",
            description=deployed.function.spec.summary,
            targets=[events.CfnRule.TargetProperty(id="function", arn=deployed.arn)],
            **when,
        )
        self._lambdas.permit(deployed, "events.amazonaws.com", rule.attr_arn)
