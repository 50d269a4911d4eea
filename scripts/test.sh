#!/bin/sh
# Runs the test files on this Node, then once on Node 22 where this is another one.
# NODES=this: not on Node 22 as well.
# QUICK=1: only the tests that need no other program and take no load, on this Node.
# One file at a time: tests under load must not disturb each other. Each file has five minutes.
set -eu

if [ "${QUICK:-}" = 1 ]; then
	files=$(grep -LE 'kit/(server|launch|redis|program|folder|container)|systemd-analyze|from .carillon|stress/(scenarios|kit/scenario)|bench/floor' test/*.test.ts)
	reporter='dot'
else
	files=$(ls test/*.test.ts)
	reporter=spec
fi

run() {
	echo "tests on Node $("$1" --version)"
	# shellcheck disable=SC2086 # a list of files: Node 20 takes no globs with --import
	"$1" --import tsx --test --test-concurrency=1 --test-timeout=300000 \
		--test-reporter=$reporter $files
}

run node
[ "${QUICK:-}" = 1 ] && exit 0
[ "${NODES:-}" = this ] && exit 0
case "$(node --version)" in
v22.*) exit 0 ;;
esac
node22=$(sh scripts/node22.sh) || exit 1
run "$node22"
