"""READMEs: Markdown of users as HTML that can do nothing but be read."""

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

_PARSER = MarkdownIt("commonmark", {"html": False}).enable("table")
MAX_CHARACTERS = 512 * 1024
"""Of a README that is shown; the API gives all of it."""


def rendered(text: str) -> Markup:
    """Return a README as HTML."""
    html = _PARSER.render(text[:MAX_CHARACTERS])
    return Markup(nh3.clean(html, link_rel="noopener nofollow"))  # noqa: S704 - nh3 has cleaned it
