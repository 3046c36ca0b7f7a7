from __future__ import annotations

import pytest

from tests.api import Api, Person


@pytest.fixture
def ann(api: Api) -> Person:
    return api.project()
