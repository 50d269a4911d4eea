#!/bin/sh
# Installs the programs that the tests drive as real clients, where they are missing (Debian); only
# those that are named, if any are. Elsewhere it names them: the tests that need one then fail and
# say so.
set -eu

missing=''
# shellcheck disable=SC2048 # names of packages have no spaces
for program in ${*:-chromium python3-requests redis-server openssl curl gcc libc6-dev shellcheck buildah mmdebstrap nginx caddy systemd prometheus}; do
	case $program in
	binutils-x86-64-linux-gnu) command -v x86_64-linux-gnu-strip >/dev/null ;;
	binutils-aarch64-linux-gnu) command -v aarch64-linux-gnu-strip >/dev/null ;;
	libc6-dev) [ -e /usr/include/stdio.h ] ;;
	libstdc++6-arm64-cross) [ -e /usr/aarch64-linux-gnu/lib/libstdc++.so.6 ] ;;
	llvm) command -v llvm-objdump >/dev/null ;;
	qemu-user-static) command -v qemu-aarch64-static >/dev/null ;;
	libnginx-mod-nchan) [ -e /usr/lib/nginx/modules/ngx_nchan_module.so ] ;;
	# Debian keeps it out of the PATH of users other than root.
	nginx) [ -x /usr/sbin/nginx ] || command -v nginx >/dev/null 2>&1 ;;
	systemd) command -v systemd-analyze >/dev/null 2>&1 ;;
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
