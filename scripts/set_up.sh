#!/bin/sh
# Makes .venv and installs a hash-locked list of requirements/ into it. Usage: set_up.sh runtime|dev|drawing|mutants|fast
# Finds the newest Python from 3.11 to 3.13, or takes the one named by $PYTHON; never downloads one.
set -eu
cd "$(dirname "$0")/.."
requirements=requirements/$1.txt

fits() { # Is this command a Python that we run on?
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1
}

find_python() { # The first that fits and can make a venv; else the first that fits. A newer one is a faster one.
    second_best=
    for candidate in ${PYTHON:-} python3.13 python3.12 python3.11 python3 /usr/bin/python3; do
        fits "$candidate" || continue
        if "$candidate" -c 'import ensurepip, venv' >/dev/null 2>&1; then
            echo "$candidate"
            return
        fi
        second_best=${second_best:-$candidate}
    done
    echo "$second_best"
}

if ! [ -x .venv/bin/python ] || ! fits .venv/bin/python; then
    python=$(find_python)
    if [ -z "$python" ]; then
        echo "Tulga needs Python 3.11, 3.12 or 3.13, and none was found." >&2
        echo "On Debian or Ubuntu: sudo apt install python3 python3-venv   (or: make PYTHON=/path/to/python …)" >&2
        exit 1
    fi
    if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        echo "$python cannot make a virtual environment: its venv module is missing." >&2
        echo "On Debian or Ubuntu: sudo apt install python$version-venv" >&2
        exit 1
    fi
    echo "→ making .venv with $("$python" --version)"
    rm -rf .venv
    "$python" -m venv .venv
fi

if ! .venv/bin/uv --version >/dev/null 2>&1; then
    echo "→ installing uv into .venv"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r requirements/uv.txt
fi

echo "→ installing $requirements (hash-locked; the first time it takes a minute or two)"
export UV_PYTHON_DOWNLOADS=never
.venv/bin/uv pip install --quiet --python .venv/bin/python --require-hashes -r "$requirements"
# The client of clients/python, for the demo, the benchmarks and the tests: as it stands in this checkout.
echo "$PWD/clients/python" > "$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/tulga-client.pth"
