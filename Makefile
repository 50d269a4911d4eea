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

test: build ## Run all tests on this Node, or make test NODES=22; installs what they drive
	@sh scripts/install-test-programs.sh
	@$(MAKE) -s $(own_executable)
	@NODES=$(NODES) sh scripts/test.sh

quick: build ## Run the tests that start no server
	@QUICK=1 sh scripts/test.sh

stress: build ## Long stress scenarios, minutes each: make stress ARGS="--only churn --seed 7 --repeat 20"
	@node --import tsx test/stress/main.ts $(ARGS)

acceptance: node_modules/.installed ## Check any server against the streaming API: make acceptance STREAM_SERVER=http://host:port
	@test -n "$$STREAM_SERVER" || { \
		echo 'which server? make acceptance STREAM_SERVER=http://host:port' >&2; exit 1; }
	@node --import tsx --test --test-reporter=spec test/server/acceptance.test.ts

fuzz: build ## Send 100,000 malformed requests; make fuzz ARGS="--runs 5000 --seed 7"
	@node --import tsx test/fuzz/main.ts $(ARGS)

lint: build ## Check format, lint, types, dead code and house rules
	npm run -s lint

commits: ## Check messages: make commits BASE=main [HEAD=HEAD]
	@sh scripts/commits.sh "$(BASE)" "$(or $(HEAD),HEAD)"

build: dist/.built ## Compile to dist/

# The floor is always beside ours: it tells how fast the machine is.
bench_peers = --peer floor $(if $(filter-out floor,$(PEER)),--peer '$(PEER)')

bench: build ## Measure the server beside the floor; and another: make bench PEER=nchan
	@node --import tsx bench/main.ts $(bench_peers) $(ARGS)

bench-full: build ## Measure all cases: an hour, more with a PEER
	@node --import tsx bench/main.ts --full $(bench_peers) $(ARGS)

bench-compare: node_modules/.installed ## Say what changed between two results: make bench-compare BASE=file [NEW=file]
	@node --import tsx bench/compare.ts "$(BASE)" "$(NEW)"

pictures: build ## Make the README's pictures, docs/images/, in some minutes
	@sh scripts/install-test-programs.sh chromium redis-server
	@node --import tsx scripts/picture/main.ts $(ARGS)

api-docs: build ## Write the API docs of the library into docs/api/
	@sh scripts/api-docs.sh

own_executable = dist/carillon-linux-$(if $(filter aarch64,$(shell uname -m)),arm64,amd64)
executables = $(patsubst %,dist/carillon-%,linux-amd64 linux-arm64 darwin-amd64 darwin-arm64)

dist: ## Make the single-file executables, their archives and SHA256SUMS in dist/
	@sh scripts/install-test-programs.sh binutils-x86-64-linux-gnu binutils-aarch64-linux-gnu
	@$(MAKE) -s -j2 $(executables:=.tar.gz)
	@cd dist && LC_ALL=C && sha256sum carillon-* >SHA256SUMS && cat SHA256SUMS

dist-check: dist ## Run the executables for Linux, arm64 on qemu, and check those for macOS
	@sh scripts/install-test-programs.sh redis-server llvm qemu-user-static libstdc++6-arm64-cross
	@sh scripts/dist/check.sh

# What an executable is made of; make has the rest in dist/.built.
$(executables): dist/carillon-%: dist/.built $(wildcard scripts/dist/*.ts) scripts/node22.sh
	node --import tsx scripts/dist/main.ts $*

$(executables:=.tar.gz): dist/%.tar.gz: dist/% scripts/dist/archive.sh
	sh scripts/dist/archive.sh $*

# The hooks of .githooks are for people's commits: the one that a release makes was tested before.
release: scripts/release/node_modules/.installed ## Release what is on main, in CI; elsewhere only say what it would be
	@GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=core.hooksPath GIT_CONFIG_VALUE_0=/dev/null \
		node scripts/release/node_modules/semantic-release/bin/semantic-release.js \
		--extends ./scripts/release/config.ts $(ARGS)

image: ## Build the container image with docker, podman or buildah; make image IMAGE=name:tag ARGS="--platform linux/arm64"
	@IMAGE="$(IMAGE)" sh scripts/image.sh $(ARGS)

clean: ## Remove what was built and installed
	rm -rf dist node_modules scripts/release/node_modules .cache

node_modules/.installed: package.json package-lock.json
	npm ci --no-audit --no-fund --loglevel=error
	@git config core.hooksPath .githooks 2>/dev/null || true
	@touch $@

scripts/release/node_modules/.installed: scripts/release/package.json scripts/release/package-lock.json
	npm ci --prefix scripts/release --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

dist/.built: node_modules/.installed tsconfig.json tsconfig.build.json scripts/serializers.ts $(shell find src scripts/page -type f) $(wildcard docs/*.md) README.md
	@mkdir -p dist
	@find dist -mindepth 1 -maxdepth 1 ! -name 'carillon-*' ! -name SHA256SUMS -exec rm -rf {} +
	npm run -s build
	@touch $@

.PHONY: help run demo test quick stress acceptance fuzz lint commits build bench bench-full bench-compare \
	pictures api-docs dist dist-check release image clean
