#!/bin/sh
# Holds what `make dist` made against what it promises: those for Linux by running them, arm64's on
# qemu with Debian's libraries; those for macOS by their structure; and all by making them again.
set -eu

run() {
	node --import tsx --test --test-timeout=600000 --test-reporter=spec "$1"
}

native=amd64 foreign='arm64' emulator='qemu-aarch64-static -L /usr/aarch64-linux-gnu'
if [ "$(uname -m)" != x86_64 ]; then
	echo 'make dist-check needs a machine of amd64' >&2
	exit 1
fi
(cd dist && sha256sum --check --strict --quiet SHA256SUMS)
EXECUTABLE="$PWD/dist/carillon-linux-$native" run test/server/dist.test.ts
EXECUTABLE="$emulator $PWD/dist/carillon-linux-$foreign" run test/server/dist.test.ts
run test/dist/darwin.test.ts

cp dist/SHA256SUMS .cache/dist/
rm -r dist/carillon-*
make -s dist >/dev/null
cmp .cache/dist/SHA256SUMS dist/SHA256SUMS
echo 'made twice, the same bytes'
