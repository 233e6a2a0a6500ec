#!/usr/bin/env bash
# Makes .venv with everything that Earshot needs; does nothing where that is done. `make setup` calls it.
# With the argument `test` also the servers, JDBC drivers and the browser that the integration tests meet.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*" >&2; }

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then sudo -n "$@"; else return 1; fi; }

apt_install() {
    command -v apt-get >/dev/null || return 1
    as_root apt-get update -qq >/dev/null 2>&1 || true
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1
}

java_major() { java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1; }

need_java() {
    local major
    major=$(java_major || true)
    [ "${major:-0}" -ge 17 ] && return
    say "Java 17 or newer is needed (found: ${major:-none}); trying Debian's openjdk-17-jre-headless"
    apt_install openjdk-17-jre-headless && [ "$(java_major)" -ge 17 ] && return
    say "it could not be installed here. Install a Java 17+ runtime, put java on PATH, and call make again:"
    say "  Debian, Ubuntu: sudo apt-get install openjdk-17-jre-headless     macOS: brew install openjdk@17"
    exit 2
}

find_python() {
    local name
    for name in python3.11 python3 python; do
        if "$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    if apt_install python3.11 python3.11-venv && command -v python3.11; then return; fi
    say "Python 3.11 with venv is needed and was not found. Install it, put python3.11 on PATH, and call make again."
    exit 2
}

need_servers() {
    local package binary missing=()
    while read -r binary package; do
        command -v "$binary" >/dev/null || missing+=("$package")
    done <<'LIST'
redis-server redis-server
prometheus prometheus
prometheus-alertmanager prometheus-alertmanager
promtool prometheus
amtool prometheus-alertmanager
chromium chromium
LIST
    [ -x "$(ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null | tail -n 1)" ] || command -v initdb >/dev/null || missing+=(postgresql)
    [ "${#missing[@]}" -eq 0 ] && return
    say "installing for the integration tests: ${missing[*]}"
    apt_install "${missing[@]}" fonts-dejavu-core || say "could not install ${missing[*]}: tests that need them will be skipped, and say so"
}

need_java
stamp=.venv/.earshot-$(cat constraints.txt pyproject.toml jobs/earshot/automation/spark_jars.py jobs/earshot/automation/session.py "$0" | sha256sum | cut -c1-16)
if [ ! -f "$stamp" ]; then
    say "making .venv (half a minute to a few minutes, once)"
    [ -x .venv/bin/python ] || "$(find_python)" -m venv .venv
    [ -x .venv/bin/uv ] || .venv/bin/python -m pip install --quiet --disable-pip-version-check "$(grep -o '^uv==[0-9.]*' constraints.txt)"
    .venv/bin/uv pip install --quiet --compile-bytecode --python .venv/bin/python --require-hashes -r constraints.txt
    .venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e .
    .venv/bin/python -m earshot.automation.spark_jars >&2
    rm -f .venv/.earshot-*
    touch "$stamp"
fi
if [ "${1:-}" = test ]; then
    .venv/bin/python -m earshot.automation.spark_jars sqlite postgresql s3a >&2 || say "no JDBC drivers, no S3A: tests that need them will be skipped, and say so"
    need_servers
fi
