"""The workers: an ECS cluster, one task definition for each declared task, and a service that keeps some warm.

A worker takes one job, reports with that job's token and exits; the service starts another. Its role in AWS is none:
no task role, hence no credentials, hence nothing for a program to steal.

The jail inside a Fargate task (no user namespaces there: uid, seccomp, rlimits, chroot) is later work, and the image
has not been built by this repository's tests: they run without a container engine. What is tested is the template.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_applicationautoscaling as scaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct
from slipway import catalogue, discover
from slipway.capabilities import RUN_TASKS
from slipway.task import Task

from stacks import code, nag, standing
from stacks.capabilities import Statement
from stacks.environment import Environment
from stacks.places import Places

USER = "10001:10001"  # as functions/task/Dockerfile makes it
SCRATCH = "scratch"
MINUTE = 60


class Execution(cdk.Stack):
    def __init__(self, scope: Construct, environment: Environment, places: Places, env: cdk.Environment) -> None:
        super().__init__(scope, f"{environment.prefix}-execution", env=env)
        self._environment = environment
        self._places = places
        self._names = places.names
        self._cluster = self._make_cluster()
        tasks = discover.tasks()
        if not tasks:
            return
        self._image = ecr_assets.DockerImageAsset(
            self,
            "Worker",
            directory=str(code.worker()),
            file="functions/task/Dockerfile",
            platform=ecr_assets.Platform.LINUX_ARM64,
        )
        self._logs = logs.CfnLogGroup(
            self, "Logs", log_group_name=self._names.log_group("task"), retention_in_days=environment.log_days
        )
        self._role = self._start_role()
        for task in tasks:
            definition = self._definition(task)
            if task.spec.module.rsplit(".", 1)[-1] == RUN_TASKS.resource:
                self._keep_warm(definition)

    def _make_cluster(self) -> ecs.CfnCluster:
        insights = "enabled" if self._environment.standard else "disabled"
        cluster = ecs.CfnCluster(
            self,
            "Cluster",
            cluster_name=self._names.cluster,
            capacity_providers=["FARGATE", "FARGATE_SPOT"],
            cluster_settings=[ecs.CfnCluster.ClusterSettingsProperty(name="containerInsights", value=insights)],
        )
        if not self._environment.standard:
            nag.acknowledge(
                cluster, "AwsSolutions-ECS4", "lean: Container Insights costs more than the workers it counts"
            )
        return cluster

    def _start_role(self) -> iam.CfnRole:
        """What ECS, not the worker, does with it: pull the image and open the log stream."""
        repository = self._names.arn("ecr", f"repository/{self._image.repository.repository_name}")
        statements = [
            Statement(
                ("ecr:GetAuthorizationToken",),
                ("*",),
                reason="a registry's token is for the registry, ECR knows no narrower resource",
            ),
            Statement(
                ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"), (repository,)
            ),
            Statement(("logs:CreateLogStream", "logs:PutLogEvents"), (self._logs.attr_arn,)),
        ]
        role = iam.CfnRole(
            self,
            "StartRole",
            role_name=self._names.task_execution_role,  # RUN_TASKS names it: iam:PassRole for this one role
            assume_role_policy_document=standing.trust("ecs-tasks.amazonaws.com"),
            policies=[
                iam.CfnRole.PolicyProperty(
                    policy_name="start",
                    policy_document={"Version": "2012-10-17", "Statement": [one.json() for one in statements]},
                )
            ],
        )
        nag.explain_wildcards(self, role, statements)
        return role

    def _definition(self, task: Task) -> ecs.CfnTaskDefinition:
        name = task.spec.module.rsplit(".", 1)[-1]
        definition = ecs.CfnTaskDefinition(
            self,
            f"{name.title()}Task",
            family=self._names.task(name),
            cpu=str(task.spec.cpu),
            memory=str(task.spec.memory),
            network_mode="awsvpc",
            requires_compatibilities=["FARGATE"],
            runtime_platform={"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
            execution_role_arn=self._role.attr_arn,
            volumes=[ecs.CfnTaskDefinition.VolumeProperty(name=SCRATCH)],
            container_definitions=[self._container(task, name)],
        )
        nag.acknowledge(
            definition, "AwsSolutions-ECS2", "the stage, the address of the API and the task's name: nothing secret"
        )
        return definition

    def _container(self, task: Task, name: str) -> ecs.CfnTaskDefinition.ContainerDefinitionProperty:
        stream = {
            "awslogs-group": self._logs.ref,
            "awslogs-region": cdk.Aws.REGION,
            "awslogs-stream-prefix": name,
            "mode": "non-blocking",  # a worker must not stop because CloudWatch is slow
            "max-buffer-size": "4m",
        }
        environment = {
            "SLIPWAY_STAGE": self._environment.name,
            "SLIPWAY_FUNCTION": task.spec.name,
            "SLIPWAY_PUBLIC_URL": self._places.public_url,
        }
        return ecs.CfnTaskDefinition.ContainerDefinitionProperty(
            name=name,
            image=self._image.image_uri,
            essential=True,
            command=["python3", "-c", f"from {task.spec.module} import {task.spec.attribute} as task; task()"],
            user=USER,
            readonly_root_filesystem=True,
            linux_parameters={"initProcessEnabled": True},  # reaps what a program leaves behind
            mount_points=[{"sourceVolume": SCRATCH, "containerPath": "/scratch", "readOnly": False}],
            port_mappings=[{"containerPort": task.spec.port, "protocol": "tcp"}],
            stop_timeout=2 * MINUTE,  # the longest Fargate grants: a running job may end and report
            log_configuration={"logDriver": "awslogs", "options": stream},
            environment=[{"name": key, "value": value} for key, value in environment.items()],
        )

    def _keep_warm(self, definition: ecs.CfnTaskDefinition) -> None:
        """No desired count: the scaling target keeps it between its bounds, and a deploy must not set it back."""
        spot = {"capacityProvider": "FARGATE_SPOT", "weight": 3}  # an interrupted run is tried again
        steady = {"capacityProvider": "FARGATE", "base": 1, "weight": 1}
        service = ecs.CfnService(
            self,
            "Warm",
            service_name=self._names.service,
            cluster=self._cluster.ref,
            task_definition=definition.ref,
            capacity_provider_strategy=[spot, steady] if self._environment.standard else [spot],
            deployment_configuration={"minimumHealthyPercent": 0, "maximumPercent": 200},
            network_configuration={
                "awsvpcConfiguration": {
                    "subnets": list(self._places.worker_subnets),
                    "securityGroups": [self._places.worker_group],
                    "assignPublicIp": "ENABLED",  # stacks/network.py says why
                }
            },
        )
        self._scale(service)

    def _scale(self, service: ecs.CfnService) -> None:
        """By the number of waiting runs. Up in steps within a minute; down by halves when none has waited for ten,
        never below the warm ones. ECS picks the tasks to end: a busy one has the stop timeout to finish, and what it
        does not finish is a lease that runs out and a run that is tried again."""
        target = scaling.CfnScalableTarget(
            self,
            "Target",
            service_namespace="ecs",
            scalable_dimension="ecs:service:DesiredCount",
            resource_id=f"service/{self._names.cluster}/{service.attr_name}",
            min_capacity=self._environment.warm_workers,
            max_capacity=self._environment.max_workers,
        )
        up = self._policy(target, "Up", "ChangeInCapacity", [(0, 5, 1), (5, 20, 5), (20, None, 15)], MINUTE)
        self._alarm("Waiting", "GreaterThanOrEqualToThreshold", 1, 1, up)
        down = self._policy(target, "Down", "PercentChangeInCapacity", [(None, 0, -50)], 5 * MINUTE)
        self._alarm("Idle", "LessThanThreshold", 1, 10, down)

    def _policy(
        self,
        target: scaling.CfnScalableTarget,
        name: str,
        kind: str,
        steps: list[tuple[int | None, int | None, int]],
        cooldown: int,
    ) -> scaling.CfnScalingPolicy:
        """`steps`: (from, to, change), the bounds counted from the alarm's threshold."""
        adjustments = [
            scaling.CfnScalingPolicy.StepAdjustmentProperty(
                metric_interval_lower_bound=low, metric_interval_upper_bound=high, scaling_adjustment=change
            )
            for low, high, change in steps
        ]
        return scaling.CfnScalingPolicy(
            self,
            name,
            policy_name=f"{self._names.prefix}-workers-{name.lower()}",
            policy_type="StepScaling",
            scaling_target_id=target.ref,
            step_scaling_policy_configuration=scaling.CfnScalingPolicy.StepScalingPolicyConfigurationProperty(
                adjustment_type=kind,
                cooldown=cooldown,
                metric_aggregation_type="Maximum",
                min_adjustment_magnitude=1 if kind.startswith("Percent") else None,
                step_adjustments=adjustments,
            ),
        )

    def _alarm(
        self, name: str, comparison: str, threshold: int, periods: int, policy: scaling.CfnScalingPolicy
    ) -> None:
        cloudwatch.CfnAlarm(
            self,
            name,
            alarm_description=f"{self._names.prefix}: scales the workers, is no cause for alarm",
            namespace="AWS/SQS",
            metric_name="ApproximateNumberOfMessagesVisible",
            dimensions=[{"name": "QueueName", "value": self._names.queue(catalogue.RUNS.name)}],
            statistic="Maximum",
            period=MINUTE,
            evaluation_periods=periods,
            threshold=threshold,
            comparison_operator=comparison,
            treat_missing_data="breaching" if comparison.startswith("Less") else "notBreaching",
            alarm_actions=[policy.ref],
        )
