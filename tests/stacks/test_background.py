from __future__ import annotations

from slipway import catalogue, discover

from tests.stacks.conftest import Assembly, flat


def test_every_consumer_is_fed_by_its_queue(assembly: Assembly) -> None:
    fed = {
        flat(p["EventSourceArn"]).rsplit("-", 1)[-1]: p for p in assembly.of("AWS::Lambda::EventSourceMapping").values()
    }
    assert set(fed) == {queue.spec.queue.name for queue in discover.queues()}
    for queue in discover.queues():
        mapping = fed[queue.spec.queue.name]
        assert mapping["BatchSize"] == queue.spec.queue.batch_size
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping["ScalingConfig"]["MaximumConcurrency"] == max(2, queue.spec.concurrency)


def test_every_queue_of_the_catalogue_has_a_consumer() -> None:
    assert {queue.spec.queue for queue in discover.queues()} == set(catalogue.QUEUES)


def test_a_message_stays_hidden_for_six_times_as_long_as_its_consumer_may_take(assembly: Assembly) -> None:
    hidden = {p["QueueName"]: p.get("VisibilityTimeout") for p in assembly.of("AWS::SQS::Queue").values()}
    for queue in discover.queues():
        assert hidden[f"slipway-{assembly.name}-{queue.spec.queue.name}"] >= 6 * queue.spec.timeout


def test_every_schedule_and_every_event_has_a_rule(assembly: Assembly) -> None:
    rules = list(assembly.of("AWS::Events::Rule").values())
    assert sorted(r["ScheduleExpression"] for r in rules if "ScheduleExpression" in r) == sorted(
        schedule.spec.rate for schedule in discover.schedules()
    )
    patterns = [r["EventPattern"] for r in rules if "EventPattern" in r]
    wanted = {(e.spec.source, e.spec.detail_type) for e in discover.events() if e.spec.source != "slipway.deploy"}
    assert {(p["source"][0], p["detail-type"][0]) for p in patterns} == wanted


def test_only_tasks_of_our_own_cluster_are_reported(assembly: Assembly) -> None:
    (pattern,) = [
        r["EventPattern"] for r in assembly.of("AWS::Events::Rule").values() if "aws.ecs" in str(r.get("EventPattern"))
    ]
    (arn,) = pattern["detail"]["clusterArn"]
    (cluster,) = assembly.of("AWS::ECS::Cluster").values()
    assert flat(arn).endswith(f":cluster/{cluster['ClusterName']}")
