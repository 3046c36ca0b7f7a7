from __future__ import annotations

from tests.api import Api

GET = "GET /v1/projects/{project_id}/files/{path+}"


def test_a_saved_file_is_read_back_byte_for_byte(api: Api) -> None:
    ann = api.project()
    content = bytes(range(256)) * 10
    saved = api.save(ann, "data/all bytes.bin", content)
    assert (saved.status, saved.json["version"], saved.json["size"]) == (201, 1, 2560)
    read = api.call(GET, by=ann, project_id=ann.project["id"], path="data/all bytes.bin")
    assert (read.status, read.content, read.headers["etag"]) == (200, content, saved.headers["etag"])
