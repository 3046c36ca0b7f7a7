"""Identifiers: UUIDv7 in the database, TypeID outside (`prj_01h455vb4pex5vsknk084sn02q`).

TypeID 0.3: prefix, underscore, 26 characters of Crockford's base32 (lower case), 128 bits, first character at most 7.
A pydantic field of type `ProjectId` reads `prj_…` or a UUID and writes `prj_…` in JSON.
"""

from __future__ import annotations

import re
from typing import Annotated, Any
from uuid import UUID

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
SUFFIX_PATTERN = f"[0-7][{ALPHABET}]{{25}}"
_SUFFIX = re.compile(SUFFIX_PATTERN)
_TO_INT = str.maketrans(ALPHABET, "0123456789abcdefghijklmnopqrstuv")  # the digits of int(…, 32)
_PAIRS = [high + low for high in ALPHABET for low in ALPHABET]


def new() -> UUID:
    """A fresh UUIDv7: ordered by time to the millisecond."""
    import uuid_utils.compat

    return uuid_utils.compat.uuid7()


def encode(prefix: str, uuid: UUID) -> str:
    number = uuid.int
    pairs = [_PAIRS[(number >> shift) & 1023] for shift in range(120, -1, -10)]
    return f"{prefix}_{''.join(pairs)}"


def decode(prefix: str, text: str) -> UUID:
    """The UUID of a TypeID; raises ValueError for anything that is not exactly one with this prefix."""
    head, separator, suffix = text.rpartition("_")
    if not separator or head != prefix or not _SUFFIX.fullmatch(suffix):
        raise ValueError(f"not a {prefix}_ id")
    return UUID(int=int(suffix.translate(_TO_INT), 32))


class TypeId:
    """Annotation that makes a UUID field speak TypeID with one of `prefixes`."""

    def __init__(self, *prefixes: str) -> None:
        self.prefixes = prefixes

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self._read,
            serialization=core_schema.plain_serializer_function_ser_schema(self._write, when_used="json"),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        prefix = "|".join(self.prefixes)
        example = encode(self.prefixes[0], UUID("0190a5b0-0000-7000-8000-000000000000"))
        return {"type": "string", "pattern": f"^(?:{prefix})_{SUFFIX_PATTERN}$", "examples": [example]}

    def _read(self, value: Any) -> UUID:
        if isinstance(value, UUID):
            return value
        if isinstance(value, str):
            try:
                return decode(self.prefixes[0], value)
            except ValueError:
                pass
        raise PydanticCustomError("id", "must be an id like {prefix}_…", {"prefix": self.prefixes[0]})

    def _write(self, value: UUID) -> str:
        return encode(self.prefixes[0], value)


UserId = Annotated[UUID, TypeId("usr")]
TeamId = Annotated[UUID, TypeId("team")]
WorkspaceId = Annotated[UUID, TypeId("ws")]
ProjectId = Annotated[UUID, TypeId("prj")]
FileId = Annotated[UUID, TypeId("file")]
RunId = Annotated[UUID, TypeId("run")]
ArtifactId = Annotated[UUID, TypeId("art")]
SessionId = Annotated[UUID, TypeId("ses")]
KeyId = Annotated[UUID, TypeId("key")]
InvitationId = Annotated[UUID, TypeId("inv")]
IdentityId = Annotated[UUID, TypeId("idn")]
AuditId = Annotated[UUID, TypeId("aud")]
