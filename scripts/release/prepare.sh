#!/bin/sh
# Makes what a release ships, under its version: sh scripts/release/prepare.sh 1.2.3
# Further arguments are the targets to make instead of all.
set -eu

version=$1
shift
npm version --no-git-tag-version --allow-same-version "$version"
# npm refuses provenance where a package names another repository than the one that built it.
if [ -n "${GITHUB_REPOSITORY:-}" ]; then
	npm pkg set repository.type=git "repository.url=git+https://github.com/$GITHUB_REPOSITORY.git"
fi
[ $# -gt 0 ] || set -- build dist
# What runs there, and all of its packages, has no business with the release's tokens.
exec env -u GITHUB_TOKEN -u NPM_TOKEN -u ACTIONS_ID_TOKEN_REQUEST_TOKEN make -s "$@"
