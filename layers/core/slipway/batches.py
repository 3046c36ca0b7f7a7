"""What SQS accepts in one call, held on both sides, so that what one machine sends AWS takes as well."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

MAX_ENTRIES = 10
MAX_BYTES = 1_048_576  # of one message, and of all messages of one batch together
MAX_DELAY_SECONDS = 900
# What XML 1.0 has no character for. Written as what is refused: the complement takes 6 ms of every cold start to compile.
_REFUSED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class NotSent(RuntimeError):
    """Some messages were not accepted, also after trying again; those of earlier batches may have been."""


def batches(bodies: Sequence[str], delay_seconds: int = 0) -> Iterator[list[str]]:
    """The bodies in order, in batches of at most 10 messages and 1 MiB; raises ValueError before the first batch."""
    if not 0 <= delay_seconds <= MAX_DELAY_SECONDS:
        raise ValueError(f"a queue delays by 0 to {MAX_DELAY_SECONDS} seconds, not {delay_seconds}")
    return _cut(bodies, [_size(body) for body in bodies])


def _cut(bodies: Sequence[str], sizes: Sequence[int]) -> Iterator[list[str]]:
    batch: list[str] = []
    total = 0
    for body, size in zip(bodies, sizes, strict=True):
        if batch and (len(batch) == MAX_ENTRIES or total + size > MAX_BYTES):
            yield batch
            batch, total = [], 0
        batch.append(body)
        total += size
    if batch:
        yield batch


def _size(body: str) -> int:
    if refused := _REFUSED.search(body):
        raise ValueError(f"a queue takes no character U+{ord(refused[0]):04X}: send JSON, which escapes it")
    size = len(body.encode())
    if not 1 <= size <= MAX_BYTES:
        raise ValueError(f"a queue takes 1 byte to 1 MiB, not {size} bytes: send a reference to the content instead")
    return size
