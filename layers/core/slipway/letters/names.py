"""Names that people gave, as they may stand in a letter to somebody else."""

from __future__ import annotations

import re
import unicodedata

MOST = 60  # characters
# A mail program makes a link of `evil.example` or `x://y`. A zero-width space keeps a team from being named as an
# advertisement that we deliver to strangers.
_WOULD_LINK = re.compile(r"(?<=\S)([.:/@])(?=\S)")


def plain(name: str) -> str:
    """One line without control and direction characters, at most MOST characters, and nothing that turns into a link."""
    visible = "".join(c for c in " ".join(name.split()) if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co"))
    if len(visible) > MOST:
        visible = visible[: MOST - 1].rstrip() + "…"
    return _WOULD_LINK.sub("\\1\u200b", visible) or "somebody"
