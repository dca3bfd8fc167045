"""`cog login`: credentials for a registry, checked, and kept where Docker keeps them."""

import sys

import click

from coghub.build.registry_client.credentials import Credentials, CredentialStore
from coghub.build.registry_client.logins import Logins
from coghub.build.registry_client.opening import open_registry
from coghub.build.registry_client.reference import Host, parse_host
from coghub.build.registry_client.registry import Registry
from coghub.build.registry_client.verification import check_password, name_of_token, token_page
from coghub.cli.invocation import Invocation
from coghub.cli.registries import PUBLIC_HOST, chosen_host, tell_host
from coghub.domain.errors import RegistryRefused, UsageError

API_TOKEN = "r8_"  # noqa: S105 - how such tokens begin


@click.command("login")
@click.argument("host", required=False)
@click.option("--token-stdin", is_flag=True, help="Read the token, or the password, from stdin.")
@click.option("-u", "--username", metavar="NAME", help="User name, where a registry wants one.")
@click.pass_obj
def command(
    invocation: Invocation, *, host: str | None, token_stdin: bool, username: str | None
) -> None:
    """Log in to the registry HOST: a hub, or any other that `docker login` knows.

    What was checked is kept in Docker's config.json, or in the keychain that it names.

    \b
    cog login https://hub.example
    coghub token create alice | cog login http://127.0.0.1:5100 --token-stdin
    """  # noqa: D301 - the backspace is click's mark
    chosen, origin = chosen_host(invocation, parse_host(host) if host else None)
    tell_host(invocation, chosen, origin)
    with open_registry(chosen, invocation.settings, is_anonymous=True) as registry:
        page = token_page(registry)
        if page:
            found = _by_token(invocation, registry, page, is_piped=token_stdin)
        else:
            found = _by_password(registry, username, is_piped=token_stdin)
    CredentialStore(invocation.settings).write(chosen.address, found)
    Logins(invocation.settings).note(chosen)
    invocation.console.say(
        f"You've successfully authenticated as {found.name}! "
        f"You can now use the {chosen.address} registry."
    )


def _by_token(
    invocation: Invocation, registry: Registry, page: str, *, is_piped: bool
) -> Credentials:
    if not is_piped:
        invocation.console.say(f"Where your token comes from: {page}")
    token = _secret("Token", is_piped=is_piped)
    _refuse_api_token(registry.host, token)
    return Credentials(name_of_token(registry, token), token)


def _by_password(registry: Registry, name: str | None, *, is_piped: bool) -> Credentials:
    if name is None and is_piped:
        raise UsageError(
            f"{registry.host} wants a user name", hint="Say it: `cog login HOST -u NAME`"
        )
    if name is None:
        _require_terminal()
        name = str(click.prompt("User name", err=True))
    credentials = Credentials(name, _secret("Password", is_piped=is_piped))
    check_password(registry, credentials)
    return credentials


def _secret(noun: str, *, is_piped: bool) -> str:
    """Return what the user pastes unseen, or pipes in."""
    if not is_piped:
        _require_terminal()
        text = str(click.prompt(noun, hide_input=True, err=True))
    else:
        text = sys.stdin.read()
    if not text.strip():
        raise RegistryRefused("token is empty")
    return text.strip()


def _require_terminal() -> None:
    if not sys.stdin.isatty():
        raise UsageError("Nobody can be asked for a token here", hint="Pipe it: `--token-stdin`")


def _refuse_api_token(host: Host, token: str) -> None:
    if host.address == PUBLIC_HOST.address and token.startswith(API_TOKEN):
        raise RegistryRefused(
            "that looks like a Replicate API token, not a CLI auth token. "
            "Please fetch a token from https://replicate.com/auth/token to log in"
        )
