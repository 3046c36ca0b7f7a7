"""Files of a project: saved, read, listed, moved, deleted. Every change is a version and an event of the project's room."""

from __future__ import annotations

import mimetypes
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from slipway import audit, ids, limits, rooms
from slipway.caller import Caller
from slipway.db import Transaction, sql
from slipway.errors import Error
from slipway.files import blobs, paths
from slipway.ids import FileId
from slipway.pages import after, page
from slipway.reply import Content, Page, Reply
from slipway.texts import Input


class File(BaseModel):
    """`size` in bytes, `sha256` in hex; `version` counts the file's changes from 1."""

    id: FileId
    path: str
    size: int
    sha256: str
    version: int
    updated_at: datetime


class Move(Input):
    source: str = Field(max_length=2000)
    target: str = Field(max_length=2000)


COLUMNS = "id, path, size, encode(sha256, 'hex') as sha256, version, updated_at"
FIND = sql(
    f"""select {COLUMNS}, path_key from files
         where team_id = %(team_id)s and project_id = %(project_id)s and path_key = %(path_key)s for update"""
)
GET = sql(
    f"""select {COLUMNS}, sha256 as blob from files
         where team_id = %(team_id)s and project_id = %(project_id)s and path_key = %(path_key)s and path = %(path)s"""
)
LIST = sql(
    f"""select {COLUMNS} from files
         where team_id = %(team_id)s and project_id = %(project_id)s and path > %(after)s and starts_with(path, %(prefix)s)
         order by path limit %(limit)s"""
)
CLASH = sql(
    """select path from files
        where team_id = %(team_id)s and project_id = %(project_id)s
          and (path_key = any(%(folders)s) or (path_key >= %(below)s and path_key < %(beyond)s)) limit 1"""
)
COUNT = sql("select count(*) as files from files where team_id = %(team_id)s and project_id = %(project_id)s")
INSERT = sql(
    f"""insert into files (team_id, id, project_id, path, path_key, sha256, size, version, updated_by)
        values (%(team_id)s, %(id)s, %(project_id)s, %(path)s, %(path_key)s, %(sha256)s, %(size)s, 1, %(user_id)s)
        on conflict (team_id, project_id, path_key) do nothing returning {COLUMNS}"""
)
UPDATE = sql(
    f"""update files set sha256 = %(sha256)s, size = %(size)s, path = %(path)s, path_key = %(path_key)s,
               version = version + 1, updated_at = now(), updated_by = %(user_id)s
         where team_id = %(team_id)s and id = %(id)s returning {COLUMNS}"""
)
DELETE = sql("delete from files where team_id = %(team_id)s and id = %(id)s")
KEEP_VERSION = sql(
    """insert into file_versions (team_id, file_id, version, project_id, path, sha256, size, saved_by)
       values (%(team_id)s, %(file_id)s, %(version)s, %(project_id)s, %(path)s, %(sha256)s, %(size)s, %(user_id)s)"""
)
TOUCH = sql("select 1 from projects where team_id = %(team_id)s and id = %(project_id)s for no key update")


def etag(file: File) -> str:
    return f'"{file.version}-{file.sha256[:16]}"'


def put(
    tx: Transaction,
    caller: Caller,
    project_id: UUID,
    path: str,
    content: bytes,
    if_match: str | None,
    if_none_match: str | None,
) -> Reply[File]:
    """Save a content at a path, 201 when that made a file. `If-Match` saves only over the version that was read,
    `If-None-Match: *` only where there is none. Acknowledged means committed."""
    path = paths.clean(path)
    limits.check(tx, caller.team_id, "file_bytes", len(content))
    found = _find(tx, caller, project_id, path)
    _require(found, if_match, if_none_match)
    sha256 = blobs.put(tx, caller.team_id, content)
    if found and found.sha256 == sha256.hex():
        return Reply(found, {"etag": etag(found)})
    if found:
        file = _update(tx, caller, found.id, path, sha256, len(content))
    else:
        file = _insert(tx, caller, project_id, path, sha256, len(content))
    _keep(tx, caller, project_id, file, sha256, "file.saved", found)
    return Reply(file, {"etag": etag(file)}, status=200 if found else 201)


def get(tx: Transaction, caller: Caller, project_id: UUID, path: str, if_none_match: str | None) -> Content:
    """A file's content; 304 where the client has this version."""
    path = paths.clean(path)
    row = tx.one(GET, team_id=caller.team_id, project_id=project_id, path=path, path_key=paths.key(path))
    if row is None:
        raise Error("not_found", "There is no file at this path.")
    file = File.model_validate(row)
    # The bytes are the user's: never let a browser treat them as a page of this origin.
    headers = {
        "etag": etag(file),
        "content-security-policy": "sandbox; default-src 'none'",
        "cache-control": "no-cache",
    }
    media_type = mimetypes.guess_type(path)[0] or "application/octet-stream"
    if if_none_match == etag(file):
        return Content(b"", media_type, headers, status=304)
    return Content(blobs.get(tx, caller.team_id, [row["blob"]])[row["blob"]], media_type, headers)


def list(tx: Transaction, caller: Caller, project_id: UUID, prefix: str, limit: int, cursor: str | None) -> Page[File]:
    """Files by path."""
    rows = tx.all(
        LIST,
        team_id=caller.team_id,
        project_id=project_id,
        prefix=prefix,
        after=after(cursor),
        limit=limit + 1,
    )
    return page(File, rows, limit, key="path")


