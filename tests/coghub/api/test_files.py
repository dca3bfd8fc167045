"""Files over HTTP: uploads as each client sends them, and signed downloads."""

import hashlib
import json
import os
from datetime import timedelta
from pathlib import Path

import pytest
from hub_client import Client

from coghub.api.files import signature
from coghub.app import asgi
from coghub.domain.clock import utc_now
from coghub.files.files import MAX_FILE_BYTES
from coghub.opening import open_hub


async def upload(client, content=b"hello", **options):
    files = {"content": ("a.txt", content, "text/plain")}
    return await client("POST", "/v1/files", **{"files": files, **options})


async def test_an_uploaded_file_has_every_field_that_clients_read(as_alice):
    answer = await upload(as_alice)

    assert answer.status_code == 201
    file = answer.json()
    assert file["urls"] == {"get": f"http://hub.test/v1/files/{file['id']}"}
    assert (file["name"], file["content_type"], file["size"]) == ("a.txt", "text/plain", 5)
    assert file["etag"] == hashlib.md5(b"hello").hexdigest()
    assert file["checksums"] == {
        "md5": hashlib.md5(b"hello").hexdigest(),
        "sha256": hashlib.sha256(b"hello").hexdigest(),
    }
    assert file["metadata"] == {}
    assert file["expires_at"] > file["created_at"]
    assert (await as_alice("GET", f"/v1/files/{file['id']}")).json() == file
    assert (await as_alice("GET", "/v1/files")).json()["results"] == [file]


@pytest.mark.parametrize(
    "options",
    [
        {"data": {"metadata": json.dumps({"a": {"b": "1"}})}},
        {
            "files": [
                ("content", ("a.txt", b"hello", "text/plain")),
                ("metadata", ("blob", json.dumps({"a": {"b": "1"}}), "application/json")),
            ]
        },
        {"data": {"metadata[a][b]": "1"}},
    ],
    ids=["text", "file", "brackets"],
)
async def test_metadata_is_taken_in_each_form(as_alice, options):
    assert (await upload(as_alice, **options)).json()["metadata"] == {"a": {"b": "1"}}


async def test_brackets_make_lists(as_alice):
    answer = await upload(as_alice, data={"metadata[tags][]": ["x", "y"]})

    assert answer.json()["metadata"] == {"tags": ["x", "y"]}


async def test_fields_overrule_the_parts_own_head(as_alice):
    answer = await upload(as_alice, data={"filename": "b.csv", "type": "text/csv"})

    assert (answer.json()["name"], answer.json()["content_type"]) == ("b.csv", "text/csv")


async def test_a_content_without_name_and_type_is_a_file(as_alice):
    body = b'--x\r\ncontent-disposition: form-data; name="content"\r\n\r\nhi\r\n--x--\r\n'
    headers = {"content-type": "multipart/form-data; boundary=x"}

    answer = await as_alice("POST", "/v1/files", content=body, headers=headers)

    file = answer.json()
    assert (file["name"], file["content_type"]) == ("file", "application/octet-stream")


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"data": {"metadata": "[1]"}}, 422),
        ({"data": {"metadata": "{"}}, 422),
        ({"data": {"metadata[a]": "1", "metadata[a][b]": "2"}}, 422),
        ({"data": {"filename": "\u00e9" * 128}}, 422),
        ({"data": {"metadata": "x" * 2 * 1024**2}}, 413),
        ({"files": {"other": b"x"}}, 422),
        ({"files": [("content", b"x"), ("content", b"y")]}, 400),
        ({"files": None, "content": b"hello"}, 400),
        ({"files": None, "json": {}}, 400),
    ],
)
async def test_an_upload_that_cannot_be_is_refused(as_alice, hub, options, status):
    answer = await upload(as_alice, **options)

    assert answer.status_code == status
    assert list(hub.storage.incoming.iterdir()) == []
    assert (await as_alice("GET", "/v1/files")).json()["results"] == []


@pytest.mark.parametrize(
    "body", [b"", b"--x\r\n", b"--x\r\n\r\n", b"--x\r\ncontent-disposition: form-data", b"--y--"]
)
async def test_a_broken_body_is_refused(as_alice, hub, body):
    headers = {"content-type": "multipart/form-data; boundary=x"}

    answer = await as_alice("POST", "/v1/files", content=body, headers=headers)

    assert answer.status_code == 400
    assert list(hub.storage.incoming.iterdir()) == []


async def test_a_name_of_255_bytes_is_taken(as_alice):
    answer = await upload(as_alice, data={"filename": "\u00e9" * 127 + "e"})

    assert answer.json()["name"] == "\u00e9" * 127 + "e"


