#!/bin/sh
# Writes the API docs of the library, from its docstrings, into docs/api/. typedoc needs a TypeScript
# that has an API, which the project's own has not, so both are taken for this alone.
set -eu

npm exec --yes --package=typedoc@0.28.20 --package=typescript@5.9.3 -- typedoc \
	--name Carillon --readme none --entryPoints src/index.ts --tsconfig tsconfig.build.json \
	--intentionallyNotExported OptionName --intentionallyNotExported ValueOf \
	--intentionallyNotExported options \
	--treatWarningsAsErrors --disableSources --out "${1:-docs/api}"
