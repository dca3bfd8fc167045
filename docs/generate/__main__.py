"""`make docs`: writes docs/reference from the code; with `--check` it names what is stale."""

import sys

from docs.generate.pages import FOLDER, pages, stale


def main() -> None:
    """Write every page, or name the stale ones and exit 1."""
    if "--check" in sys.argv:
        sys.exit("\n".join(f"stale: docs/reference/{name}" for name in stale()))
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    print(f"Wrote {', '.join(sorted(pages()))} in {FOLDER}")


if __name__ == "__main__":
    main()
