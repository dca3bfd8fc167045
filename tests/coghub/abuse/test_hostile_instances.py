"""What instances may ask of the hub is asked by code of strangers: models."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from raw_asgi import ask

from cog.network_guard import Guard
from coghub.api.callbacks import Callbacks
from coghub.domain.signals import Waiting
from coghub.scheduler.fleet import Member

NAMES = [
    "output.png", "", ".", "..", "../../hub.db", "%2e%2e/x", "a/b", "/etc/passwd", "\0", "\n", "é",
    "💥", "a" * 300, "a" * 5000, "x\r\nSet-Cookie: a", "index.html", "CON", "a\\b",
]  # fmt: skip
TYPES = ["", "image/png", "text/html", "\xff", "a" * 900, "a/b; charset=\xff", "x\ty"]
PREDICTIONS = ["MINE", "MINE", "gone", "q", "", "\xff", "%ff", "%00", "MINE%0a", "a" * 3000]


@pytest.fixture
def member(hub, alice, alices):
    ids = alices.prediction.id, "gone"
    running = {it: Waiting(it, alice.id, 1, hub.now()) for it in ids}
    return Member("i", None, "cpu", None, 1, hub.now(), running=running)


@pytest.fixture
def instances(hub, member):
    return Callbacks(hub, {"key": member}.get, Guard()).app()


segments = st.one_of(st.sampled_from(NAMES), st.sampled_from(["key", "p", "q", "z" * 26]))
keys = st.sampled_from(["key", "key", "other", ""])
paths = st.one_of(
    st.builds("/{}/uploads/{}".format, keys, segments),
    st.builds("/{}/predictions/{}/files/{}".format, keys, segments, segments),
    st.builds("/{}/files/{}/{}".format, keys, segments, segments),
    st.builds("/{}".format, segments),
)


@given(
    method=st.sampled_from(["GET", "PUT", "PUT", "PUT", "POST", "DELETE", "HEAD"]),
    path=paths,
    said=st.tuples(st.sampled_from(PREDICTIONS), st.sampled_from(TYPES)),
    body=st.binary(max_size=50),
)
@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_no_request_of_an_instance_is_answered_with_a_server_error(
    instances, alices, method, path, said, body
):
    prediction_id = said[0].replace("MINE", alices.prediction.id)
    headers = [
        (b"x-prediction-id", prediction_id.encode("latin-1")),
        (b"content-type", said[1].encode("latin-1")),
    ]

    answer = await ask(instances, method, path, headers=headers, body=body)

    assert 200 <= answer.status < 500, answer
    assert all(b"\n" not in value for _, value in answer.headers)


@pytest.mark.parametrize("name", [name for name in NAMES if name.strip("./\0\n")])
async def test_an_output_stays_inside_the_storage_whatever_its_name(hub, alices, instances, name):
    headers = [(b"x-prediction-id", alices.prediction.id.encode())]
    before = {path for path in hub.settings.data.rglob("*") if path.is_file()}
    above = set(hub.settings.data.parent.iterdir())

    answer = await ask(instances, "PUT", f"/key/uploads/{name}", headers=headers, body=b"x")

    assert answer.status in {201, 404}
    made = {path for path in hub.settings.data.rglob("*") if path.is_file()} - before
    assert all(path.is_relative_to(hub.settings.data / "storage") for path in made)
    assert set(hub.settings.data.parent.iterdir()) == above


async def test_an_output_may_have_a_line_feed_in_its_name(alices, instances):
    headers = [(b"x-prediction-id", alices.prediction.id.encode())]

    answer = await ask(instances, "PUT", "/key/uploads/a\nb.txt", headers=headers, body=b"x")

    assert answer.status == 201
    assert dict(answer.headers)[b"location"].endswith(b"/a_b.txt")


async def test_an_output_of_a_prediction_that_was_deleted_leaves_nothing(hub, instances):
    before = {path for path in hub.settings.data.rglob("*") if path.is_file()}

    headers = [(b"x-prediction-id", b"gone")]
    answer = await ask(instances, "PUT", "/key/uploads/x", headers=headers, body=b"x")

    assert answer.status == 404
    assert {path for path in hub.settings.data.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    "body",
    [b'{"a":' + b"[" * 100_000, b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", b"[]", b"\xff"],
)
async def test_what_is_no_state_of_a_prediction_is_refused(member, instances, body):
    told = []
    member.tellers["p"] = told.append

    answer = await ask(instances, "POST", "/key/webhooks/p", body=body)

    assert answer.status in {400, 422}
    assert told == []
