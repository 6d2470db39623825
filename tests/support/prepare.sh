#!/bin/sh
# Finds or installs what the tests start: Java 17 or newer, Maven, Chromium, Prometheus;
# fetches Kafka's jars.
set -eu
cd "$(dirname "$0")/../.."

say() { printf '%s\n' "$*" >&2; }

java_is_new_enough() {
    command -v java >/dev/null 2>&1 || return 1
    major=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)
    [ "${major:-0}" -ge 17 ]
}

has_chromium() {
    command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 \
        || command -v google-chrome >/dev/null 2>&1
}

# Debian's package brings both.
has_prometheus() {
    command -v prometheus >/dev/null 2>&1 && command -v promtool >/dev/null 2>&1
}

missing=
java_is_new_enough || missing="$missing openjdk-17-jre-headless"
command -v mvn >/dev/null 2>&1 || missing="$missing maven"
has_chromium || missing="$missing chromium"
has_prometheus || missing="$missing prometheus"

if [ -n "$missing" ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        say "Installing$missing"
        apt-get -qq update
        # shellcheck disable=SC2086
        DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $missing \
            >/dev/null
    else
        say "The tests also need:$missing (names of Debian's packages). Install them and try again."
        exit 1
    fi
fi

exec .venv/bin/python -m tests.support.kafka
