#!/bin/sh
# Finds a Python that can make the workspace's environment and hands over to bootstrap.py.
# A name on PATH is tried by running it: a version manager's shim may exist and answer nothing.
set -eu
cd "$(dirname "$0")/.."

is_usable() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' >/dev/null 2>&1
}

if [ -n "${PYTHON:-}" ]; then
    if ! is_usable "$PYTHON"; then
        echo "error: \`$PYTHON\` (from PYTHON) is not a working Python 3.11 to 3.14" >&2
        exit 1
    fi
    exec "$PYTHON" requirements/bootstrap.py
fi

if .venv/bin/python -c 'import pip' >/dev/null 2>&1; then
    exec .venv/bin/python requirements/bootstrap.py
fi
for candidate in python3.14 python3.13 python3.12 python3.11 python3 python; do
    if is_usable "$candidate"; then
        exec "$candidate" requirements/bootstrap.py
    fi
done

echo "error: No Python 3.11 to 3.14 on PATH (the newest \`python3\` here: $(python3 --version 2>/dev/null || echo none))" >&2
echo "hint: Install one, or name it: make setup PYTHON=/path/to/python3.12" >&2
exit 1
