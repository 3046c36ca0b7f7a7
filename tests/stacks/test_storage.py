from __future__ import annotations

from slipway import catalogue

from tests.stacks.conftest import Assembly, flat


def test_lifecycle_rules_are_the_catalogues(assembly: Assembly) -> None:
    (bucket,) = [p for (_, id), p in assembly.of("AWS::S3::Bucket").items() if id == "Ephemeral"]
    rules = bucket["LifecycleConfiguration"]["Rules"]
    assert {(r["Prefix"], r["ExpirationInDays"], r["Status"]) for r in rules} == {
        (f"{prefix.name}/", prefix.ttl_days, "Enabled") for prefix in catalogue.PREFIXES
    }
    assert {prefix.data_class for prefix in catalogue.PREFIXES} == {"ephemeral"}, "another class needs another bucket"


def test_buckets_are_private_encrypted_and_answer_over_tls_only(assembly: Assembly) -> None:
    buckets = assembly.of("AWS::S3::Bucket")
    for properties in buckets.values():
        assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
        assert properties["BucketEncryption"]
    refused = {
        flat(p["Bucket"])
        for p in assembly.of("AWS::S3::BucketPolicy").values()
        for s in p["PolicyDocument"]["Statement"]
        if s["Effect"] == "Deny" and s["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    }
    assert refused == {f"${{{id}}}" for _, id in buckets}
