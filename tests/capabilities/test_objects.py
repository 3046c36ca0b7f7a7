from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
import requests
from slipway.capabilities import ARTIFACTS_READ, ARTIFACTS_WRITE, BUNDLES_WRITE, UndeclaredUse

from stacks.local import storage
from stacks.local.machine import Machine
from stacks.local.object_urls import sign


@pytest.fixture
def key() -> str:
    return f"run_1/{uuid4()}/out put+ü%2F.txt"


@pytest.fixture
def far_end(side: Any, request: pytest.FixtureRequest) -> Any:
    """The side, with somebody to answer its URLs."""
    if side.name == "machine":
        request.getfixturevalue("object_server")
    return side


def test_what_was_put_is_got_back(side: Any, key: str) -> None:
    content = bytes(range(256)) * 10
    side.provide(ARTIFACTS_WRITE).put(key, content, "text/plain")
    assert side.provide(ARTIFACTS_READ).get(key) == content
    assert side.provide(ARTIFACTS_READ).exists(key) is True


def test_what_was_never_put_is_none(side: Any, key: str) -> None:
    assert side.provide(ARTIFACTS_READ).get(key) is None
    assert side.provide(ARTIFACTS_READ).exists(key) is False


def test_a_prefix_does_not_see_another(side: Any, key: str) -> None:
    side.provide(BUNDLES_WRITE).put(key, b"bundle")
    assert side.provide(ARTIFACTS_READ).get(key) is None


def test_putting_again_replaces(side: Any, key: str) -> None:
    objects = side.provide(ARTIFACTS_WRITE)
    objects.put(key, b"first, and longer")
    objects.put(key, b"")
    assert objects.get(key) == b""


def test_a_key_may_be_the_beginning_of_another(side: Any, key: str) -> None:
    objects = side.provide(ARTIFACTS_WRITE)
    objects.put(f"{key}/a", b"child")
    objects.put(key, b"parent")
    assert (objects.get(key), objects.get(f"{key}/a")) == (b"parent", b"child")


def test_long_keys_that_differ_at_their_end_are_two(side: Any) -> None:
    objects = side.provide(ARTIFACTS_WRITE)
    begin = f"{uuid4()}/" + "ü" * 400
    objects.put(f"{begin}a", b"a")
    objects.put(f"{begin}b", b"b")
    assert (objects.get(f"{begin}a"), objects.get(f"{begin}b")) == (b"a", b"b")


@pytest.mark.parametrize("bad", ["", "/a", "a/", "a//b", "../a", "a/../b", "a/.", "a\nb", "a\x00", "\ud800", "x" * 901])
def test_a_key_that_urls_cannot_carry_is_refused_everywhere(side: Any, bad: str) -> None:
    objects = side.provide(ARTIFACTS_WRITE)
    calls: tuple[Callable[[], object], ...] = (
        lambda: objects.put(bad, b""),
        lambda: objects.get(bad),
        lambda: objects.exists(bad),
        lambda: objects.url_to_get(bad, 60),
        lambda: objects.url_to_put(bad, 60, 1),
    )
    for call in calls:
        with pytest.raises(ValueError, match="object key"):
            call()


def test_who_may_only_read_cannot_write(side: Any, key: str) -> None:
    objects = side.provide(ARTIFACTS_READ)
    with pytest.raises(UndeclaredUse, match="declare artifacts_write"):
        objects.put(key, b"")
    with pytest.raises(UndeclaredUse, match="declare artifacts_write"):
        objects.url_to_put(key, 60, 1)


def test_anyone_may_get_a_signed_url(far_end: Any, key: str) -> None:
    far_end.provide(ARTIFACTS_WRITE).put(key, b"content", "text/html; charset=utf-8")
    answer = requests.get(far_end.provide(ARTIFACTS_READ).url_to_get(key, 60), timeout=5)
    assert (answer.status_code, answer.content) == (200, b"content")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "content-disposition" not in answer.headers


def test_a_download_is_saved_under_its_own_name(far_end: Any, key: str) -> None:
    far_end.provide(ARTIFACTS_WRITE).put(key, b"x")
    url = far_end.provide(ARTIFACTS_READ).url_to_get(key, 60, filename='a "quoted"/ünï.txt')
    said = requests.get(url, timeout=5).headers["content-disposition"]
    assert said == "attachment; filename=\"a _quoted___n_.txt\"; filename*=UTF-8''a%20%22quoted%22%2F%C3%BCn%C3%AF.txt"


def test_a_signed_url_takes_a_put_of_its_size(far_end: Any, key: str) -> None:
    url = far_end.provide(ARTIFACTS_WRITE).url_to_put(key, 60, 7)
    answer = requests.put(url, b"content", headers={"content-type": "image/png"}, timeout=5)
    assert answer.status_code == 200
    objects = far_end.provide(ARTIFACTS_READ)
    assert objects.get(key) == b"content"
    assert requests.get(objects.url_to_get(key, 60), timeout=5).headers["content-type"] == "image/png"


def test_a_url_for_something_that_is_not_there_answers_404(far_end: Any, key: str) -> None:
    assert requests.get(far_end.provide(ARTIFACTS_READ).url_to_get(key, 60), timeout=5).status_code == 404


def test_aws_the_size_and_the_time_of_a_put_are_signed(on_aws: Any, key: str) -> None:
    query = parse_qs(urlsplit(on_aws.provide(ARTIFACTS_WRITE).url_to_put(key, 61, 7)).query)
    assert "content-length" in query["X-Amz-SignedHeaders"][0].split(";")
    assert query["X-Amz-Expires"] == ["61"]
    assert not any("checksum" in name for name in query)


# ── One machine: moto checks no signature, our own server must ───────────────────────────────────────────────────


