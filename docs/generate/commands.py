"""commands.md: every command and option, as click knows them."""

import inspect
from collections.abc import Iterator

import click
from docs.generate.tables import table

from coghub.cli.main import operator_root, root

INTRODUCTION = """\
# Commands

Results go to stdout and everything else to stderr.
The exit code is 0 when it worked, 1 when it did not, 130 after Ctrl-C; `cog exec` passes on its command's own.
`coghub cog …` is the same as `cog …`.
"""

OPERATORS = """\
# Commands for who runs a hub

The exit code is 0 when it worked, 1 when it did not, 2 when it was asked wrongly, 130 after Ctrl-C.
All but `coghub up` open the data folder themselves, beside a running hub.
"""


def page() -> str:
    """Return the page."""
    parts = [INTRODUCTION]
    seen: dict[int, str] = {}
    for context, command in walk(root, "cog", None):
        path = context.command_path
        first = seen.setdefault(id(command), path)
        same = f"## {path}\n\nThe same as `{first}`.\n"
        parts.append(same if first != path else _section(context, command))
    parts.append(OPERATORS)
    for context, command in walk(operator_root, "coghub", None):
        if not context.command_path.startswith("coghub cog"):
            parts.append(_section(context, command))
    return "\n".join(parts)


def walk(
    command: click.Command, name: str, parent: click.Context | None
) -> Iterator[tuple[click.Context, click.Command]]:
    """Yield a command and all below it, each with the context that names it."""
    context = click.Context(command, info_name=name, parent=parent)
    yield context, command
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None
            yield from walk(found, child, context)


def _section(context: click.Context, command: click.Command) -> str:
    level = "##" if context.parent is None or context.parent.parent is None else "###"
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    lines = [f"{level} {context.command_path}", "", "```text", usage, "```", "", _help(command), ""]
    shown = [_row(context, it) for it in command.params if isinstance(it, click.Option)]
    hidden = [row for row in shown if row[0].startswith("~")]
    if visible := [row for row in shown if row not in hidden]:
        lines += [*table(("option", "meaning"), visible), ""]
    if hidden:
        names = ", ".join(row[0].strip("~") for row in hidden)
        lines += [f"Also accepted, for scripts written for Cog, and without effect: {names}.", ""]
    return "\n".join(lines)


def _help(command: click.Command) -> str:
    text = inspect.cleandoc(command.help or "").partition("\f")[0]
    paragraphs = []
    for paragraph in text.split("\n\n"):
        if paragraph.startswith("\b"):
            paragraphs.append(f"```sh\n{paragraph.removeprefix(chr(8)).strip()}\n```")
        else:
            paragraphs.append(" ".join(paragraph.split()).replace(". ", ".\n"))
    return "\n\n".join(paragraphs)


def _row(context: click.Context, option: click.Option) -> tuple[str, str]:
    names = ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])
    if option.hidden:
        return f"~{names}", ""
    value = "" if option.is_flag else f" `{option.make_metavar(context)}`"
    help_text = " ".join((option.help or "").split())
    if option.show_default and option.default is not None:
        help_text += f" Default: `{option.default}`."
    return names + value, help_text.replace("  [default: 0]", " Default: `0`.")
