from __future__ import annotations

import pytest
from slipway import discover
from slipway.capabilities import SIGNING_KEYS

from stacks.lambdas import physical_name
from tests.stacks.conftest import Assembly, flat


def test_the_database_is_encrypted_logged_and_reached_by_iam(assembly: Assembly) -> None:
    (cluster,) = assembly.of("AWS::RDS::DBCluster").values()
    assert cluster["StorageEncrypted"]
    assert cluster["EnableIAMDatabaseAuthentication"]
    assert cluster["ManageMasterUserPassword"]
    assert cluster["EnableCloudwatchLogsExports"] == ["postgresql"]
    (parameters,) = assembly.of("AWS::RDS::DBClusterParameterGroup").values()
    assert parameters["Parameters"]["rds.force_ssl"] == "1"


@pytest.mark.parametrize("number", [0, 1])
def test_prod_has_a_database_in_each_of_two_zones_and_35_days_to_go_back(prod: Assembly, number: int) -> None:
    (cluster,) = prod.of("AWS::RDS::DBCluster").values()
    assert cluster["BackupRetentionPeriod"] == 35
    assert cluster["DeletionProtection"] is True
    assert f"slipway-prod-{number}" in {p["DBInstanceIdentifier"] for p in prod.of("AWS::RDS::DBInstance").values()}


def test_only_a_lean_database_pauses_and_only_a_standard_one_has_a_proxy(assembly: Assembly) -> None:
    """A proxy holds connections open, and a database with open connections never pauses."""
    (cluster,) = assembly.of("AWS::RDS::DBCluster").values()
    scaling = cluster["ServerlessV2ScalingConfiguration"]
    proxies = list(assembly.of("AWS::RDS::DBProxy").values())
    assert (scaling["MinCapacity"] == 0) == ("SecondsUntilAutoPause" in scaling) == (not proxies)
    assert len(proxies) == (assembly.name == "prod")
    assert all(proxy["RequireTLS"] and proxy["DefaultAuthScheme"] == "IAM_AUTH" for proxy in proxies)


def test_the_seed_is_handed_to_those_who_declare_it_and_to_nobody_else(assembly: Assembly) -> None:
    holders = {
        p["FunctionName"]
        for p in assembly.of("AWS::Lambda::Function").values()
        if "signing-secret" in str(p.get("Environment"))
    }
    declared = {f for f in discover.functions() if SIGNING_KEYS in f.spec.uses}
    assert holders == {physical_name(f"slipway-{assembly.name}", f) for f in declared}


def test_the_seed_is_64_hex_digits(prod: Assembly) -> None:
    (seed,) = [p for p in prod.of("AWS::SecretsManager::Secret").values() if flat(p["Name"]).endswith("signing-seeds")]
    rule = seed["GenerateSecretString"]
    letters = set("abcdefghijklmnopqrstuvwxyz0123456789") - set(rule["ExcludeCharacters"])
    assert letters == set("0123456789abcdef")
    assert rule["PasswordLength"] == 64
    assert rule["ExcludeUppercase"]
    assert rule["ExcludePunctuation"]
