from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from stacks.local import invocation
from stacks.local.invocation import FunctionTimeout, Invoker
from tests.stacks.local.declared import route


def call(body: Any, seconds: float = 5, times: int = 1, **threads: int) -> Any:
    async def main() -> Any:
        invoker = Invoker(**threads)
        try:
            calls = (invoker.call(route("GET /x", body), {}, f"id-{i}", seconds) for i in range(times))
            return await asyncio.gather(*calls, return_exceptions=True)
        finally:
            invoker.close()

    return asyncio.run(main())


def test_the_context_is_lambdas() -> None:
    def body(event: Any, context: Any) -> Any:
        return (
            context.aws_request_id, context.function_name, context.memory_limit_in_mb,
            context.invoked_function_arn, context.get_remaining_time_in_millis(),
        )  # fmt: skip

    ((request_id, name, memory, arn, left),) = call(body)
    assert (request_id, name, memory) == ("id-0", "route", 512)
    assert arn.endswith(":function:route") and 4_000 < left <= 5_000


@pytest.mark.parametrize("error", [ValueError("x"), StopIteration(), SystemExit(2), KeyboardInterrupt()])
def test_whatever_a_function_raises_ends_that_call_alone(error: BaseException) -> None:
    def body(event: Any, context: Any) -> Any:
        raise error

    assert all(isinstance(e, (ValueError, RuntimeError)) for e in call(body, times=3, core_threads=1))


def test_a_timeout_frees_the_caller_and_its_thread_is_replaced() -> None:
    stuck = threading.Event()

    def body(event: Any, context: Any) -> Any:
        if context.aws_request_id in ("id-0", "id-1"):
            stuck.wait(5)
        return context.aws_request_id

    async def main() -> Any:
        invoker = Invoker(core_threads=2, most_threads=2)
        function = route("GET /x", body)
        hung = await asyncio.gather(
            *(invoker.call(function, {}, f"id-{i}", 0.1) for i in range(2)), return_exceptions=True
        )
        try:
            return hung, await asyncio.gather(*(invoker.call(function, {}, f"id-{i}", 2) for i in range(2, 6)))
        finally:
            stuck.set()
            invoker.close()

    hung, served = asyncio.run(main())
    assert [type(e) for e in hung] == [FunctionTimeout] * 2
    assert served == ["id-2", "id-3", "id-4", "id-5"]


def test_functions_that_wait_get_threads_and_give_them_back(monkeypatch: Any) -> None:
    monkeypatch.setattr("stacks.local.invocation.IDLE_SECONDS", 0.2)
    started = time.monotonic()
    used: set[int] = set()

    def body(event: Any, context: Any) -> None:
        used.add(threading.get_ident())
        time.sleep(1)

    async def main() -> int:
        invoker = Invoker(core_threads=2)
        await asyncio.gather(*(invoker.call(route("GET /x", body), {}, "id", 5) for _ in range(12)))
        await asyncio.sleep(0.6)
        left = sum(thread.ident in used for thread in threading.enumerate())
        invoker.close()
        return left

    left = asyncio.run(main())
    assert time.monotonic() - started < 4, "twelve waits of a second ran one after another"
    assert len(used) >= 10 and left == 2


def test_many_short_calls_are_all_answered_by_few_threads() -> None:
    names = set()

    def body(event: Any, context: Any) -> Any:
        names.add(threading.get_ident())
        return context.aws_request_id

    assert call(body, times=2_000, core_threads=3) == [f"id-{i}" for i in range(2_000)]
    assert len(names) <= 6


def test_processes_share_the_threads_and_each_has_two_at_least() -> None:
    assert invocation.threads(1) == (invocation.CORE_THREADS, invocation.MOST_THREADS)
    for processes in range(1, 65):
        core, most = invocation.threads(processes)
        assert 2 <= core <= most
        assert processes > 20 or processes * most <= invocation.MOST_THREADS
