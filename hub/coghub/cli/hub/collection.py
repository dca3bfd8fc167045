"""`coghub collection`: groups of models that everyone is shown."""

from typing import Any

import click

from coghub.cli.hub.invocation import HubInvocation, hub_command
from coghub.cli.hub.lookup import model_named
from coghub.domain.collection import Collection
from coghub.parts import Hub

TEXTS = (
    click.option("--name", help="What people read; else the slug."),
    click.option("--description", help="One line on it."),
    click.option("--full-description", help="All that is to be said of it, as Markdown."),
)


@click.group("collection")
def command() -> None:
    """Put models together into collections."""


@command.command("create")
@click.argument("slug")
@TEXTS[0]
@TEXTS[1]
@TEXTS[2]
@hub_command
def create(invocation: HubInvocation, *, slug: str, **texts: str | None) -> None:
    """Make a collection; SLUG is its name in URLs."""
    fields: dict[str, Any] = {"name": slug, "description": "", **_given(texts)}
    made = invocation.run(lambda hub: hub.collections.create(slug, fields))
    _say(invocation, _json(made), f"Made the collection {slug}")


@command.command("change")
@click.argument("slug")
@TEXTS[0]
@TEXTS[1]
@TEXTS[2]
@hub_command
def change(invocation: HubInvocation, *, slug: str, **texts: str | None) -> None:
    """Change what is said of a collection."""

    async def changed(hub: Hub) -> Collection:
        await hub.collections.change(await hub.collections.get(slug), _given(texts))
        return await hub.collections.get(slug)

    _say(invocation, _json(invocation.run(changed)), f"Changed the collection {slug}")


@command.command("delete")
@click.argument("slug")
@hub_command
def delete(invocation: HubInvocation, *, slug: str) -> None:
    """Remove a collection; its models stay."""

    async def removed(hub: Hub) -> None:
        await hub.collections.remove(await hub.collections.get(slug))

    invocation.run(removed)
    _say(invocation, {"slug": slug}, f"Removed the collection {slug}")


@command.command("add")
@click.argument("slug")
@click.argument("models", metavar="OWNER/MODEL...", nargs=-1, required=True)
@hub_command
def add(invocation: HubInvocation, *, slug: str, models: tuple[str, ...]) -> None:
    """Put models at the end of a collection."""

    async def put(hub: Hub) -> None:
        collection = await hub.collections.get(slug)
        for model in [await model_named(hub, name) for name in models]:
            await hub.collections.put(collection, model)

    invocation.run(put)
    _say(invocation, {"slug": slug, "models": models}, f"Put {', '.join(models)} into {slug}")


@command.command("remove")
@click.argument("slug")
@click.argument("models", metavar="OWNER/MODEL...", nargs=-1, required=True)
@hub_command
def remove(invocation: HubInvocation, *, slug: str, models: tuple[str, ...]) -> None:
    """Take models out of a collection."""

    async def taken(hub: Hub) -> None:
        collection = await hub.collections.get(slug)
        for model in [await model_named(hub, name) for name in models]:
            await hub.collections.take(collection, model)

    invocation.run(taken)
    _say(invocation, {"slug": slug, "models": models}, f"Took {', '.join(models)} out of {slug}")


@command.command("list")
@hub_command
def list_collections(invocation: HubInvocation) -> None:
    """List the collections with their models."""

    async def read(hub: Hub) -> list[tuple[Collection, list[str]]]:
        return [
            (each, [model.full_name for model in await hub.collections.models(each)])
            for each in await hub.collections.all()
        ]

    found = invocation.run(read)
    rows = [(it.slug, it.name, " ".join(models)) for it, models in found]
    invocation.show([{**_json(it), "models": models} for it, models in found], rows)


def _given(texts: dict[str, str | None]) -> dict[str, str]:
    return {name: text for name, text in texts.items() if text is not None}


def _json(collection: Collection) -> dict[str, Any]:
    return {
        "slug": collection.slug,
        "name": collection.name,
        "description": collection.description,
        "full_description": collection.full_description,
    }


def _say(invocation: HubInvocation, content: object, text: str) -> None:
    if invocation.is_json:
        invocation.show(content)
    else:
        invocation.console.say(text)
