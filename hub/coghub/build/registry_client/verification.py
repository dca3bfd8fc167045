"""Whether a registry accepts credentials, asked before they are stored.

A hub, and r8.im, have a page with tokens and tell whose a token is; other registries are asked for
something that only a login opens.
"""

import json
from http import HTTPStatus
from urllib.parse import urlencode

from coghub.build.registry_client.credentials import Credentials
from coghub.build.registry_client.opening import MAX_ANSWER_BYTES, asked
from coghub.build.registry_client.registry import Call, Registry, printable
from coghub.build.registry_client.retries import BUSY
from coghub.build.registry_client.transport import Answer, body_of
from coghub.domain.errors import RegistryBusy, RegistryError, RegistryRefused

PAGE_PATH = "/cog/v1/display-token-url"
VERIFY_PATH = "/cog/v1/verify-token"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def token_page(registry: Registry) -> str | None:
    """Return the address of the page that shows a token; None if the registry has no such thing."""
    answer = asked(registry, PAGE_PATH)
    url = (answer or {}).get("url")
    return printable(url) if isinstance(url, str) else None


def name_of_token(registry: Registry, token: str) -> str:
    """Return whose token it is.

    Raises:
        RegistryRefused: if it is nobody's.
    """
    body = body_of(urlencode({"token": token}).encode())

    def attempt() -> tuple[Answer, bytes]:
        url = f"{registry.origin}{VERIFY_PATH}"
        answer = registry.connections.send("POST", url, FORM, body)
        if answer.status in BUSY:
            answer.close()
            raise RegistryBusy(f"{registry.host} answered {answer.status}")
        return answer, answer.read(MAX_ANSWER_BYTES)

    answer, content = registry.retries.run(attempt)
    match answer.status:
        case HTTPStatus.OK:
            return _name(registry, content)
        case HTTPStatus.NOT_FOUND:
            raise RegistryRefused("user does not exist", hint="Copy the token once more")
        case HTTPStatus.BAD_REQUEST | HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            raise RegistryRefused(f"{registry.host} does not accept the token")
        case status:
            raise RegistryError(f"{registry.host} answered {status} when asked about the token")


def check_password(registry: Registry, credentials: Credentials) -> None:
    """Do nothing if the registry accepts a user name and password.

    Raises:
        RegistryRefused: if it does not.
    """
    registry.authentication.credentials = credentials
    try:
        registry.repeated(Call("GET", "/v2/"), 200).close()
    except RegistryRefused as error:
        raise RegistryRefused(
            f"{registry.host} does not accept this user name and password"
        ) from error


def _name(registry: Registry, content: bytes) -> str:
    try:
        name = json.loads(content)["username"]
    except (ValueError, KeyError, TypeError) as error:
        raise RegistryError(f"{registry.host} did not say whose token it is") from error
    return printable(str(name))
