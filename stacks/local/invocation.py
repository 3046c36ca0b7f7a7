"""Invokes functions as Lambda does: synchronously, with a context, within a time, and nothing shared but the process.

Functions run on threads; the event loop only waits. The hand-off is a queue one way and one wake-up of the loop the
other way, however many calls have finished by then: half the price of an executor's futures.

The number of threads follows what waiting costs. A few threads serve functions that compute, since the interpreter
lock lets one of them run at a time; functions that wait (a long poll, a slow query) get more threads, as long as the
process has time to spare. Processes that do the same work beside each other share what would be one process's number.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections import deque
from typing import Any

from slipway.function import Event, Function

CORE_THREADS = 4  # a trivial function measures alike with 2 to 16; each may hold a database connection
LEAST_THREADS = 2  # one computes while the other waits for Postgres
MOST_THREADS = 40  # of the HTTP processes, and as many of the WebSocket one: the embedded server has 100 connections
GROW_SECONDS = 0.05
IDLE_SECONDS = 30.0


def threads(processes: int) -> tuple[int, int]:
    """Core and most threads of each of so many processes that share the work.

    Two processes measure alike with 1, 2 or 4 threads each; what more threads cost is a connection to Postgres each.
    """
    return max(LEAST_THREADS, CORE_THREADS // processes), max(LEAST_THREADS, MOST_THREADS // processes)


class FunctionTimeout(Exception):
    """The function did not answer in its time. Its thread goes on, as a Lambda does until its own timeout ends it."""


class Context:
    """The Lambda context object, as far as Python functions are given one."""

    __slots__ = ("_deadline", "aws_request_id", "function_name", "memory_limit_in_mb")
    function_version = "$LATEST"
    log_group_name = "local"
    log_stream_name = "local"

    def __init__(self, function: Function, request_id: str, seconds: float) -> None:
        self.aws_request_id = request_id
        self.function_name = function.spec.name
        self.memory_limit_in_mb = function.spec.memory
        self._deadline = time.monotonic() + seconds

    @property
    def invoked_function_arn(self) -> str:
        return f"arn:aws:lambda:local:000000000000:function:{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline - time.monotonic()) * 1000))


class _Call:
    __slots__ = ("abandoned", "context", "error", "event", "function", "future", "result")

    def __init__(self, function: Function, event: Event, context: Context, future: asyncio.Future[Any]) -> None:
        self.function = function
        self.event = event
        self.context = context
        self.future = future
        self.abandoned = False
        self.result: Any = None
        self.error: BaseException | None = None


class Invoker:
    """Belongs to one event loop. All counters are touched on the loop only."""

    def __init__(self, core_threads: int = CORE_THREADS, most_threads: int = MOST_THREADS) -> None:
        self._loop = asyncio.get_running_loop()
        self._core = core_threads
        self._most = most_threads
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._done: deque[_Call] = deque()
        self._woken = False
        self._threads = 0
        self._in_work = 0
        self._finished = 0
        self._growing = False

    async def call(self, function: Function, event: Event, request_id: str, seconds: float) -> Any:
        """What the function returned; raises what it raised, or FunctionTimeout."""
        future: asyncio.Future[Any] = self._loop.create_future()
        call = _Call(function, event, Context(function, request_id, seconds), future)
        self._in_work += 1
        if self._in_work > self._threads:
            self._need_thread()
        self._calls.put(call)
        timer = self._loop.call_later(seconds, self._abandon, call)
        try:
            return await future
        finally:
            timer.cancel()

    def close(self) -> None:
        """Let idle threads end; a busy one ends after its call, or with the process."""
        for _ in range(self._threads):
            self._calls.put(None)

    # ── On the loop ──────────────────────────────────────────────────────────────────────────────────────────────

    def _need_thread(self) -> None:
        if self._threads < self._core:
            self._start_thread(None)
        elif not self._growing and self._threads < self._most:
            self._growing = True
            self._loop.call_later(GROW_SECONDS, self._grow, self._finished, time.process_time(), time.monotonic())

    def _grow(self, finished: int, cpu: float, at: float) -> None:
        self._growing = False
        waiting = self._in_work - self._threads
        if waiting <= 0:
            return
        busy = (time.process_time() - cpu) / max(time.monotonic() - at, 0.001)
        if waiting > self._finished - finished and busy < 0.85:
            for _ in range(min(waiting, self._core, self._most - self._threads)):
                self._start_thread(IDLE_SECONDS)
        self._need_thread()

    def _start_thread(self, idle: float | None) -> None:
        self._threads += 1
        threading.Thread(target=self._work, args=(idle,), name="function", daemon=True).start()

    def _abandon(self, call: _Call) -> None:
        """The caller waits no longer. The thread that holds the call, or will, is written off and replaced."""
        if call.future.done():
            return
        call.abandoned = True
        self._threads -= 1
        self._in_work -= 1
        spec = call.function.spec
        call.future.set_exception(FunctionTimeout(f"{spec.name} did not answer within its time"))

    def _collect(self) -> None:
        self._woken = False
        while self._done:
            call = self._done.popleft()
            if call.abandoned:  # it finished while being abandoned: its thread lives after all
                self._threads += 1
                continue
            self._in_work -= 1
            self._finished += 1
            if call.future.done():  # the client is gone
                continue
            if call.error is None:
                call.future.set_result(call.result)
            else:
                call.future.set_exception(call.error)

    def _left(self) -> None:
        self._threads -= 1

    # ── On a thread ──────────────────────────────────────────────────────────────────────────────────────────────

    def _work(self, idle: float | None) -> None:
        while True:
            try:
                call = self._calls.get(timeout=idle)
            except queue.Empty:
                self._wake(self._left)
                return
            if call is None:
                return
            if not call.abandoned:
                _run(call)
            if call.abandoned:
                return
            self._done.append(call)
            if not self._woken:
                self._woken = True
                self._wake(self._collect)
            del call  # an idle thread keeps no event alive

    def _wake(self, callback: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(callback)
        except RuntimeError:
            if not self._loop.is_closed():
                raise


def _run(call: _Call) -> None:
    try:
        call.result = call.function(call.event, call.context)
    except (StopIteration, SystemExit, KeyboardInterrupt) as e:
        # A future refuses the first; the others would end this process, where Lambda ends one invocation.
        call.error = RuntimeError(f"{type(e).__name__}: {e}")
    except BaseException as e:
        call.error = e
