"""Shell: bash where there is one, otherwise sh."""

from __future__ import annotations

from slipway_sandbox.languages.language import Language, on_path

LANGUAGE = Language(
    name="shell",
    suffixes=(".sh", ".bash"),
    entries=("main.sh", "run.sh"),
    find=lambda: on_path("bash", "sh"),
    remedy="install bash",
    version=("{tool}", "-c", "echo ${BASH_VERSION:-1.0}"),
    run=("{tool}", "{entry}"),
    self_test="printf 'rea'; echo dy | cat\n",
)
