#!/bin/sh
# Builds the image with buildah, where neither a daemon nor the registry of its bases can be reached,
# and prints the folder that then has its file system (rootfs/) and its configuration (image.json).
# The bases are stand-ins of the same names: Debian's packages, and the npm registry's Node. Needs
# root, buildah and mmdebstrap. Built once for the same sources.
set -eu
cd "$(dirname "$0")/.."

home="$PWD/.cache/image"
unpacked="$home/unpacked"
sum=$({
	find Dockerfile .dockerignore package.json package-lock.json tsconfig.json tsconfig.build.json \
		LICENSE src deploy/container scripts/image.sh scripts/image-unpacked.sh -type f | sort | xargs sha256sum
	git rev-parse HEAD
} | sha256sum)
if [ "$(cat "$unpacked/sum" 2>/dev/null)" = "$sum" ]; then
	echo "$unpacked"
	exit 0
fi
[ "$(id -u)" -eq 0 ] || {
	echo 'image-unpacked.sh: run it as root: it makes file systems with their owners' >&2
	exit 1
}

# Everything that buildah keeps is in .cache, without any mount that would outlive it.
mkdir -p "$home/tmp"
cat >"$home/storage.conf" <<-END
	[storage]
	driver = "vfs"
	graphroot = "$home/graph"
	runroot = "$home/run"
END
export CONTAINERS_STORAGE_CONF="$home/storage.conf" STORAGE_DRIVER=vfs
export BUILDAH_ISOLATION=chroot TMPDIR="$home/tmp"
log="$home/log"
: >"$log"
# Silent but for what fails.
quietly() {
	"$@" >>"$log" 2>&1 || {
		cat "$log" >&2
		exit 1
	}
}

# The named packages' files, in a container of the name; no script of theirs is run.
debian() {
	container=$1 packages=$2
	quietly mmdebstrap --variant=extract --include="$packages" bookworm "$home/tmp/$container.tar"
	quietly buildah from --name "$container" scratch
	quietly buildah add "$container" "$home/tmp/$container.tar" /
	rm "$home/tmp/$container.tar"
	root=$(buildah mount "$container")
}

stand_in() {
	quietly buildah commit --rm "$container" "$1"
}

node_image=docker.io/library/node:22-bookworm-slim
if ! buildah inspect --type image "$node_image" >/dev/null 2>&1; then
	debian build-base base-files,ca-certificates,coreutils,dash,findutils,grep,libc-bin,libstdc++6,netbase,sed
	install -D "$(sh scripts/node22.sh)" "$root/usr/local/bin/node"
	mkdir -p "$root/usr/local/lib/node_modules"
	cp -r "$(npm root -g)/npm" "$root/usr/local/lib/node_modules/"
	ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
	cp LICENSE "$root/usr/local/"
	echo 'root:x:0:0::/root:/bin/sh' >"$root/etc/passwd"
	echo 'node:x:1000:1000::/home/node:/bin/sh' >>"$root/etc/passwd"
	stand_in "$node_image"
fi
server_image=gcr.io/distroless/cc-debian12:nonroot
if ! buildah inspect --type image "$server_image" >/dev/null 2>&1; then
	debian server-base base-files,ca-certificates,libc6,libgcc-s1,libgomp1,libssl3,libstdc++6,netbase,tzdata
	quietly buildah config --user 65532 --workingdir /home/nonroot "$container"
	stand_in "$server_image"
fi

# What npm has fetched on this machine need not be fetched again.
cache=$(npm config get cache)
mkdir -p "$cache"
export BUILDER=buildah IMAGE=localhost/carillon:unpacked
quietly sh scripts/image.sh --pull-never --volume "$cache:/root/.npm"
rm -rf "$unpacked"
mkdir "$unpacked"
buildah inspect --type image "$IMAGE" >"$unpacked/image.json"
quietly buildah from --name unpacked --pull-never "$IMAGE"
cp -a "$(buildah mount unpacked)" "$unpacked/rootfs"
quietly buildah rm unpacked
quietly buildah rmi "$IMAGE"
quietly buildah rmi --prune
echo "$sum" >"$unpacked/sum"
echo "$unpacked"
