"""The first alarms and a dashboard: each alarm's description says what to look at first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns
from constructs import Construct
from slipway import audit_chain, catalogue, discover, metrics

from stacks.environment import Environment
from stacks.places import Places
from stacks.queues import DEAD

MINUTE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One metric and the value at which somebody should know. `minutes`: how long it must last."""

    name: str
    what: str
    namespace: str
    metric: str
    dimensions: dict[str, str]
    statistic: str
    threshold: float
    minutes: int = 5
    below: bool = False
    missing: str = "notBreaching"


def watched(environment: Environment, places: Places) -> list[Watched]:
    alarms = [*_dead_letters(places), _runs_waiting(places), *_database(places), _audit_chain(environment)]
    alarms.append(_team_over_plan(environment))
    if environment.warm_workers and discover.tasks():
        alarms.append(_too_few_workers(environment, places))
    return alarms


def _dead_letters(places: Places) -> list[Watched]:
    return [
        Watched(
            name=f"{queue.name}-dead",
            what=f"messages of {queue.name} failed {queue.max_receives} times: read one, mend the cause, redrive the queue",
            namespace="AWS/SQS",
            metric="ApproximateNumberOfMessagesVisible",
            dimensions={"QueueName": places.names.queue(queue.name + DEAD)},
            statistic="Maximum",
            threshold=0,
            minutes=1,
        )
        for queue in catalogue.QUEUES
    ]


def _runs_waiting(places: Places) -> Watched:
    return Watched(
        name="runs-waiting",
        what="the oldest run has waited for five minutes: are workers running, does the dispatcher fail?",
        namespace="AWS/SQS",
        metric="ApproximateAgeOfOldestMessage",
        dimensions={"QueueName": places.names.queue(catalogue.RUNS.name)},
        statistic="Maximum",
        threshold=300,
    )


def _database(places: Places) -> list[Watched]:
    cluster = {"DBClusterIdentifier": places.names.prefix}
    return [
        Watched(
            name="database-cpu",
            what="Aurora is above 80 % of its CPU: look at the slowest statements",
            namespace="AWS/RDS",
            metric="CPUUtilization",
            dimensions=cluster,
            statistic="Average",
            threshold=80,
        ),
        Watched(
            name="database-capacity",
            what="Aurora is at 90 % of max_acu: raise it in cdk.json or find the statement that needs it",
            namespace="AWS/RDS",
            metric="ACUUtilization",
            dimensions=cluster,
            statistic="Average",
            threshold=90,
        ),
    ]


def _audit_chain(environment: Environment) -> Watched:
    return Watched(
        name="audit-chain-broken",
        what="a team's audit log was tampered with: the line audit_chain_broken names team and event; see docs/audit.md",
        namespace=metrics.NAMESPACE,
        metric=audit_chain.BROKEN,
        dimensions={"stage": environment.name},
        statistic="Sum",
        threshold=0,
        minutes=1,
    )


def _team_over_plan(environment: Environment) -> Watched:
    return Watched(
        name="team-over-plan",
        what="a team passed twice what its plan allows: the line team_over_twice_its_plan names it; see docs/metering.md",
        namespace=metrics.NAMESPACE,
        metric=metrics.TEAM_OVER_TWICE_ITS_PLAN,
        dimensions={"stage": environment.name},
        statistic="Sum",
        threshold=0,
        minutes=1,
    )


def _too_few_workers(environment: Environment, places: Places) -> Watched:
    """Every running task sends one CPU sample a minute, so their number counts workers, without Container Insights."""
    return Watched(
        name="workers-running",
        what="fewer workers than warm_workers for ten minutes: does the image start, is Spot capacity gone?",
        namespace="AWS/ECS",
        metric="CPUUtilization",
        dimensions={"ClusterName": places.names.cluster, "ServiceName": places.names.service},
        statistic="SampleCount",
        threshold=environment.warm_workers,
        minutes=10,
        below=True,
        missing="breaching",
    )


