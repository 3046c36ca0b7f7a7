"""The bucket of everything that can be made again. Each prefix of the catalogue has its own lifecycle rule."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from constructs import Construct
from slipway import catalogue

from stacks import nag
from stacks.environment import Environment
from stacks.places import Names

ACCESS_LOG_DAYS = 30


def tls_only(arn: str) -> dict[str, Any]:
    return {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


class Storage(cdk.Stack):
    def __init__(self, scope: Construct, environment: Environment, names: Names, env: cdk.Environment) -> None:
        super().__init__(scope, f"{names.prefix}-storage", env=env)
        logs = self._bucket(
            "AccessLogs",
            f"{names.prefix}-access-logs-{names.account}-{names.region}",
            [self._rule("all", "", ACCESS_LOG_DAYS)],
        )
        nag.acknowledge(logs, "AwsSolutions-S1", "this is the bucket that the access logs go to")
        rules = [self._rule(p.name, f"{p.name}/", p.ttl_days) for p in catalogue.PREFIXES]
        bucket = self._bucket("Ephemeral", names.ephemeral_bucket, rules)
        bucket.logging_configuration = s3.CfnBucket.LoggingConfigurationProperty(
            destination_bucket_name=logs.ref, log_file_prefix="ephemeral/"
        )
        # Browsers put and get through presigned URLs.
        bucket.cors_configuration = s3.CfnBucket.CorsConfigurationProperty(
            cors_rules=[
                s3.CfnBucket.CorsRuleProperty(
                    allowed_methods=["GET", "PUT"],
                    allowed_origins=list(environment.cors_origins),
                    allowed_headers=["*"],
                )
            ]
        )
        self._policy("Ephemeral", bucket, [])
        self._policy("AccessLogs", logs, [self._deliver_logs(logs, bucket)])

    def _rule(self, name: str, prefix: str, days: int) -> s3.CfnBucket.RuleProperty:
        return s3.CfnBucket.RuleProperty(
            id=name,
            status="Enabled",
            prefix=prefix,
            expiration_in_days=days,
            abort_incomplete_multipart_upload=s3.CfnBucket.AbortIncompleteMultipartUploadProperty(
                days_after_initiation=1
            ),
        )

    def _bucket(self, name: str, physical: str, rules: list[s3.CfnBucket.RuleProperty]) -> s3.CfnBucket:
        return s3.CfnBucket(
            self,
            name,
            bucket_name=physical,
            bucket_encryption={
                "serverSideEncryptionConfiguration": [{"serverSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]
            },
            public_access_block_configuration=s3.CfnBucket.PublicAccessBlockConfigurationProperty(
                block_public_acls=True, block_public_policy=True, ignore_public_acls=True, restrict_public_buckets=True
            ),
            ownership_controls={"rules": [{"objectOwnership": "BucketOwnerEnforced"}]},
            lifecycle_configuration=s3.CfnBucket.LifecycleConfigurationProperty(rules=rules),
        )

    def _policy(self, name: str, bucket: s3.CfnBucket, more: list[dict[str, Any]]) -> None:
        s3.CfnBucketPolicy(
            self,
            f"{name}Policy",
            bucket=bucket.ref,
            policy_document={"Version": "2012-10-17", "Statement": [tls_only(bucket.attr_arn), *more]},
        )

    def _deliver_logs(self, logs: s3.CfnBucket, source: s3.CfnBucket) -> dict[str, Any]:
        """By name, not by reference: the bucket refers to the log bucket already."""
        return {
            "Effect": "Allow",
            "Principal": {"Service": "logging.s3.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": f"{logs.attr_arn}/ephemeral/*",
            "Condition": {
                "ArnLike": {"aws:SourceArn": source.attr_arn},
                "StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID},
            },
        }
