"""TypeIDs, held to the specification's own vectors (jetify-com/typeid, spec 0.3: valid.yml and invalid.yml)."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError
from slipway import ids
from slipway.ids import ProjectId

VALID = [
    ("prefix", "00000000000000000000000000", "00000000-0000-0000-0000-000000000000"),
    ("prefix", "00000000000000000000000001", "00000000-0000-0000-0000-000000000001"),
    ("prefix", "0000000000000000000000000a", "00000000-0000-0000-0000-00000000000a"),
    ("prefix", "0000000000000000000000000g", "00000000-0000-0000-0000-000000000010"),
    ("prefix", "00000000000000000000000010", "00000000-0000-0000-0000-000000000020"),
    ("prefix", "7zzzzzzzzzzzzzzzzzzzzzzzzz", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    ("prefix", "0123456789abcdefghjkmnpqrs", "0110c853-1d09-52d8-d73e-1194e95b5f19"),
    ("prefix", "01h455vb4pex5vsknk084sn02q", "01890a5d-ac96-774b-bcce-b302099a8057"),
    ("pre_fix", "00000000000000000000000000", "00000000-0000-0000-0000-000000000000"),
]
INVALID = {
    "prefix-uppercase": "PREFIX_00000000000000000000000000",
    "prefix-numeric": "12345_00000000000000000000000000",
    "prefix-period": "pre.fix_00000000000000000000000000",
    "prefix-non-ascii": "préfix_00000000000000000000000000",
    "prefix-spaces": "  prefix_00000000000000000000000000",
    "separator-empty-prefix": "_00000000000000000000000000",
    "separator-empty": "_",
    "suffix-short": "prefix_1234567890123456789012345",
    "suffix-long": "prefix_123456789012345678901234567",
    "suffix-spaces": "prefix_1234567890123456789012345 ",
    "suffix-uppercase": "prefix_0123456789ABCDEFGHJKMNPQRS",
    "suffix-hyphens": "prefix_123456789-123456789-123456",
    "suffix-wrong-alphabet": "prefix_ooooooiiiiiiuuuuuuulllllll",
    "suffix-ambiguous-crockford": "prefix_i23456789ol23456789oi23456",
    "suffix-hyphens-crockford": "prefix_123456789-0123456789-0123456",
    "suffix-overflow": "prefix_8zzzzzzzzzzzzzzzzzzzzzzzzz",
    "prefix-underscore-start": "_prefix_00000000000000000000000000",
    "prefix-underscore-end": "prefix__00000000000000000000000000",
    "no prefix": "00000000000000000000000000",
    "another prefix": "other_00000000000000000000000000",
    "other digits": "prefix_٠0000000000000000000000000",
    "nothing": "",
}


class Named(BaseModel):
    id: ProjectId


@pytest.mark.parametrize(("prefix", "suffix", "uuid"), VALID)
def test_a_valid_vector_reads_and_writes_as_the_specification_says(prefix: str, suffix: str, uuid: str) -> None:
    assert ids.decode(prefix, f"{prefix}_{suffix}") == UUID(uuid)
    assert ids.encode(prefix, UUID(uuid)) == f"{prefix}_{suffix}"


@pytest.mark.parametrize("text", INVALID.values(), ids=INVALID.keys())
def test_an_invalid_vector_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a prefix_ id"):
        ids.decode("prefix", text)


@given(st.uuids())
def test_every_uuid_survives_the_round_trip(uuid: UUID) -> None:
    assert ids.decode("prj", ids.encode("prj", uuid)) == uuid


@given(st.uuids(), st.uuids())
def test_ids_sort_as_their_uuids(one: UUID, two: UUID) -> None:
    assert (one < two) == (ids.encode("prj", one) < ids.encode("prj", two))


@given(st.text(max_size=40) | st.text(ids.ALPHABET, min_size=26, max_size=26).map("prj_{}".format))
def test_what_is_read_is_written_back_letter_for_letter(text: str) -> None:
    try:
        uuid = ids.decode("prj", text)
    except ValueError:
        return
    assert ids.encode("prj", uuid) == text


def test_new_ids_are_version_7_and_ascend() -> None:
    made = [ids.new() for _ in range(1000)]
    assert {uuid.version for uuid in made} == {7}
    assert made == sorted(made) and len(set(made)) == 1000


def test_a_field_reads_an_id_and_writes_it_in_json_only() -> None:
    uuid = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
    named = Named.model_validate({"id": "prj_01h455vb4pex5vsknk084sn02q"})
    assert named.id == uuid
    assert named.model_dump() == {"id": uuid}
    assert named.model_dump_json() == '{"id":"prj_01h455vb4pex5vsknk084sn02q"}'


@pytest.mark.parametrize("value", ["run_01h455vb4pex5vsknk084sn02q", "01890a5d-ac96-774b-bcce-b302099a8057", 7, None])
def test_a_field_refuses_what_is_no_id_of_its_kind(value: object) -> None:
    with pytest.raises(ValidationError, match="must be an id like prj_…"):
        Named.model_validate({"id": value})
