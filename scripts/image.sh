#!/bin/sh
# Builds the container image with docker, podman or buildah: BUILDER, or the first that works here.
# IMAGE is its name; arguments go to the builder: sh scripts/image.sh --platform linux/arm64
# npm's configuration on this machine (registry, login, authority, proxy) serves the build as
# secrets: they are in no layer.
set -eu
cd "$(dirname "$0")/.."

works() {
	case $1 in
	docker) docker info ;;
	*) "$1" --version ;;
	esac >/dev/null 2>&1
}

builder=${BUILDER:-}
for candidate in docker podman buildah; do
	[ -n "$builder" ] || ! works "$candidate" || builder=$candidate
done
case $builder in
docker) command='docker build' ;;
# The OCI's own format has no HEALTHCHECK. Debian 12's buildah takes the image's platform for its own.
podman) command='podman build --format docker' ;;
buildah)
	command='buildah build --format docker'
	case "$(uname -m)" in
	x86_64) command="$command --build-arg BUILDPLATFORM=linux/amd64" ;;
	aarch64) command="$command --build-arg BUILDPLATFORM=linux/arm64" ;;
	esac
	;;
*)
	echo 'no image was built: this needs docker with its daemon, podman or buildah' >&2
	exit 1
	;;
esac

# Where there is no npm, or nothing is set, the build goes to npm's own registry.
npm_value() {
	value=$(npm config get "$1" 2>/dev/null) || value=''
	case $value in null | undefined) ;; *) echo "$value" ;; esac
}
secrets=$(mktemp -d)
trap 'rm -rf "$secrets"' EXIT
trap 'exit 1' HUP INT TERM
authority=$(npm_value cafile)
authority=${authority:-${NODE_EXTRA_CA_CERTS:-}}
if [ -f "$authority" ]; then cp "$authority" "$secrets/npmca"; else : >"$secrets/npmca"; fi
login=$(npm_value userconfig)
login=${login:-$HOME/.npmrc}
{
	# Logins are taken as they stand; what else a user sets there is about another machine.
	[ ! -f "$login" ] || grep -E '^(//|@)' "$login" || true
	[ ! -s "$secrets/npmca" ] || echo 'cafile=/run/secrets/npmca'
	for name in registry proxy https-proxy noproxy; do
		value=$(npm_value "$name")
		[ -z "$value" ] || echo "$name=$value"
	done
} >"$secrets/npmrc"

version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)
# shellcheck disable=SC2086 # a command with its arguments
DOCKER_BUILDKIT=1 $command --target server --tag "${IMAGE:-carillon:$version}" \
	--secret "id=npmrc,src=$secrets/npmrc" --secret "id=npmca,src=$secrets/npmca" \
	--build-arg "VERSION=$version" \
	--build-arg "REVISION=$(git rev-parse HEAD 2>/dev/null || echo unknown)" \
	--build-arg "CREATED=$(git log -1 --format=%cI 2>/dev/null || echo 1970-01-01T00:00:00Z)" \
	"$@" .
