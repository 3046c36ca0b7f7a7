"""C: whichever compiler the host has; all files together make the program."""

from __future__ import annotations

from slipway_sandbox.languages.language import Language, on_path

LANGUAGE = Language(
    name="c",
    suffixes=(".c",),
    entries=("main.c",),
    find=lambda: on_path("cc", "gcc", "clang", "tcc"),
    remedy="install gcc and libc6-dev, clang or tcc",
    version=("{tool}", "--version"),
    compile=("{tool}", "-o", "{program}", "{sources}", "-lm"),
    run=("{program}",),
    self_test='#include <math.h>\n#include <stdio.h>\nint main(void) { puts(floor(1.5) == 1.0 ? "ready" : ""); }\n',
)
