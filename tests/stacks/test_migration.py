from __future__ import annotations

import json

from tests.stacks.conftest import Assembly


def needs(assembly: Assembly, stack: str) -> set[str]:
    """The stacks that have to be deployed before, directly or not."""
    artifacts = json.loads((assembly.folder / "manifest.json").read_text())["artifacts"]
    prefix = f"slipway-{assembly.name}-"
    found: set[str] = set()
    todo = [f"{prefix}{stack}"]
    while todo:
        for needed in artifacts[todo.pop()].get("dependencies", []):
            if needed.startswith(prefix) and not needed.endswith(".assets") and needed not in found:
                found.add(needed)
                todo.append(needed)
    return {name.removeprefix(prefix) for name in found}


def test_the_schema_is_ready_before_any_function_that_serves(assembly: Assembly) -> None:
    serving = [s for s in assembly.templates if s.startswith("routes-")] + ["background", "socket", "authorizer"]
    for stack in serving:
        assert "migration" in needs(assembly, stack), stack
    assert "data" in needs(assembly, "migration")


def test_what_only_old_functions_needed_goes_after_all_of_them(assembly: Assembly) -> None:
    serving = {s for s in assembly.templates if s.startswith("routes-")} | {"background", "socket", "http"}
    assert serving <= needs(assembly, "settlement")


def test_both_halves_run_again_exactly_when_the_function_changes(assembly: Assembly) -> None:
    steps = assembly.of("AWS::CloudFormation::CustomResource")
    assert {(stack, p["Phase"]) for (stack, _), p in steps.items()} == {("migration", "pre"), ("settlement", "post")}
    versions = [p for (s, _), p in assembly.of("AWS::Lambda::Version").items() if s == "migration"]
    assert {p["Digest"] for p in steps.values()} == {p["Description"] for p in versions}
