"""Signing in, out and up: with what, how often, and from which pages."""

from datetime import timedelta

import pytest
from argon2 import PasswordHasher

from coghub.accounts.passwords import Passwords
from coghub.domain.errors import QueueFull, RequestInvalid
from coghub.web.throttle import Throttle

PASSWORD = "correct horse battery"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def passwords(hub):
    return Passwords(hub.database, QUICK)


async def test_a_password_signs_in_and_a_session_lasts(browser, alice, passwords):
    await passwords.change(alice, PASSWORD)
    visitor = await browser()

    answer = await visitor.post("/login", name="alice", password=PASSWORD, next="/alice/paint")

    assert (answer.status_code, answer.headers["location"]) == (303, "/alice/paint")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Sign out" in (await visitor.get("/")).text


@pytest.mark.parametrize(
    ("name", "password"),
    [("alice", "wrong"), ("nobody", PASSWORD), ("", ""), ("alice", ""), ("alice", "x" * 5000)],
)
async def test_what_does_not_fit_is_refused_in_the_same_words(
    browser, alice, passwords, name, password
):
    await passwords.change(alice, PASSWORD)
    visitor = await browser()

    answer = await visitor.post("/login", name=name, password=password)

    assert answer.status_code == 422
    assert "Name and password do not fit" in answer.text
    assert "set-cookie" not in answer.headers


async def test_a_token_signs_its_own_account_in_only(browser, hub, alice, bob):
    token = await hub.accounts.create_token("bob")
    visitor = await browser()

    assert (await visitor.post("/login", name="alice", password=token)).status_code == 422
    assert (await visitor.post("/login", name="bob", password="chub_x")).status_code == 422
    assert (await visitor.post("/login", name="bob", password=token)).status_code == 303


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example", "/\\evil.example", "", "javascript:alert(1)"],
)
async def test_signing_in_leads_nowhere_else(browser, hub, alice, target):
    token = await hub.accounts.create_token("alice")
    visitor = await browser()

    answer = await visitor.post("/login", name="alice", password=token, next=target)

    assert answer.headers["location"] == "/"


async def test_passwords_cannot_be_guessed_by_the_dozen(browser, alice):
    visitor = await browser()

    answers = [await visitor.post("/login", name="alice", password=str(it)) for it in range(12)]

    assert [it.status_code for it in answers] == [422] * 10 + [429] * 2
    assert "Too many attempts" in answers[-1].text


def test_a_throttle_lets_one_more_through_after_a_while():
    now = [0.0]
    throttle = Throttle(most=2, every_s=10, clock=lambda: now[0])
    throttle.take("a")
    throttle.take("a")

    with pytest.raises(QueueFull, match="try again in 11 s"):
        throttle.take("a")
    throttle.take("b")
    now[0] += 10
    throttle.take("a")
    throttle.forget("a")
    throttle.take("a")


async def test_signing_out_ends_the_session(browser, alice):
    visitor = await browser("alice")
    other = await browser("alice")

    await visitor.post("/logout")

    assert "Sign out" not in (await visitor.get("/")).text
    assert "Sign out" in (await other.get("/")).text


async def test_a_form_of_another_site_or_session_is_refused(browser, alice):
    visitor = await browser("alice")
    send = visitor.client

    strange = await send(
        "POST",
        "/account/tokens",
        data={"csrf": visitor.csrf},
        headers={"sec-fetch-site": "cross-site"},
    )
    elsewhere = await send(
        "POST",
        "/account/tokens",
        data={"csrf": visitor.csrf},
        headers={"origin": "http://evil.example"},
    )
    unsigned = await send("POST", "/account/tokens", data={}, headers={"origin": "http://hub.test"})
    guessed = await send("POST", "/account/tokens", data={"csrf": "é"}, headers={})

    assert [it.status_code for it in (strange, elsewhere, unsigned, guessed)] == [403] * 4
    assert "chub_" not in strange.text + elsewhere.text + unsigned.text + guessed.text


async def test_a_new_password_ends_the_other_sessions(browser, hub, alice):
    here, there = await browser("alice"), await browser("alice")

    short = await here.post("/account/password", new="short")
    done = await here.post("/account/password", new=PASSWORD)
    again = await here.post("/account/password", new=PASSWORD + "2", old="wrong")

    assert (short.status_code, done.status_code, again.status_code) == (422, 303, 422)
    assert "The present password is another one" in again.text
    assert "Sign out" in (await here.get("/")).text
    assert "Sign out" not in (await there.get("/")).text


async def test_a_session_ends_after_a_month_without_a_visit(hub, alice, monkeypatch):
    key = await hub.sessions.begin(alice)
    start = hub.now()

    assert await hub.sessions.find(key)
    monkeypatch.setattr(hub.sessions, "_now", lambda: start + timedelta(days=20))
    assert await hub.sessions.find(key)
    monkeypatch.setattr(hub.sessions, "_now", lambda: start + timedelta(days=45))
    assert await hub.sessions.find(key)
    monkeypatch.setattr(hub.sessions, "_now", lambda: start + timedelta(days=90))
    assert await hub.sessions.find(key) is None


async def test_signing_up_is_closed_by_default(browser):
    visitor = await browser()

    assert (await visitor.get("/signup")).status_code == 403
    assert (await visitor.post("/signup", name="eve", password=PASSWORD)).status_code == 403


async def test_an_open_hub_lets_people_sign_up(browser):
    visitor = await browser(sign_up="open")

    weak = await visitor.post("/signup", name="eve", password="x")
    reserved = await visitor.post("/signup", name="admin", password=PASSWORD)
    done = await visitor.post("/signup", name="eve", password=PASSWORD)

    assert (weak.status_code, reserved.status_code, done.status_code) == (422, 422, 303)
    assert "eve" in (await visitor.get("/account")).text


async def test_a_password_is_kept_as_a_hash_only(hub, alice, passwords):
    await passwords.change(alice, PASSWORD)

    assert await passwords.fits(alice, PASSWORD)
    assert not await passwords.fits(alice, PASSWORD + "x")
    assert not await passwords.fits(None, PASSWORD)
    with pytest.raises(RequestInvalid):
        await passwords.change(alice, "x" * 2000)


async def test_a_stranger_sends_no_large_form(browser, alice):
    """Nor holds the memory for it: thousands of connections cost nothing."""
    stranger, known = await browser(), await browser("alice")

    answers = [
        (await it.post("/login", name="alice", next="x" * 100_000)).status_code
        for it in (stranger, known)
    ]

    assert answers == [413, 422]
