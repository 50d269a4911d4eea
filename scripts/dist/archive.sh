#!/bin/sh
# Packs dist/NAME with the licences into dist/NAME.tar.gz, to the same bytes each time: no owner,
# no order and no time of the disk's. The time is the one that npm gives its packages.
set -eu

name=$1
folder=.cache/dist/archive-$name
rm -rf "$folder"
mkdir -p "$folder/$name"
ln "dist/$name" "$folder/$name/carillon" 2>/dev/null || cp "dist/$name" "$folder/$name/carillon"
cp LICENSE ".cache/dist/${name#carillon-}/THIRD-PARTY-LICENSES" "$folder/$name/"
tar -C "$folder" --format=ustar --sort=name --mtime='1985-10-26 08:15:00Z' --mode=go-w \
	--owner=0 --group=0 --numeric-owner -cf - "$name" | gzip -n >"$folder/archive"
mv "$folder/archive" "dist/$name.tar.gz"
rm -r "$folder"
