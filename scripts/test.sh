#!/bin/sh
# Runs the tests: test/unit in one process, and test/server, one more file at a time than there are cores, as
# they wait a third of their time; then test/load, which other tests would disturb, one file at a time.
# NODES: on which Nodes, one after the other: `this` (the default), 22.
# QUICK=1: only test/unit.
set -u

failed=0
# Node, files at a time, reporter, files. A file has five minutes. Node 20 takes no globs with --import.
run() {
	node=$1 files_at_a_time=$2 reporter=$3
	shift 3
	"$node" --import tsx --test --test-concurrency="$files_at_a_time" --test-timeout=300000 \
		--test-reporter="$reporter" "$@" || failed=1
}

if [ "${QUICK:-}" = 1 ]; then
	run node 1 dot test/unit/all.ts
	exit $failed
fi
cores=$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)
for wanted in ${NODES:-this}; do
	case $wanted in
	this) node=node ;;
	22) node=$(sh scripts/node22.sh) || exit 1 ;;
	*)
		echo "NODES=$wanted: the tests run on 'this' Node and on 22" >&2
		exit 2
		;;
	esac
	echo "tests on Node $("$node" --version)"
	run "$node" $((cores + 1)) spec test/unit/all.ts test/server/*.test.ts
	run "$node" 1 spec test/load/*.test.ts
done
exit $failed
