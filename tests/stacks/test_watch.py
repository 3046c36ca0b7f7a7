from __future__ import annotations

from slipway import audit_chain, catalogue, metrics

from tests.stacks.conftest import Assembly, flat


def test_every_dead_letter_queue_is_watched(assembly: Assembly) -> None:
    watched = {
        p["Dimensions"][0]["Value"]
        for (stack, _), p in assembly.of("AWS::CloudWatch::Alarm").items()
        if stack == "watch" and p.get("Namespace") == "AWS/SQS"
    }
    assert {f"slipway-{assembly.name}-{queue.name}-dead" for queue in catalogue.QUEUES} <= watched


def test_a_broken_audit_chain_is_watched_where_it_is_counted(assembly: Assembly) -> None:
    alarms = assembly.of("AWS::CloudWatch::Alarm").values()
    (alarm,) = (p for p in alarms if p.get("MetricName") == audit_chain.BROKEN)
    assert alarm["Namespace"] == metrics.NAMESPACE
    assert alarm["Dimensions"] == [{"Name": "stage", "Value": assembly.name}]
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold")


def test_a_team_over_twice_its_plan_is_watched_where_it_is_counted(assembly: Assembly) -> None:
    alarms = assembly.of("AWS::CloudWatch::Alarm").values()
    (alarm,) = (p for p in alarms if p.get("MetricName") == metrics.TEAM_OVER_TWICE_ITS_PLAN)
    assert alarm["Namespace"] == metrics.NAMESPACE
    assert alarm["Dimensions"] == [{"Name": "stage", "Value": assembly.name}]
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold")


def test_every_alarm_says_what_to_look_at_and_tells_somebody(assembly: Assembly) -> None:
    alarms = [p for (stack, _), p in assembly.of("AWS::CloudWatch::Alarm").items() if stack == "watch"]
    assert len(alarms) >= len(catalogue.QUEUES) + 4
    for alarm in alarms:
        assert len(alarm["AlarmDescription"]) > 30
        assert [flat(action) for action in alarm["AlarmActions"]] == ["${Alarms}"]


def test_prod_tells_by_mail(prod: Assembly) -> None:
    assert [p["Protocol"] for p in prod.of("AWS::SNS::Subscription").values()] == ["email"]


def test_every_log_group_forgets_after_the_environments_days(assembly: Assembly) -> None:
    days = {"dev": 7, "staging": 30, "prod": 90}[assembly.name]
    groups = assembly.of("AWS::Logs::LogGroup")
    assert groups
    assert {p["RetentionInDays"] for p in groups.values()} == {days}


def test_every_function_writes_into_a_log_group_of_its_stack(assembly: Assembly) -> None:
    for (stack, _), properties in assembly.of("AWS::Lambda::Function").items():
        group = properties["LoggingConfig"]["LogGroup"]["Ref"]
        assert assembly.resources[stack, group]["Type"] == "AWS::Logs::LogGroup"
