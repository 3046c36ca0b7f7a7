"""The reference pages under docs/, from the declarations: nobody writes a path, a permission or a limit twice."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from slipway import catalogue, discover, errors, permissions, settings
from slipway.function import Function

DOCS = Path(__file__).resolve().parents[1] / "docs"
MADE = "<!-- Made by scripts/generate-docs from {source}. Do not edit. -->"


def table(head: str, rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; `head` is its column titles, separated by commas."""
    columns = [title.strip() for title in head.split(",")]
    lines = [columns, ["---"] * len(columns), *([str(cell).replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def page(title: str, source: str, *parts: str) -> str:
    return "\n\n".join([f"# {title}", MADE.format(source=source), *parts]) + "\n"


def uses(function: Function) -> str:
    return ", ".join(capability.name for capability in function.spec.uses) or "–"


def routes() -> str:
    return page(
        "What AWS may start",
        "the files under functions/",
        "One function per file; `uses` is what it may touch, and nothing else can be reached from it.",
        f"## HTTP routes\n\n{_http()}",
        'Permission "public" needs no login, "self" any user, "run:report" a worker\'s run token; every other one is a '
        f"right of the caller's role in the team that the path's first id belongs to:\n\n{_roles()}",
        f"## WebSocket actions\n\n{_sockets()}",
        f"## Queues\n\n{_queues()}",
        f"## Schedules\n\n{_schedules()}",
        f"## Events\n\n{_events()}",
        f"## Tasks\n\n{_tasks()}",
        f"## Authorizers\n\n{_authorizers()}",
    )


def _http() -> str:
    rows = [
        (s.method, f"`{s.path}`", s.name, s.allow, uses(f), s.status, s.summary)
        for f in sorted(discover.routes(), key=lambda f: (f.spec.path, f.spec.method))
        for s in [f.spec]
    ]
    return table("method, path, operation, permission, uses, status, summary", rows)


def _roles() -> str:
    named = sorted(permissions.ADMIN)
    rows = [(p, *("yes" if permissions.allows(role, p) else "" for role in permissions.ROLES)) for p in named]
    return table(f"permission, {', '.join(permissions.ROLES)}", rows)


def _sockets() -> str:
    rows = [(f"`{f.spec.action}`", f.spec.allow, uses(f), f.spec.summary) for f in discover.sockets()]
    return table("action, permission, uses, summary", rows)


def _queues() -> str:
    rows = [(f.spec.queue.name, f.spec.concurrency, f.spec.timeout, uses(f), f.spec.summary) for f in discover.queues()]
    return table("queue, batches at once, timeout in s, uses, summary", rows)


def _schedules() -> str:
    rows = [(f.spec.name, f.spec.rate, f.spec.timeout, uses(f), f.spec.summary) for f in discover.schedules()]
    return table("schedule, rate, timeout in s, uses, summary", rows)


def _events() -> str:
    rows = [(f.spec.name, f"{f.spec.source}: {f.spec.detail_type}", uses(f), f.spec.summary) for f in discover.events()]
    return table("event, source: detail type, uses, summary", rows)


def _tasks() -> str:
    rows = [(f.spec.name, f.spec.cpu, f.spec.memory, f.spec.max_seconds, f.spec.summary) for f in discover.tasks()]
    return table("task, CPU of 1024, memory in MB, ends after s, summary", rows)


def _authorizers() -> str:
    rows = [(f.spec.api, f.spec.cache_seconds, uses(f), f.spec.summary) for f in discover.authorizers()]
    return table("API, kept for s, uses, summary", rows)


def error_codes() -> str:
    rows = [(f'<a id="{code}"></a>`{code}`', c.status, c.title) for code, c in errors.CODES.items()]
    return page(
        "Errors",
        "layers/core/slipway/errors.py",
        "Every error is an RFC 9457 document (`application/problem+json`): `type`, `title`, `status`, `detail`, `instance`, "
        "and our own `code`, which never changes, and `request_id`, which finds the request in the log. `errors` has one "
        "`pointer`, `code` and `detail` for each value that is not valid. A WebSocket answer has the same document under "
        "`error`.",
        table("code, status, title", rows),
        'What API Gateway answers itself has its own words: `{"message": "Not Found"}` where there is no such route, '
        '`{"message": "Unauthorized"}` where a route that needs one gets no credential at all.',
    )


def setting_names() -> str:
    rows = [
        (f"`{s.name}`", "required" if s.default is None else f"`{s.default}`" if s.default else "empty", s.what)
        for s in settings.SETTINGS
    ]
    return page(
        "Settings",
        "layers/core/slipway/settings.py",
        "Environment variables of the functions. The stacks set them on AWS, `slipway up` on one machine; nobody else needs to.",
        table("name, default, meaning", rows),
    )


def data() -> str:
    intro = re.split(r"\n\n", (catalogue.__doc__ or ""), maxsplit=1)[1]
    classes = re.findall(r"^(critical|semi-critical|ephemeral) +(.+)$", intro, re.MULTILINE)
    tables = [(t.name, t.data_class, t.whose, t.retention, t.why) for t in catalogue.TABLES]
    prefixes = [(p.name, p.data_class, f"{p.ttl_days} days", p.why) for p in catalogue.PREFIXES]
    queues = [(q.name, q.data_class, q.visibility_seconds, q.max_receives, q.why) for q in catalogue.QUEUES]
    return page(
        "Data",
        "layers/core/slipway/catalogue.py",
        "\n".join(f"- **{name}**: {meaning}" for name, meaning in classes),
        "## Tables\n\nA tenant's table is under forced row-level security by its team, a person's by its user.\n\n"
        + table("table, class, whose, kept, why", tables),
        "## Object prefixes\n\n" + table("prefix, class, kept, why", prefixes),
        "## Queues\n\nA message that failed too often waits in the dead-letter queue.\n\n"
        + table("queue, class, visibility in s, receives, why", queues),
    )


PAGES: dict[str, Callable[[], str]] = {
    "routes.md": routes,
    "errors.md": error_codes,
    "settings.md": setting_names,
    "data.md": data,
}


def stale() -> list[str]:
    """The pages whose committed text is not what the declarations say."""
    return [name for name, made in PAGES.items() if not (DOCS / name).exists() or (DOCS / name).read_text() != made()]


def main(arguments: Sequence[str]) -> int:
    if "--check" in arguments:
        old = stale()
        for name in old:
            print(f"docs/{name} is out of date: run scripts/generate-docs", file=sys.stderr)
        return 1 if old else 0
    for name, made in PAGES.items():
        (DOCS / name).write_text(made())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