async def test_a_name_is_no_path_and_no_header(as_alice):
    answer = await upload(as_alice, data={"filename": "../../a\r\nset-cookie: b", "type": "a\nb"})

    assert answer.json()["name"] == "a__set-cookie: b"
    assert answer.json()["content_type"] == "application/octet-stream"


async def test_a_file_above_the_limit_is_refused_and_nothing_is_left(as_alice, hub):
    async def body():
        yield b'--x\r\ncontent-disposition: form-data; name="content"\r\n\r\n'
        for _ in range(MAX_FILE_BYTES // 2**20 + 1):
            yield bytes(2**20)
        yield b"\r\n--x--\r\n"

    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = await as_alice("POST", "/v1/files", content=body(), headers=headers)

    assert answer.status_code == 413
    assert answer.json()["detail"] == "Files must be less than 100MB in size"
    assert list(hub.storage.incoming.iterdir()) == []


async def test_a_deleted_file_is_gone(as_alice, hub):
    file = (await upload(as_alice)).json()

    answer = await as_alice("DELETE", f"/v1/files/{file['id']}")

    assert (answer.status_code, answer.content) == (204, b"")
    assert (await as_alice("GET", f"/v1/files/{file['id']}")).status_code == 404
    assert await hub.storage.size_of(f"files/{file['id']}") is None


async def test_a_file_does_not_exist_for_others(as_alice, as_bob):
    file = (await upload(as_alice)).json()

    for method in ("GET", "DELETE"):
        answer = await as_bob(method, f"/v1/files/{file['id']}")
        assert answer.status_code == 404
        assert answer.json()["detail"] == "File not found"
    assert (await as_bob("GET", "/v1/files")).json()["results"] == []
    assert (await as_alice("GET", f"/v1/files/{file['id']}")).status_code == 200


async def signed(as_alice, file, *, owner="alice", expiry=4_000_000_000):
    secret = (await as_alice("GET", "/v1/webhooks/default/secret")).json()["key"]
    parameters = {
        "owner": owner,
        "expiry": str(expiry),
        "signature": signature(secret, owner, file["id"], str(expiry)),
    }
    return f"/v1/files/{file['id']}/download", parameters


async def test_a_signed_download_needs_no_token(as_alice, as_nobody):
    path, parameters = await signed(as_alice, (await upload(as_alice)).json())

    answer = await as_nobody("GET", path, params=parameters)

    assert (answer.status_code, answer.content) == (200, b"hello")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "change",
    [
        {"signature": "bm9uZQ=="},
        {"signature": "\u00e9"},
        {"expiry": "4000000001"},
        {"expiry": "\u0664"},
        {"expiry": "9" * 400},
        {"expiry": "1000"},
        {"owner": "bob"},
        {"owner": "nobody"},
    ],
)
async def test_a_download_that_is_not_signed_so_is_not_found(as_alice, as_nobody, bob, change):
    path, parameters = await signed(as_alice, (await upload(as_alice)).json())

    answer = await as_nobody("GET", path, params={**parameters, **change})

    assert answer.status_code == 404


async def test_an_account_signs_for_its_own_files_only(as_alice, as_bob, as_nobody):
    file = (await upload(as_alice)).json()
    path, parameters = await signed(as_bob, file, owner="bob")

    assert (await as_nobody("GET", path, params=parameters)).status_code == 404


async def test_an_expired_file_is_gone(settings_of, tmp_path):
    moment = utc_now()
    async with open_hub(settings_of(tmp_path), now=lambda: moment) as hub:
        await hub.accounts.create("alice")
        client = Client(asgi(hub), await hub.accounts.create_token("alice"))
        file = (await upload(client)).json()
        moment += timedelta(hours=25)

        assert (await client("GET", f"/v1/files/{file['id']}")).status_code == 404
        assert (await client("GET", "/v1/files")).json()["results"] == []
        assert await hub.files.expire() == 1
        assert await hub.storage.size_of(f"files/{file['id']}") is None


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
async def test_a_full_disk_is_told_and_leaves_nothing(as_alice, hub, monkeypatch):
    """Every write to this device fails as on a disk without space."""
    path = hub.storage.incoming / "full"

    def new_incoming():
        path.touch()
        return os.open("/dev/full", os.O_WRONLY), path

    monkeypatch.setattr(hub.storage, "new_incoming", new_incoming)

    answer = await upload(as_alice)

    assert answer.status_code == 507
    assert answer.json()["code"] == "disk-full"
    assert list(hub.storage.incoming.iterdir()) == []
    assert (await as_alice("GET", "/v1/files")).json()["results"] == []