class Watch(cdk.Stack):
    def __init__(self, scope: Construct, environment: Environment, places: Places, env: cdk.Environment) -> None:
        super().__init__(scope, f"{environment.prefix}-watch", env=env)
        self._environment = environment
        self._places = places
        self._topic = self._alarm_topic()
        alarms = [self._alarm(one) for one in watched(environment, places)]
        alarms.append(self._errors())
        self._dashboard(alarms)

    def _alarm_topic(self) -> sns.CfnTopic:
        topic = sns.CfnTopic(self, "Alarms", topic_name=f"{self._environment.prefix}-alarms")
        if self._environment.alarm_email:
            sns.CfnSubscription(
                self, "AlarmMail", topic_arn=topic.ref, protocol="email", endpoint=self._environment.alarm_email
            )
        from_alarms = {
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": topic.ref,
            "Condition": {"StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID}},
        }
        tls = {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sns:Publish",
            "Resource": topic.ref,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        sns.CfnTopicPolicy(
            self,
            "AlarmsPolicy",
            topics=[topic.ref],
            policy_document={"Version": "2012-10-17", "Statement": [from_alarms, tls]},
        )
        return topic

    def _alarm(self, one: Watched) -> cloudwatch.CfnAlarm:
        return cloudwatch.CfnAlarm(
            self,
            "".join(part.capitalize() for part in one.name.split("-")),
            alarm_name=f"{self._environment.prefix}-{one.name}",
            alarm_description=one.what,
            namespace=one.namespace,
            metric_name=one.metric,
            dimensions=[{"name": name, "value": value} for name, value in one.dimensions.items()],
            statistic=one.statistic,
            period=MINUTE,
            evaluation_periods=one.minutes,
            threshold=one.threshold,
            comparison_operator="LessThanThreshold" if one.below else "GreaterThanThreshold",
            treat_missing_data=one.missing,
            alarm_actions=[self._topic.ref],
            ok_actions=[self._topic.ref],
        )

    def _errors(self) -> cloudwatch.CfnAlarm:
        """A rate, not a count: one failure in a quiet night is not an alarm, one in a hundred requests is."""

        def metric(id: str, name: str) -> dict[str, Any]:
            dimensions = [{"name": "ApiId", "value": self._places.http_api}]
            stat = {
                "metric": {"namespace": "AWS/ApiGateway", "metricName": name, "dimensions": dimensions},
                "period": MINUTE,
                "stat": "Sum",
            }
            return {"id": id, "metricStat": stat, "returnData": False}

        rate = {"id": "rate", "expression": "IF(requests >= 20, 100 * errors / requests, 0)", "returnData": True}
        return cloudwatch.CfnAlarm(
            self,
            "HttpErrors",
            alarm_name=f"{self._environment.prefix}-http-errors",
            alarm_description="more than 1 % of the requests answer 5xx: the access log names the route",
            metrics=[metric("errors", "5xx"), metric("requests", "Count"), rate],
            evaluation_periods=5,
            datapoints_to_alarm=3,
            threshold=1,
            comparison_operator="GreaterThanThreshold",
            treat_missing_data="notBreaching",
            alarm_actions=[self._topic.ref],
            ok_actions=[self._topic.ref],
        )

    def _dashboard(self, alarms: list[cloudwatch.CfnAlarm]) -> None:
        api = ["ApiId", self._places.http_api]
        names = self._places.names
        graphs: list[tuple[str, list[list[str]]]] = [
            ("Requests and errors", [["AWS/ApiGateway", name, *api] for name in ("Count", "4xx", "5xx")]),
            ("Latency, ms", [["AWS/ApiGateway", "Latency", *api]]),
            (
                "Database",
                [["AWS/RDS", n, "DBClusterIdentifier", names.prefix] for n in ("ACUUtilization", "CPUUtilization")],
            ),
            (
                "Waiting messages",
                [
                    ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", names.queue(queue.name)]
                    for queue in catalogue.QUEUES
                ],
            ),
        ]
        widgets: list[dict[str, Any]] = [
            {
                "type": "metric",
                "x": 12 * (number % 2),
                "y": 6 * (number // 2),
                "width": 12,
                "height": 6,
                "properties": {"title": title, "metrics": metrics, "region": cdk.Aws.REGION, "period": MINUTE},
            }
            for number, (title, metrics) in enumerate(graphs)
        ]
        status = {"title": "Alarms", "alarms": [alarm.attr_arn for alarm in alarms]}
        widgets.append({"type": "alarm", "x": 0, "y": 12, "width": 24, "height": 4, "properties": status})
        cloudwatch.CfnDashboard(
            self,
            "Dashboard",
            dashboard_name=self._environment.prefix,
            dashboard_body=self.to_json_string({"widgets": widgets}),
        )
