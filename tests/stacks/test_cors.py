from __future__ import annotations

import ast
from typing import Any

from slipway import idempotency, rate_limits, single
from slipway.rate_limits import Rate

from stacks import cors, environment
from tests.contract.sources import PRODUCT, tree
from tests.stacks.conftest import Assembly

# Browsers show these without being told.
SHOWN_ANYWAY = {"cache-control", "content-length", "content-type", "expires", "last-modified"}
NO_SCRIPT_S = {"content-security-policy", "www-authenticate"}
OF_A_TOKEN = {"kid", "typ"}


def test_both_doors_let_the_same_through(assembly: Assembly) -> None:
    (api,) = [p for p in assembly.of("AWS::ApiGatewayV2::Api").values() if p["ProtocolType"] == "HTTP"]
    given: dict[str, Any] = api["CorsConfiguration"]
    assert given["AllowOrigins"] == environment.context()["environments"][assembly.name]["cors_origins"]
    assert tuple(given["AllowHeaders"]) == cors.REQUEST_HEADERS
    assert tuple(given["ExposeHeaders"]) == cors.RESPONSE_HEADERS
    assert tuple(given["AllowMethods"]) == cors.METHODS


def test_every_header_and_method_that_a_route_takes_is_let_in() -> None:
    operations = [
        (method, operation)
        for path in single.application().openapi()["paths"].values()
        for method, operation in path.items()
    ]
    taken = {
        parameter["name"].lower()
        for _, operation in operations
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "header"
    }
    assert {"if-match", "idempotency-key"} <= taken, "the control"
    assert taken <= set(cors.REQUEST_HEADERS)
    assert {method.upper() for method, _ in operations} <= set(cors.METHODS)


def test_every_header_that_an_answer_has_is_shown() -> None:
    """Those that are computed, and those that are written down in the code as a header's name."""
    rates = rate_limits.headers([Rate("user", 10, 60, 9)])
    refused = rate_limits.refusal(Rate("user", 10, 60, 0)).headers
    written = {name for file in PRODUCT if file.startswith(("layers/core", "functions/")) for name in named(tree(file))}
    assert {"etag", "x-next-after", "retry-after"} <= written, "the control"
    shown = set(cors.RESPONSE_HEADERS) | SHOWN_ANYWAY | NO_SCRIPT_S | OF_A_TOKEN
    assert {*rates, *refused, *idempotency.REPLAYED, *written} <= shown


def named(file: ast.AST) -> set[str]:
    """Keys of dicts that are given as `headers`, and `headers["…"] = …`."""
    found: set[str] = set()
    for node in ast.walk(file):
        match node:
            case ast.keyword(arg="headers", value=ast.Dict(keys=keys)):
                found |= {str(key.value) for key in keys if isinstance(key, ast.Constant)}
            case ast.Assign(targets=[ast.Name(id="headers")], value=ast.Dict(keys=keys)):
                found |= {str(key.value) for key in keys if isinstance(key, ast.Constant)}
            case ast.Assign(targets=[ast.Subscript(value=ast.Name(id="headers"), slice=ast.Constant(value=name))]):
                found.add(str(name))
    return found
