"""The VPC: isolated subnets for what touches Postgres, public ones for the workers, and no NAT.

Inside, functions reach Aurora, S3 (gateway endpoint, free) and SQS (interface endpoint) and nothing else: the route
table, not a rule, is the wall. What calls @connections, ECS or anyone's API runs outside of the VPC.

The workers have to reach ECR and CloudWatch Logs to start, and S3 and the public HTTP API to fetch and to report.
An HTTP API has no private endpoint, so isolated subnets would need a NAT ($32 a month and a price for each GB); the
endpoints for ECR and logs would cost about as much again. So they stand in public subnets with a public address
($3.60 a month while running): their security group lets in the dispatcher on the worker's port and nobody else, and
lets out HTTPS only. The program in the sandbox has no network in either case.
"""

from __future__ import annotations

import ipaddress

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct
from slipway import discover

from stacks import standing
from stacks.environment import Environment
from stacks.places import Names

ZONES = 2  # Aurora asks for two
SUBNET_BITS = 20  # 4091 addresses each: a running worker takes one
POSTGRES = 5432


class Network(cdk.Stack):
    def __init__(self, scope: Construct, environment: Environment, names: Names, env: cdk.Environment) -> None:
        super().__init__(scope, f"{names.prefix}-network", env=env)
        self._names = names
        self.vpc = ec2.CfnVPC(self, "Vpc", cidr_block=environment.vpc_cidr, enable_dns_hostnames=True)
        self._flow_logs(environment)
        blocks = [str(block) for block in ipaddress.ip_network(environment.vpc_cidr).subnets(new_prefix=SUBNET_BITS)]
        self.isolated = self._isolated(blocks[:ZONES])
        self.public = self._public(blocks[ZONES : 2 * ZONES])
        self.functions = self._group("Functions", "functions inside the VPC")
        self.dispatcher = self._group("Dispatcher", "functions that push jobs to workers")
        self.proxy = self._group("Proxy", "RDS Proxy")
        self.database = self._group("Database", "Aurora")
        self.workers = self._group("Workers", "workers that run the programs of people")
        self.endpoints = self._group("Endpoints", "interface endpoints")
        self._rules()
        self._endpoints(environment)

    def _isolated(self, blocks: list[str]) -> list[ec2.CfnSubnet]:
        self._isolated_table = ec2.CfnRouteTable(self, "IsolatedRoutes", vpc_id=self.vpc.ref)
        return self._subnets("Isolated", blocks, self._isolated_table)

    def _public(self, blocks: list[str]) -> list[ec2.CfnSubnet]:
        gateway = ec2.CfnInternetGateway(self, "Gateway")
        attached = ec2.CfnVPCGatewayAttachment(
            self, "GatewayAttachment", vpc_id=self.vpc.ref, internet_gateway_id=gateway.ref
        )
        self._public_table = ec2.CfnRouteTable(self, "PublicRoutes", vpc_id=self.vpc.ref)
        out = ec2.CfnRoute(
            self,
            "PublicDefaultRoute",
            route_table_id=self._public_table.ref,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=gateway.ref,
        )
        out.add_resource_dependency(attached)
        return self._subnets("Public", blocks, self._public_table)

    def _subnets(self, side: str, blocks: list[str], table: ec2.CfnRouteTable) -> list[ec2.CfnSubnet]:
        made = []
        for number, block in enumerate(blocks):
            zone = cdk.Fn.select(number, cdk.Fn.get_azs())
            subnet = ec2.CfnSubnet(
                self, f"{side}{number}", vpc_id=self.vpc.ref, cidr_block=block, availability_zone=zone
            )
            ec2.CfnSubnetRouteTableAssociation(
                self, f"{side}{number}Routes", subnet_id=subnet.ref, route_table_id=table.ref
            )
            made.append(subnet)
        return made

    def _group(self, name: str, what: str) -> ec2.CfnSecurityGroup:
        """Without an egress rule of its own CloudFormation opens everything, hence one that matches nothing."""
        nothing = ec2.CfnSecurityGroup.EgressProperty(
            ip_protocol="icmp", from_port=252, to_port=86, cidr_ip="255.255.255.255/32", description="nothing"
        )
        return ec2.CfnSecurityGroup(
            self, f"{name}Group", group_description=what, vpc_id=self.vpc.ref, security_group_egress=[nothing]
        )

    def _rules(self) -> None:
        self._allow("FunctionsToDatabase", self.functions, self.database, POSTGRES)
        self._allow("FunctionsToProxy", self.functions, self.proxy, POSTGRES)
        self._allow("ProxyToDatabase", self.proxy, self.database, POSTGRES)
        self._allow("FunctionsToEndpoints", self.functions, self.endpoints, 443)
        for task in discover.tasks():
            self._allow(f"DispatcherTo{task.spec.port}", self.dispatcher, self.workers, task.spec.port)
        # S3's addresses are a list of the region's that no template can name; from isolated subnets there is only S3.
        self._https_out("FunctionsToS3", self.functions, "S3, through the gateway endpoint")
        self._https_out("WorkersOut", self.workers, "ECR, logs, S3 and the HTTP API")

    def _allow(self, name: str, source: ec2.CfnSecurityGroup, target: ec2.CfnSecurityGroup, port: int) -> None:
        ec2.CfnSecurityGroupEgress(
            self,
            f"{name}Out",
            group_id=source.attr_group_id,
            destination_security_group_id=target.attr_group_id,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
        )
        ec2.CfnSecurityGroupIngress(
            self,
            f"{name}In",
            group_id=target.attr_group_id,
            source_security_group_id=source.attr_group_id,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
        )

    def _https_out(self, name: str, group: ec2.CfnSecurityGroup, what: str) -> None:
        ec2.CfnSecurityGroupEgress(
            self,
            name,
            group_id=group.attr_group_id,
            cidr_ip="0.0.0.0/0",
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            description=what,
        )

    def _endpoints(self, environment: Environment) -> None:
        """Both let through this environment's own resources only, so an endpoint is no way out for data."""
        bucket = f"arn:{cdk.Aws.PARTITION}:s3:::{self._names.ephemeral_bucket}"
        ec2.CfnVPCEndpoint(
            self,
            "S3",
            vpc_id=self.vpc.ref,
            service_name=f"com.amazonaws.{cdk.Aws.REGION}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=[self._isolated_table.ref],
            policy_document=self._only("s3:*", [bucket, f"{bucket}/*"]),
        )
        ec2.CfnVPCEndpoint(
            self,
            "Sqs",
            vpc_id=self.vpc.ref,
            service_name=f"com.amazonaws.{cdk.Aws.REGION}.sqs",
            vpc_endpoint_type="Interface",
            private_dns_enabled=True,
            # Every zone reaches an endpoint in any zone; a second one is for the day a zone is down.
            subnet_ids=[subnet.ref for subnet in self.isolated[: ZONES if environment.standard else 1]],
            security_group_ids=[self.endpoints.attr_group_id],
            policy_document=self._only("sqs:*", [self._names.queue_arn("*")]),
        )

    def _only(self, action: str, resources: list[str]) -> dict[str, object]:
        allow = {"Effect": "Allow", "Principal": "*", "Action": action, "Resource": resources}
        return {"Version": "2012-10-17", "Statement": [allow]}

    def _flow_logs(self, environment: Environment) -> None:
        """Refused packets only: they tell of a wrong rule or of a program that tries doors."""
        group = logs.CfnLogGroup(
            self, "FlowLogs", log_group_name=self._names.log_group("network"), retention_in_days=environment.log_days
        )
        write = {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
            "Resource": [group.attr_arn],
        }
        role = iam.CfnRole(
            self,
            "FlowLogsRole",
            assume_role_policy_document=standing.trust("vpc-flow-logs.amazonaws.com"),
            policies=[
                iam.CfnRole.PolicyProperty(
                    policy_name="write", policy_document={"Version": "2012-10-17", "Statement": [write]}
                )
            ],
        )
        ec2.CfnFlowLog(
            self,
            "RefusedPackets",
            resource_id=self.vpc.ref,
            resource_type="VPC",
            traffic_type="REJECT",
            log_destination_type="cloud-watch-logs",
            log_group_name=group.ref,
            deliver_logs_permission_arn=role.attr_arn,
        )
