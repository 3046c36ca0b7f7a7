"""The queues of the catalogue, each with a dead-letter queue that keeps what failed for two weeks."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_sqs as sqs
from constructs import Construct
from slipway import catalogue

from stacks.places import Names

DAY = 86400
DEAD = "-dead"  # suffix


class Queues(cdk.Stack):
    def __init__(self, scope: Construct, names: Names, env: cdk.Environment) -> None:
        super().__init__(scope, f"{names.prefix}-queues", env=env)
        for queue in catalogue.QUEUES:
            title = queue.name.title().replace("_", "").replace("-", "")
            dead = sqs.CfnQueue(
                self,
                f"{title}Dead",
                queue_name=names.queue(queue.name + DEAD),
                message_retention_period=14 * DAY,
                sqs_managed_sse_enabled=True,
            )
            live = sqs.CfnQueue(
                self,
                title,
                queue_name=names.queue(queue.name),
                visibility_timeout=queue.visibility_seconds,
                message_retention_period=4 * DAY,
                receive_message_wait_time_seconds=20,
                sqs_managed_sse_enabled=True,
                redrive_policy={"deadLetterTargetArn": dead.attr_arn, "maxReceiveCount": queue.max_receives},
            )
            self._tls_only(title, live)
            self._tls_only(f"{title}Dead", dead)

    def _tls_only(self, name: str, queue: sqs.CfnQueue) -> None:
        refuse = {
            "Sid": "TlsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sqs:*",
            "Resource": queue.attr_arn,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        sqs.CfnQueuePolicy(
            self,
            f"{name}Policy",
            queues=[queue.ref],
            policy_document={"Version": "2012-10-17", "Statement": [refuse]},
        )
