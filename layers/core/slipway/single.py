"""The second HTTP shell: all routes as one FastAPI application, the only module that imports FastAPI and Mangum.

It renders OpenAPI 3.1, runs under uvicorn (`uvicorn --factory slipway.single:application`) and, through `handler`, is the
one Lambda function of the profile `api: single`. FastAPI reads the parameters; who may call, what is answered and how a
refusal is worded is `slipway.http`, as in the lean shell: tests/contract/test_shells.py holds that the answers are equal.
"""

from __future__ import annotations

import asyncio
import base64
import inspect
import re
import uuid
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Annotated, Any, cast
from urllib.parse import urlencode

import fastapi
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import WrapValidator
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException

from slipway import binding, discover, health, http, log, openapi
from slipway.caller import from_context, from_request
from slipway.capabilities import granting
from slipway.errors import Error
from slipway.function import Event
from slipway.reply import Content
from slipway.route import Route

THREADS = 16  # requests in work at once, and so the most connections to the database
NOT_FOUND = {"message": "Not Found"}  # API Gateway's own words, which no function can change
Arguments = dict[str, Any] | Error
Handler = Callable[[fastapi.Request], Coroutine[Any, Any, fastapi.Response]]


class _Greedy(Convertor[str]):
    """`{path+}`: at least one character, any character, as API Gateway matches it."""

    regex = "(?s:.+)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


class _Request(fastapi.Request):
    """Repeated headers and query parameters joined by a comma, as API Gateway does; the body's bytes unparsed."""

    def __init__(self, request: fastapi.Request) -> None:
        headers = _joined(request.headers.items())
        query = _joined(request.query_params.multi_items())
        scope = {
            **request.scope,
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
            "query_string": urlencode(query).encode(),
        }
        super().__init__(scope, request.receive)

    async def json(self) -> Any:
        """The model itself parses the bytes (see `_signature`), so that both shells read JSON with one parser."""
        return await self.body()


class Endpoint:
    """What FastAPI calls for a route, with the signature that the route's body has."""

    def __init__(self, route: Route, threads: ThreadPoolExecutor) -> None:
        self.route = route
        self.reads_json = any(p.source == "body" for p in route.binding.parameters)
        self._content = next((p.name for p in route.binding.parameters if p.source == "content"), None)
        self._threads = threads
        self.__name__ = route.spec.name
        self.__doc__ = ""  # FastAPI would publish this class's
        self.__signature__ = _signature(route)

    async def __call__(self, http_request: fastapi.Request, **arguments: Any) -> fastapi.Response:
        if self._content:
            arguments[self._content] = await http_request.body()
        return await self.answer(http_request, arguments)

    async def refuse(self, request: fastapi.Request) -> fastapi.Response:
        """Answer what FastAPI could not read; the words are the lean binder's."""
        event = _event(request, await request.body())
        try:
            return await self.answer(request, self.route.binding.read(event))
        except Error as error:
            return await self.answer(request, error)

    async def answer(self, request: fastapi.Request, arguments: Arguments) -> fastapi.Response:
        # Threads of our own: FastAPI's end with the event loop's task, under Mangum with each request, and every
        # thread keeps its database connection.
        event = _event(request, await request.body())
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._answer, event, arguments)

    def _answer(self, event: Event, arguments: Arguments) -> fastapi.Response:
        try:
            said = self._who(event)
        except Exception:
            log.exception("authorizer_failed")
            return JSONResponse({"message": "Internal Server Error"}, 500)  # what API Gateway answers then
        spec, request_id = self.route.spec, event["requestContext"]["requestId"]
        with log.request(spec.name, request_id), granting(spec.name, spec.uses):
            try:
                scope = self.route.binding.scope(event["pathParameters"])
                caller = from_context(said, from_request(event["requestContext"], event["headers"]))
                answer = http.perform(self.route, caller, scope, arguments, http.sent(self.route, event))
            except Exception as error:
                answer = http.explain(error, event["rawPath"], request_id)
        return fastapi.Response(answer.body, answer.status, {**answer.headers, "x-request-id": request_id})

    def _who(self, event: Event) -> dict[str, Any] | None:
        """What the authorizer said; where no gateway asked it, it is asked here."""
        around: dict[str, Any] = event["requestContext"]
        if "http" in around or self.route.spec.allow == "public":
            return cast("dict[str, Any] | None", around.get("authorizer", {}).get("lambda"))
        authorizer = next(a for a in discover.authorizers() if a.spec.api == "http")
        return cast("dict[str, Any]", authorizer(event, None)["context"])


