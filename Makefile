# Every target works from a fresh clone: it installs and builds what it needs.

PORT ?= 8080
ARGS ?=

.DEFAULT_GOAL := help

help: ## Show this list
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

run: build ## Start a server; options: make run PORT=9000 ARGS="--threads 2"
	@PORT=$(PORT) node dist/main.js $(ARGS)

# PORT is handed on where it was asked for: the default above is this file's own, and for run.
demo: build ## Serve the emojitracker sandbox: Redis, feeder and server, no Docker
	@node --import tsx scripts/demo.ts $(ARGS)

test: build ## Run all tests on this Node and on Node 22; installs the programs they drive
	@sh scripts/install-test-programs.sh
	@sh scripts/test.sh

quick: build ## Run the tests that need no other program
	@QUICK=1 sh scripts/test.sh

acceptance: node_modules/.installed ## Check any server against the streaming API: make acceptance STREAM_SERVER=http://host:port
	@test -n "$$STREAM_SERVER" || { \
		echo 'which server? make acceptance STREAM_SERVER=http://host:port' >&2; exit 1; }
	@node --import tsx --test --test-reporter=spec test/acceptance.test.ts

lint: node_modules/.installed ## Check format, lint, types, dead code and house rules
	npm run -s lint

build: dist/.built ## Compile to dist/

# The floor is always beside ours: it tells how fast the machine is.
bench_peers = --peer floor $(if $(filter-out floor,$(PEER)),--peer '$(PEER)')

bench: build ## Measure the server beside the floor; and another: make bench PEER=nchan
	@node --import tsx bench/main.ts $(bench_peers) $(ARGS)

bench-full: build ## Measure all cases: an hour, more with a PEER
	@node --import tsx bench/main.ts --full $(bench_peers) $(ARGS)

bench-compare: node_modules/.installed ## Say what changed between two results: make bench-compare BASE=file [NEW=file]
	@node --import tsx bench/compare.ts "$(BASE)" "$(NEW)"

dist: ## Prebuilt binaries (coming; see CHANGELOG.md)
	@echo "make dist: prebuilt binaries are coming; until then: make build, then node dist/main.js" >&2
	@exit 1

clean: ## Remove what was built and installed
	rm -rf dist node_modules .cache

node_modules/.installed: package.json package-lock.json
	npm ci --no-audit --no-fund --loglevel=error
	@git config core.hooksPath .githooks 2>/dev/null || true
	@touch $@

dist/.built: node_modules/.installed tsconfig.json tsconfig.build.json $(shell find src -name '*.ts')
	@rm -rf dist
	npm run -s build
	@touch $@

.PHONY: help run demo test quick acceptance lint build bench bench-full bench-compare dist clean
