#!/bin/sh
# Builds the virtual environment from pinned, hashed wheels: bootstrap.sh VENV STAMP PROJECT...
set -eu
venv=$1 stamp=$2
shift 2
python=${PYTHON:-python3}

command -v "$python" >/dev/null || { echo "no $python here: install Python 3.11 or newer, or name yours: make PYTHON=/path/to/python3"; exit 1; }
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "$("$python" --version) is too old: Python 3.11 or newer is needed; name one: make PYTHON=/path/to/python3.11"
    exit 1
}
if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    echo "building $venv (once)"
    "$python" -m venv --clear "$venv" || {
        echo "this Python cannot make virtual environments (on Debian and Ubuntu: the package python3-venv)"
        exit 1
    }
fi
pip="$venv/bin/python -m pip --disable-pip-version-check --quiet"
echo "installing the pinned packages (once per set of pins)"
# No dependency is looked for: the pins are all of them, but for the one that `make lock` leaves out.
$pip install --no-deps --require-hashes --only-binary :all: -r requirements/dev.txt
editable=""
for project; do editable="$editable -e $project"; done
# shellcheck disable=SC2086 # one -e for each project
$pip install --no-deps --no-build-isolation $editable
rm -f "$venv"/.ready-*
touch "$venv/$stamp"
