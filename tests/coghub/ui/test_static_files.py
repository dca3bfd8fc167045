"""Static files: kept for good, small, and none of them asks another host for anything."""

import re

from coghub.ui.static_files import static_files

MAX_BYTES = 100_000
OTHER_HOST = re.compile(rb"(?:src|href|url|import|from|fetch)\s*[=(]?\s*[\"'(]\s*(?:https?:)?//")


def test_all_of_them_together_are_small_on_the_way():
    assert sum(len(it.compressed) for it in static_files().values()) < MAX_BYTES


def test_none_refers_to_another_host():
    own = {name: it for name, it in static_files().items() if not name.startswith("vendor/")}

    assert {"coghub.css", "form.js", "run.js"} <= own.keys()
    assert [name for name, it in own.items() if OTHER_HOST.search(it.plain)] == []