def move(tx: Transaction, caller: Caller, project_id: UUID, move: Move) -> Reply[File]:
    """Give a file another path; its history goes along."""
    source, target = paths.clean(move.source), paths.clean(move.target)
    found = _find(tx, caller, project_id, source)
    if found is None:
        raise Error("not_found", "There is no file at the source path.")
    if paths.key(source) != paths.key(target):
        if _find(tx, caller, project_id, target, exact=False):
            raise Error("path_taken", f"There is already a file at {target}.")
        _check_folders(tx, caller, project_id, target)
    sha256 = bytes.fromhex(found.sha256)
    file = _update(tx, caller, found.id, target, sha256, found.size)
    _keep(tx, caller, project_id, file, sha256, "file.moved", found, source=source)
    return Reply(file, {"etag": etag(file)})


def delete(tx: Transaction, caller: Caller, project_id: UUID, path: str, if_match: str | None) -> None:
    """Remove a file; its versions stay. Deleting what is not there is no error."""
    found = _find(tx, caller, project_id, paths.clean(path))
    _require(found, if_match, None)
    if found:
        tx.run(DELETE, team_id=caller.team_id, id=found.id)
        gone = found.model_copy(update={"version": found.version + 1, "size": 0})
        _keep(tx, caller, project_id, gone, None, "file.deleted", found)


def _find(tx: Transaction, caller: Caller, project_id: UUID, path: str, exact: bool = True) -> File | None:
    """The file at a path, its row locked. A project's changes of names are made one at a time (TOUCH)."""
    if not tx.run(TOUCH, team_id=caller.team_id, project_id=project_id):
        raise Error("not_found")  # it was deleted just now
    row = tx.one(FIND, team_id=caller.team_id, project_id=project_id, path_key=paths.key(path))
    if row is None:
        return None
    if exact and row["path"] != path:
        raise Error("path_taken", f"There is already a file {row['path']}, which differs only in upper and lower case.")
    return File.model_validate(row)


def _require(found: File | None, if_match: str | None, if_none_match: str | None) -> None:
    current = {"etag": etag(found)} if found else None
    if if_none_match == "*" and found:
        raise Error("precondition_failed", "There is already a file at this path.", headers=current)
    if if_match is not None and if_match != "*" and (not found or if_match != etag(found)):
        raise Error("precondition_failed", "Read the file again: it has changed since.", headers=current)
    if if_match == "*" and not found:
        raise Error("precondition_failed", "There is no file at this path.")


def _check_folders(tx: Transaction, caller: Caller, project_id: UUID, path: str) -> None:
    key = paths.key(path)
    clash = tx.one(
        CLASH,
        team_id=caller.team_id,
        project_id=project_id,
        folders=paths.folders(key),
        below=key + "/",
        beyond=key + "0",  # the character after "/"
    )
    if clash:
        raise Error("path_taken", f"{clash['path']} is in the way: a name is a file or a folder, not both.")


def _insert(tx: Transaction, caller: Caller, project_id: UUID, path: str, sha256: bytes, size: int) -> File:
    _check_folders(tx, caller, project_id, path)
    count = tx.one(COUNT, team_id=caller.team_id, project_id=project_id) or {"files": 0}
    limits.check(tx, caller.team_id, "project_files", count["files"] + 1)
    row = tx.one(
        INSERT,
        team_id=caller.team_id,
        id=ids.new(),
        project_id=project_id,
        path=path,
        path_key=paths.key(path),
        sha256=sha256,
        size=size,
        user_id=caller.user_id,
    )
    return File.model_validate(row)


def _update(tx: Transaction, caller: Caller, id: UUID, path: str, sha256: bytes, size: int) -> File:
    row = tx.one(
        UPDATE,
        team_id=caller.team_id,
        id=id,
        path=path,
        path_key=paths.key(path),
        sha256=sha256,
        size=size,
        user_id=caller.user_id,
    )
    return File.model_validate(row)


def _keep(
    tx: Transaction,
    caller: Caller,
    project_id: UUID,
    file: File,
    sha256: bytes | None,
    event: str,
    was: File | None,
    **more: Any,
) -> None:
    """The change as a version, as an event of the project's room and in the team's audit log."""
    tx.run(
        KEEP_VERSION,
        team_id=caller.team_id,
        file_id=file.id,
        version=file.version,
        project_id=project_id,
        path=file.path,
        sha256=sha256,
        size=file.size,
        user_id=caller.user_id,
    )
    data = {**file.model_dump(mode="json"), **more, "by": ids.encode("usr", caller.user_id)}
    rooms.append(tx, caller.team_id, "prj", project_id, [(event, data)])
    before, after = _audited(project_id, was), _audited(project_id, file if sha256 else None)
    audit.record(tx, caller, event, ids.encode("file", file.id), before, after)


def _audited(project_id: UUID, file: File | None) -> dict[str, Any] | None:
    """What the audit log keeps of a file: never its content."""
    if file is None:
        return None
    return {
        "project_id": ids.encode("prj", project_id),
        **file.model_dump(include={"path", "size", "sha256", "version"}),
    }
