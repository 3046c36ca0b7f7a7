from __future__ import annotations

import pytest

from stacks import environment
from stacks.environment import BadEnvironment

DESCRIBED = environment.context()["environments"]


def test_cdk_json_describes_three_environments() -> None:
    assert set(DESCRIBED) == {"dev", "staging", "prod"}
    assert environment.read("prod", DESCRIBED).standard
    assert not environment.read("dev", DESCRIBED).standard


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"regoin": "x"}, "unknown regoin"),
        ({"profile": "huge"}, "neither lean nor standard"),
        ({"api": "double"}, "neither routes nor single"),
        ({"domain": "api.example.com"}, "needs `certificate`"),
        ({"mail_from": "Slipway"}, "mail_from is not an address"),
    ],
)
def test_a_wrong_description_is_refused_with_the_remedy(change: dict[str, str], said: str) -> None:
    with pytest.raises(BadEnvironment, match=said):
        environment.read("dev", {"dev": {**DESCRIBED["dev"], **change}})


def test_an_unknown_environment_names_the_known_ones() -> None:
    with pytest.raises(BadEnvironment, match="dev, prod, staging"):
        environment.read("live", DESCRIBED)


def test_a_missing_fact_is_named() -> None:
    described = {key: value for key, value in DESCRIBED["dev"].items() if key != "max_acu"}
    with pytest.raises(BadEnvironment, match="max_acu"):
        environment.read("dev", {"dev": described})
