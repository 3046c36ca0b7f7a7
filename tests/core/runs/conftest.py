from __future__ import annotations

import pytest

from tests.api import Api, Person


@pytest.fixture
def ann(api: Api) -> Person:
    """Somebody with a project that can be run."""
    person = api.project()
    api.save(person, "main.py", b"print('hello')")
    return person
