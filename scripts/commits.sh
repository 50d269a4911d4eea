#!/bin/sh
# Holds the messages of the commits from $1 to $2 against the hook that checks them where they are
# made: versions and notes follow from them, and nobody has to have the hook.
set -eu

message=$(mktemp)
trap 'rm -f "$message"' EXIT
bad=0
for commit in $(git rev-list --no-merges --reverse "$1..$2"); do
	git log -1 --format=%B "$commit" >"$message"
	sh .githooks/commit-msg "$message" || {
		echo "  $(git log -1 --format='%h %s' "$commit")" >&2
		bad=1
	}
done
exit $bad