@pytest.fixture
def stored(machine: Machine, object_server: str, key: str) -> str:
    storage.DiskObjects(machine, "artifacts", "write").put(key, b"content", "text/html")
    return key


def altered(url: str, old: str, new: str) -> str:
    assert old in url
    return url.replace(old, new)


def test_machine_nothing_that_a_run_left_behind_may_act_as_a_page(machine: Machine, stored: str) -> None:
    for method in ("GET", "HEAD"):
        answer = requests.request(method, sign(machine, "GET", "artifacts", stored, 60), timeout=5)
        assert answer.status_code == 200
        assert answer.headers["content-length"] == "7"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "sandbox"
    assert answer.content == b""


def test_machine_a_changed_url_is_refused(machine: Machine, stored: str) -> None:
    good = sign(machine, "GET", "artifacts", stored, 60, filename="a.txt")
    assert requests.get(good, timeout=5).status_code == 200
    expires = good.split("expires=")[1].split("&")[0]
    for bad in (
        altered(good, expires, str(int(expires) + 1)),
        altered(good, "a.txt", "b.html"),
        altered(good, "&filename=a.txt", ""),
        altered(good, "/artifacts/", "/bundles/"),
        altered(good, "run_1", "run_2"),
        good[:-1] + ("0" if good[-1] != "0" else "1"),
        good.split("&signature")[0],
        good.split("?")[0],
        f"{good.split('signature=')[0]}signature=%FFü",
    ):
        answer = requests.get(bad, timeout=5)
        assert (answer.status_code, answer.json()["code"]) == (403, "signature"), bad


def test_machine_another_machines_url_is_refused(machine: Machine, stored: str) -> None:
    other = replace(machine, object_secret="00" * 32)
    assert requests.get(sign(other, "GET", "artifacts", stored, 60), timeout=5).status_code == 403


def test_machine_an_expired_url_says_so(machine: Machine, stored: str) -> None:
    url = sign(machine, "GET", "artifacts", stored, 1)
    assert requests.get(url, timeout=5).status_code == 200
    time.sleep(2.1)
    answer = requests.get(url, timeout=5)
    assert (answer.status_code, answer.json()["detail"]) == (403, "the URL has expired: ask for a new one")


@pytest.mark.parametrize("seconds", [0, -1, 7 * 86400 + 1])
def test_a_time_that_s3_does_not_sign_for_is_refused(side: Any, seconds: int) -> None:
    objects = side.provide(ARTIFACTS_WRITE)
    with pytest.raises(ValueError, match="a signed URL is good for"):
        objects.url_to_get("a", seconds)
    with pytest.raises(ValueError, match="a signed URL is good for"):
        objects.url_to_put("a", seconds, 1)


def test_machine_a_url_is_for_its_method_only(machine: Machine, stored: str) -> None:
    get = sign(machine, "GET", "artifacts", stored, 60)
    put = sign(machine, "PUT", "artifacts", stored, 60, size=1)
    assert requests.put(get, b"x", timeout=5).status_code == 403
    assert requests.get(put, timeout=5).status_code == 403
    assert requests.delete(get, timeout=5).status_code == 405
    assert requests.get(get, timeout=5).content == b"content"


@pytest.mark.parametrize(
    "body", [b"", b"seven", b"longer than seven", iter([b"content"])], ids=["0", "5", "17", "chunked"]
)
def test_machine_a_put_of_another_size_stores_nothing(
    machine: Machine, object_server: str, key: str, body: Any
) -> None:
    answer = requests.put(sign(machine, "PUT", "artifacts", key, 60, size=7), body, timeout=5)
    assert (answer.status_code, answer.json()["code"]) == (403, "signature")
    assert storage.DiskObjects(machine, "artifacts", "read").get(key) is None


def test_machine_an_upload_that_breaks_off_stores_nothing_and_leaves_no_file(
    machine: Machine, object_server: str, key: str
) -> None:
    import http.client

    parts = urlsplit(sign(machine, "PUT", "artifacts", key, 60, size=7))
    connection = http.client.HTTPConnection(parts.netloc)
    connection.putrequest("PUT", f"{parts.path}?{parts.query}")
    connection.putheader("content-length", "7")
    connection.endheaders(b"cont")
    time.sleep(0.2)
    connection.close()
    time.sleep(0.2)
    assert storage.DiskObjects(machine, "artifacts", "read").get(key) is None
    assert list((Path(machine.data) / "objects" / ".incoming").iterdir()) == []


def test_machine_files_lie_in_their_prefix_and_are_private(machine: Machine, stored: str) -> None:
    objects = Path(machine.data) / "objects"
    assert storage.path(machine, "artifacts", stored).is_file()
    assert (objects / "artifacts").stat().st_mode & 0o077 == 0
    assert storage.path(machine, "artifacts", "...").parent == objects / "artifacts"


def test_machine_the_sweep_deletes_what_is_past_its_prefix_ttl_and_nothing_else(machine: Machine) -> None:
    def put(prefix: str, name: str, days: float) -> None:
        storage.DiskObjects(machine, prefix, "write").put(name, b"")
        at = time.time() - days * 86400
        os.utime(storage.path(machine, prefix, name), (at, at))

    for prefix, days in (("bundles", 0.9), ("bundles", 1.1), ("artifacts", 6.9), ("artifacts", 7.1)):
        put(prefix, f"age-{days}", days)
    assert storage.sweep(machine) == 2
    left = {name: storage.path(machine, prefix, name).exists() for prefix, name in (
        ("bundles", "age-0.9"), ("bundles", "age-1.1"), ("artifacts", "age-6.9"), ("artifacts", "age-7.1"),
    )}  # fmt: skip
    assert left == {"age-0.9": True, "age-1.1": False, "age-6.9": True, "age-7.1": False}
    assert storage.sweep(machine) == 0
