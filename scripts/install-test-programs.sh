#!/bin/sh
# Installs the programs that the tests drive as real clients, where they are missing (Debian).
# Elsewhere it names them: the tests that need one then fail and say so.
set -eu

missing=''
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
/usr/bin/python3 -c 'import requests' 2>/dev/null || missing="$missing python3-requests"
command -v redis-server >/dev/null 2>&1 || missing="$missing redis-server"
command -v openssl >/dev/null 2>&1 || missing="$missing openssl"
command -v curl >/dev/null 2>&1 || missing="$missing curl"
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
	echo "the tests need these programs, please install them:$missing" >&2
	exit 1
fi
root=''
[ "$(id -u)" -eq 0 ] || root='sudo'
log=$(mktemp)
echo "installing for the tests:$missing"
# shellcheck disable=SC2086 # a list of packages
if ! { $root apt-get update -q && DEBIAN_FRONTEND=noninteractive $root apt-get install -qy --no-install-recommends $missing; } >"$log" 2>&1; then
	cat "$log" >&2
	exit 1
fi
rm -f "$log"
