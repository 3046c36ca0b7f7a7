from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stacks.local.declared import free_ports
from tests.stacks.local.started import Up


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    started: list[Up] = []

    def start(data: Path = tmp_path / "data", *options: str, port: int | None = None, **more: Any) -> Up:
        started.append(Up(data, port or free_ports(), *options, **more))
        return started[-1]

    yield start
    for one in started:
        one.process.terminate()
        one.process.communicate(timeout=60)