class _Bound(APIRoute):
    """Lets the endpoint answer what FastAPI refuses: authorization first, then validation."""

    def get_route_handler(self) -> Handler:
        endpoint = cast(Endpoint, self.endpoint)
        read = super().get_route_handler()

        async def handle(request: fastapi.Request) -> fastapi.Response:
            given = _Request(request)
            try:
                if endpoint.reads_json:
                    binding.require_json(await given.body(), given.headers.get("content-type"))
                return await read(given)
            except (Error, RequestValidationError):
                return await endpoint.refuse(given)

        return handle


class Application(fastapi.FastAPI):
    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            document = super().openapi()
            problem = openapi.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            components = document.setdefault("components", {})
            components.setdefault("schemas", {}).update(problem.pop("$defs"), Problem=problem)
            bearer = {"type": "http", "scheme": "bearer", "description": "An access token; for workers, a run token."}
            components["securitySchemes"] = {"bearer": bearer}
        return cast(dict[str, Any], self.openapi_schema)


def application(threads: int = THREADS) -> fastapi.FastAPI:
    """Every declared route; nothing is read or opened before the first request."""
    register_url_convertor("greedy", _Greedy())
    # A path with one slash too many is another path there, so it is here.
    app = Application(title="Slipway", version=health.VERSION, redoc_url=None, redirect_slashes=False)
    app.router.route_class = _Bound
    pool = ThreadPoolExecutor(threads, "route")
    for route in sorted(discover.routes(), key=_precedence):
        path = re.sub(r"\{(\w+)\+\}", r"{\1:greedy}", route.spec.path)
        raw: dict[str, Any] = {"response_class": fastapi.Response} if route.binding.returns is Content else {}
        app.add_api_route(path, Endpoint(route, pool), **openapi.described(route), **raw)

    async def unknown(request: fastapi.Request, error: Exception) -> fastapi.Response:
        """No such path, or not with this method: an HTTP API knows no 405."""
        return JSONResponse(NOT_FOUND, 404)

    app.add_exception_handler(HTTPException, unknown)
    return app


def handler(event: Event, context: Any) -> dict[str, Any]:
    """The Lambda handler of the profile `api: single`: an HTTP API event (payload 2.0)."""
    answer: dict[str, Any] = _mangum()(event, context)
    answer["headers"].pop("content-length", None)  # API Gateway's own
    if answer["statusCode"] == 204:
        answer["headers"].pop("content-type", None)  # Mangum gives one to every answer
    return answer


@cache
def _mangum() -> Any:
    from mangum import Mangum

    # A Lambda environment answers one request at a time: one thread, one connection.
    return Mangum(application(threads=1), lifespan="off", text_mime_types=[binding.JSON, http.PROBLEM])


def _precedence(route: Route) -> list[int]:
    """Fixed segments before variable ones before greedy ones, the leftmost difference decides."""
    return [2 if part.endswith("+}") else int(part.startswith("{")) for part in route.spec.path.split("/")]


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in pairs:
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def _event(request: fastapi.Request, body: bytes = b"") -> Event:
    """The event as the lean shell reads it; API Gateway's own context where it made one."""
    given: Event = request.scope.get("aws.event", {})
    alone = {"requestId": request.headers.get("x-request-id") or uuid.uuid4().hex}
    return {
        "rawPath": given.get("rawPath", request.scope["path"]),
        "headers": dict(request.headers),
        "pathParameters": request.path_params,
        "queryStringParameters": dict(request.query_params),
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
        "requestContext": given.get("requestContext", alone),
    }


def _signature(route: Route) -> inspect.Signature:
    """The body's signature in FastAPI's terms; without what the core adds (caller, transaction) and raw content."""
    given = inspect.signature(route.body).parameters
    parameters = [inspect.Parameter("http_request", inspect.Parameter.POSITIONAL_ONLY, annotation=fastapi.Request)]
    kinds: dict[str, Callable[[binding.Parameter], tuple[Any, ...]]] = {
        "path": lambda p: (fastapi.Path(),),
        "query": lambda p: (fastapi.Query(),),
        "header": lambda p: (fastapi.Header(alias=p.key.title()),),
        "body": lambda p: (WrapValidator(lambda raw, _: p.validate(raw)), fastapi.Body()),
    }
    for p in route.binding.parameters:
        if p.source in kinds:
            annotation: Any = Annotated[(p.annotation, *kinds[p.source](p))]
            parameters.append(
                inspect.Parameter(
                    p.name, inspect.Parameter.KEYWORD_ONLY, default=given[p.name].default, annotation=annotation
                )
            )
    return inspect.Signature(parameters)
