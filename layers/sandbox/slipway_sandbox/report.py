"""Tells the platform about a run while it runs: output at once, a sign of life, the files, the result."""

from __future__ import annotations

import base64
import hashlib
import os
import sys
import threading
import time
from collections import deque
from datetime import UTC, datetime
from typing import Any

from slipway_sandbox.channel import Channel, Deadline, Stale, Undelivered
from slipway_sandbox.jail.folder import Folder
from slipway_sandbox.jail.halt import Halt
from slipway_sandbox.job import Result, Stream
from slipway_sandbox.manifest import Manifest, Wanted

COALESCE = 0.03  # seconds that later output waits for company
LINE = 0.002  # and any for the rest of its line: an unbuffered print is two writes
CHUNK = 16 * 1024
REPORT = 128 * 1024
HEARTBEAT = 5.0


class Output:
    """Sends output in order from a thread of its own. Buffers no more than the job's output limit lets through."""

    def __init__(self, channel: Channel, halt: Halt) -> None:
        self.channel = channel
        self.halt = halt
        self.waiting: deque[tuple[Stream, bytes, float]] = deque()
        self.changed = threading.Condition()
        self.closed = False
        self.seq = 0
        self.failure: Stale | Undelivered | None = None
        self.behind = time.time() - time.monotonic()
        self.thread = threading.Thread(target=self._send_all, name="output", daemon=True)
        self.thread.start()

    def put(self, stream: Stream, data: bytes, at: float) -> None:
        """A Sink for Jail.run: never waits."""
        with self.changed:
            self.waiting.append((stream, data, at))
            self.changed.notify()

    def close(self) -> None:
        """Wait until everything was sent, or cannot be: the run was halted then, and its result says why. Raises
        Stale."""
        with self.changed:
            self.closed = True
            self.changed.notify()
        self.thread.join()
        if isinstance(self.failure, Stale):
            raise self.failure

    def _send_all(self) -> None:
        self.channel.connect()
        try:
            while chunks := self._take():
                answer = self.channel.post("/output", {"chunks": chunks})
                if answer.get("cancel"):
                    self.halt.request("cancelled", "the run was cancelled")
                with self.changed:
                    self.changed.wait_for(lambda: self.closed, COALESCE)
        except (Stale, Undelivered) as error:
            self.failure = error
            self.halt.request("lost", f"the platform does not take reports: {error}")
        finally:
            self.channel.close()

    def _take(self) -> list[dict[str, Any]]:
        """The next report's chunks; empty when there will be no more."""
        with self.changed:
            self.changed.wait_for(lambda: self.waiting or self.closed)
            if self.waiting:
                self.changed.wait_for(lambda: self.closed or self.waiting[-1][1].endswith(b"\n"), LINE)
            chunks: list[dict[str, Any]] = []
            room = REPORT
            while self.waiting and room > 0:
                stream, data, at = self._take_chunk(min(CHUNK, room))
                room -= len(data)
                self.seq += 1
                encoded = base64.b64encode(data).decode()
                chunks.append({"seq": self.seq, "stream": stream, "at": self._clock(at), "data_base64": encoded})
            return chunks

    def _take_chunk(self, most: int) -> tuple[Stream, bytes, float]:
        """Up to `most` bytes from the front that belong to one stream."""
        stream, data, at = self.waiting.popleft()
        while len(data) < most and self.waiting and self.waiting[0][0] == stream:
            data += self.waiting.popleft()[1]
        if len(data) > most:
            self.waiting.appendleft((stream, data[most:], at))
        return stream, data[:most], at

    def _clock(self, at: float) -> str:
        return datetime.fromtimestamp(at + self.behind, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Heartbeat:
    """A sign of life every few seconds, and the second way to hear that a run was cancelled."""

    def __init__(self, channel: Channel, halt: Halt) -> None:
        self.channel = channel
        self.halt = halt
        self.over = threading.Event()
        self.stale = False
        self.thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self.thread.start()

    def _beat(self) -> None:
        try:
            while not self.over.wait(HEARTBEAT):
                if self.channel.post_once("/heartbeat").get("cancel"):
                    self.halt.request("cancelled", "the run was cancelled")
        except Stale as error:
            self.stale = True
            self.halt.request("lost", f"another attempt has taken over: {error}")
        finally:
            self.channel.close()

    def close(self) -> None:
        self.over.set()
        self.thread.join(timeout=1)  # a daemon: it may be waiting for an answer


class Report:
    """All reports of one run. `output.put` takes the output; `finish` delivers what the run left."""

    def __init__(self, manifest: Manifest, halt: Halt, deadline: Deadline) -> None:
        def channel() -> Channel:
            return Channel(manifest.report_url, manifest.token, manifest.attempt, deadline)

        self.wanted = manifest.artifacts
        self.channel = channel()
        self.output = Output(channel(), halt)
        self.heartbeat = Heartbeat(channel(), halt)

    def finish(self, result: Result, folder: Folder | None) -> None:
        """Deliver the rest of the output, the files, the result, in this order; raises Stale or Undelivered.

        Beats until the result is delivered, so that an upload that takes its time does not cost the lease.
        """
        try:
            if result.truncated:
                self.output.put("system", b"[output limit reached: the rest was dropped]\n", time.monotonic())
            self.output.close()
            if self.heartbeat.stale:
                raise Stale("heartbeat")
            kept, notes = self._keep(folder) if folder and result.status != "never_started" else ([], [])
            reason = "; ".join([*([result.reason] if result.reason else []), *notes]) or None
            self.channel.post("/result", {**result.to_json(), "reason": reason, "artifacts": kept})
        finally:
            self.heartbeat.close()
            self.channel.close()

    def _keep(self, folder: Folder) -> tuple[list[dict[str, Any]], list[str]]:
        """(artifacts kept, remarks about those that were not)."""
        kept: list[dict[str, Any]] = []
        notes: list[str] = []
        room = self.wanted.max_bytes
        for path in folder.find(self.wanted.patterns):
            fd = folder.open(path)
            if fd is None:
                continue
            with os.fdopen(fd, "rb") as file:
                size = os.fstat(fd).st_size
                if len(kept) >= self.wanted.max_files or size > room:
                    notes.append(_beyond(self.wanted))
                    break
                artifact = {"path": path, "size": size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}
                try:
                    url = self.channel.post("/artifacts", artifact).get("upload_url")
                    self.channel.put(str(url), file, size)
                except Undelivered as error:
                    print(f"artifact {path}: {error}", file=sys.stderr)
                    notes.append(f"the file {path} could not be kept")
                    continue
            kept.append(artifact)
            room -= size
        return kept, notes


def _beyond(wanted: Wanted) -> str:
    return f"not all files were kept: at most {wanted.max_files} files and {wanted.max_bytes} bytes are"
