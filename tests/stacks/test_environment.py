from __future__ import annotations

import subprocess
import sys

import pytest

from stacks import environment
from stacks.environment import ROOT, BadEnvironment
from tests.stacks.conftest import Assembly

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
        ({"registration": "closed"}, "neither open nor confirmed"),
        ({"registration": "confirmed"}, 'set mail_from, or "registration": "open"'),
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


def test_who_does_not_say_how_people_register_means_by_letter_and_needs_a_sender() -> None:
    dev = {key: value for key, value in DESCRIBED["dev"].items() if key != "registration"}
    with pytest.raises(BadEnvironment, match="set mail_from"):
        environment.read("dev", {"dev": dev})
    assert environment.read("dev", {"dev": {**dev, "mail_from": "no-reply@example.com"}}).registration == "confirmed"


def test_a_synthesis_of_a_wrong_description_ends_with_the_line_that_says_so() -> None:
    code = (
        "import app; from stacks import environment\n"
        "found = environment.context(); found['environments']['dev']['registration'] = 'confirmed'\n"
        "environment.context = lambda: found; app.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr and "set mail_from" in done.stderr.splitlines()[-1]


def test_every_function_is_told_how_people_register(assembly: Assembly) -> None:
    functions = assembly.of("AWS::Lambda::Function")
    told = {name: p.get("Environment", {}).get("Variables", {}) for name, p in functions.items()}
    said = {variables["SLIPWAY_REGISTRATION"] for variables in told.values() if "SLIPWAY_STAGE" in variables}
    assert said == {DESCRIBED[assembly.name]["registration"]}
