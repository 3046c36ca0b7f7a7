"""Aurora PostgreSQL, the only thing that must not be lost, the proxy before it, and the seed of the signatures."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secrets
from constructs import Construct

from stacks import nag, standing
from stacks.environment import Environment
from stacks.network import Network
from stacks.places import APP, DATABASE, OWNER, Names

# 16.10 closes CVE-2025-8713 (statistics readable past row-level security); auto-pause needs 16.3.
VERSION = "16.11"
PAUSE_SECONDS = 300  # Aurora's minimum: a paused database costs its storage only


class Data(cdk.Stack):
    def __init__(
        self, scope: Construct, environment: Environment, names: Names, network: Network, env: cdk.Environment
    ) -> None:
        super().__init__(scope, f"{names.prefix}-data", env=env, termination_protection=environment.keep)
        self._environment = environment
        self._names = names
        self._network = network
        self.cluster = self._cluster()
        for number in range(2 if environment.standard else 1):
            self._instance(number)
        self.proxy = self._proxy() if environment.standard else None
        self.signing_seed = self._signing_seed()

    @property
    def host(self) -> str:
        """Where functions connect."""
        return self.proxy.attr_endpoint if self.proxy else self.cluster.attr_endpoint_address

    @property
    def resource(self) -> str:
        """The id that rds-db:connect names: the proxy's (prx-…), which stands at the end of its ARN, or the cluster's."""
        if self.proxy is None:
            return self.cluster.attr_db_cluster_resource_id
        return cdk.Fn.select(6, cdk.Fn.split(":", self.proxy.attr_db_proxy_arn))

    def _cluster(self) -> rds.CfnDBCluster:
        subnets = rds.CfnDBSubnetGroup(
            self,
            "Subnets",
            db_subnet_group_description="isolated",
            subnet_ids=[subnet.ref for subnet in self._network.isolated],
        )
        parameters = rds.CfnDBClusterParameterGroup(
            self,
            "Parameters",
            family="aurora-postgresql16",
            description=f"{self._names.prefix}: TLS only, idle connections end so that the database can pause",
            parameters={"rds.force_ssl": "1", "idle_session_timeout": "600000", "log_min_duration_statement": "500"},
        )
        cluster = self._cluster_itself(subnets, parameters)
        cluster.apply_removal_policy(cdk.RemovalPolicy.SNAPSHOT, apply_to_update_replace_policy=True)
        if not self._environment.keep:
            nag.acknowledge(
                cluster, "AwsSolutions-RDS10", "this environment may be thrown away; deleting it keeps a snapshot"
            )
        nag.acknowledge(
            cluster,
            "AwsSolutions-RDS11",
            "isolated subnets and security groups guard the port, an unusual number would not",
        )
        return cluster

    def _cluster_itself(
        self, subnets: rds.CfnDBSubnetGroup, parameters: rds.CfnDBClusterParameterGroup
    ) -> rds.CfnDBCluster:
        environment = self._environment
        pauses = environment.min_acu == 0
        return rds.CfnDBCluster(
            self,
            "Cluster",
            db_cluster_identifier=self._names.prefix,
            engine="aurora-postgresql",
            engine_version=VERSION,
            database_name=DATABASE,
            master_username=OWNER,
            manage_master_user_password=True,  # RDS makes it, keeps it in Secrets Manager and replaces it every week
            db_subnet_group_name=subnets.ref,
            db_cluster_parameter_group_name=parameters.ref,
            vpc_security_group_ids=[self._network.database.attr_group_id],
            storage_encrypted=True,
            copy_tags_to_snapshot=True,
            deletion_protection=environment.keep,
            enable_iam_database_authentication=True,
            backup_retention_period=environment.backup_days,  # point-in-time recovery reaches as far back
            preferred_backup_window="02:00-03:00",
            preferred_maintenance_window="sun:03:30-sun:04:30",
            enable_cloudwatch_logs_exports=["postgresql"],
            serverless_v2_scaling_configuration=rds.CfnDBCluster.ServerlessV2ScalingConfigurationProperty(
                min_capacity=environment.min_acu,
                max_capacity=environment.max_acu,
                seconds_until_auto_pause=PAUSE_SECONDS if pauses else None,
            ),
        )

    def _instance(self, number: int) -> None:
        """The second stands in the other zone and takes over within a minute."""
        instance = rds.CfnDBInstance(
            self,
            f"Instance{number}",
            db_instance_identifier=f"{self._names.prefix}-{number}",
            db_cluster_identifier=self.cluster.ref,
            db_instance_class="db.serverless",
            engine="aurora-postgresql",
            promotion_tier=0 if number == 0 else 1,  # tiers 0 and 1 scale with the writer
            publicly_accessible=False,
            auto_minor_version_upgrade=True,
        )
        nag.acknowledge(instance, "AwsSolutions-RDS11", "see the cluster")
        if not self._environment.keep:
            nag.acknowledge(instance, "AwsSolutions-RDS10", "see the cluster")

    def _proxy(self) -> rds.CfnDBProxy:
        """Functions log in to it by IAM, and it to Aurora by IAM: no password exists for the application role."""
        connect = {
            "Effect": "Allow",
            "Action": ["rds-db:connect"],
            "Resource": [self._names.arn("rds-db", f"dbuser:{self.cluster.attr_db_cluster_resource_id}/{APP}")],
        }
        role = iam.CfnRole(
            self,
            "ProxyRole",
            assume_role_policy_document=standing.trust("rds.amazonaws.com"),
            policies=[
                iam.CfnRole.PolicyProperty(
                    policy_name="connect", policy_document={"Version": "2012-10-17", "Statement": [connect]}
                )
            ],
        )
        proxy = rds.CfnDBProxy(
            self,
            "Proxy",
            db_proxy_name=self._names.prefix,
            engine_family="POSTGRESQL",
            role_arn=role.attr_arn,
            default_auth_scheme="IAM_AUTH",
            require_tls=True,
            idle_client_timeout=600,
            vpc_subnet_ids=[subnet.ref for subnet in self._network.isolated],
            vpc_security_group_ids=[self._network.proxy.attr_group_id],
        )
        rds.CfnDBProxyTargetGroup(
            self,
            "ProxyTargets",
            db_proxy_name=proxy.ref,
            target_group_name="default",
            db_cluster_identifiers=[self.cluster.ref],
            connection_pool_configuration_info={"maxConnectionsPercent": 90, "connectionBorrowTimeout": 5},
        )
        return proxy

    def _signing_seed(self) -> secrets.CfnSecret:
        """32 bytes, as 64 hex digits. Functions inside the VPC cannot ask Secrets Manager (isolated subnets have no
        endpoint for it), so CloudFormation hands the value to those that declare SIGNING_KEYS, and to no other."""
        seed = secrets.CfnSecret(
            self,
            "SigningSeed",
            name=f"{self._names.prefix}/signing-seeds",
            description="Seeds of the token signatures, comma-separated 64-digit hex; the first signs",
            generate_secret_string=secrets.CfnSecret.GenerateSecretStringProperty(
                password_length=64,
                exclude_characters="ghijklmnopqrstuvwxyz",
                exclude_uppercase=True,
                exclude_punctuation=True,
                require_each_included_type=False,
            ),
        )
        if self._environment.keep:
            seed.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        nag.acknowledge(
            seed,
            "AwsSolutions-SMG4",
            "rotated by hand with two seeds side by side (stacks/capabilities.py): an unattended change would log everyone out",
        )
        return seed
