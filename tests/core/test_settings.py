from __future__ import annotations

import re

import pytest
from slipway import settings
from slipway.discover import ROOT


@pytest.fixture(autouse=True)
def _forgotten() -> None:
    settings.reset()


def test_a_setting_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_STAGE", "staging")
    assert settings.get("SLIPWAY_STAGE") == "staging"


def test_a_setting_that_is_not_set_has_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLIPWAY_STAGE", raising=False)
    assert settings.get("SLIPWAY_STAGE") == "local"


def test_a_missing_setting_is_named_with_what_it_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLIPWAY_DATABASE_URL", raising=False)
    with pytest.raises(settings.MissingSetting, match=r"SLIPWAY_DATABASE_URL is not set\. libpq connection string"):
        settings.get("SLIPWAY_DATABASE_URL")


def test_a_name_that_is_no_setting_is_refused() -> None:
    with pytest.raises(KeyError):
        settings.get("PATH")
    with pytest.raises(KeyError):
        settings.apply({"PATH": "/tmp"})


def test_a_setting_is_read_once_until_it_is_reset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_STAGE", "one")
    assert settings.get("SLIPWAY_STAGE") == "one"
    monkeypatch.setenv("SLIPWAY_STAGE", "two")
    assert settings.get("SLIPWAY_STAGE") == "one"
    settings.reset()
    assert settings.get("SLIPWAY_STAGE") == "two"


def test_apply_sets_for_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_STAGE", "before")
    settings.apply({"SLIPWAY_STAGE": "after"})
    assert settings.get("SLIPWAY_STAGE") == "after"


def test_names_are_unique_and_each_says_what_it_is() -> None:
    names = [setting.name for setting in settings.SETTINGS]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"SLIPWAY_[A-Z_]+", name) for name in names)
    assert all(setting.what.endswith(".") for setting in settings.SETTINGS)


def test_only_settings_reads_the_environment() -> None:
    files = [f for f in (ROOT / "layers" / "core").rglob("*.py") if f.name != "settings.py"]
    assert len(files) > 30
    assert [f.name for f in files if re.search(r"os\.environ|getenv", f.read_text())] == []
