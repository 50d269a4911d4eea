#!/bin/sh
# Installs the programs that the tests drive as real clients, where they are missing (Debian); only
# those that are named, if any are. Elsewhere it names them: the tests that need one then fail and
# say so.
set -eu

missing=''
for program in ${*:-chromium python3-requests redis-server openssl curl gcc libc6-dev}; do
	case $program in
	libc6-dev) [ -e /usr/include/stdio.h ] ;;
	libnginx-mod-nchan) [ -e /usr/lib/nginx/modules/ngx_nchan_module.so ] ;;
	python3-requests) /usr/bin/python3 -c 'import requests' 2>/dev/null ;;
	*) command -v "$program" >/dev/null 2>&1 ;;
	esac || missing="$missing $program"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
	echo "these programs are needed, please install them:$missing" >&2
	exit 1
fi
root=''
[ "$(id -u)" -eq 0 ] || root='sudo'
log=$(mktemp)
echo "installing:$missing"
# shellcheck disable=SC2086 # a list of packages
if ! { $root apt-get update -q && DEBIAN_FRONTEND=noninteractive $root apt-get install -qy --no-install-recommends $missing; } >"$log" 2>&1; then
	cat "$log" >&2
	exit 1
fi
rm -f "$log"
