# make help lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

MODULES  := devices edge hub simulators deploy
PROGRAMS := edge hub sim
VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS  := -s -w -X main.version=$(VERSION)
MADE     := $(shell git log -1 --format=%ct 2>/dev/null || date +%s)
DEBS     := amd64 arm64
WEB      := hub/web
TOOLS    := $(CURDIR)/bin/tools
DEBIAN   := chromium fonts-noto-cjk mosquitto postgresql
export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD := 1

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.PHONY: run
run: build ## build everything and run a demo site until Ctrl-C; its data stays in ./var
	@bin/demo -dir var

.PHONY: build
build: console bin/demo $(PROGRAMS:%=bin/%) ## build the console and the programs into ./bin

.PHONY: FORCE
bin/edge: FORCE
	@go build -trimpath -ldflags '$(LDFLAGS)' -o $@ ./edge/cmd/edge
bin/hub: FORCE console
	@go build -trimpath -ldflags '$(LDFLAGS)' -o $@ ./hub/cmd/hub
bin/sim: FORCE
	@go build -trimpath -ldflags '$(LDFLAGS)' -o $@ ./simulators/cmd/sim
bin/demo: FORCE
	@go build -trimpath -ldflags '$(LDFLAGS)' -o $@ ./deploy/demo

.PHONY: console
console: $(WEB)/dist/index.html ## build the operator console into hub/web/dist
$(WEB)/node_modules/.package-lock.json: $(WEB)/package.json $(WEB)/package-lock.json
	@cd $(WEB) && npm install --no-audit --no-fund --loglevel=error
	@touch $@
$(WEB)/dist/index.html: $(WEB)/node_modules/.package-lock.json $(shell find $(WEB)/src $(WEB)/public $(WEB)/index.html $(WEB)/vite.config.ts -type f 2>/dev/null)
	@cd $(WEB) && npm run --silent build
	@touch $@

.PHONY: test
test: debian build test-go test-web test-e2e ## install what tests need and pass everything

.PHONY: debian
debian: ## install the Debian packages that tests use, where that is possible
	@missing=$$(for p in $(DEBIAN); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q '^install ok installed' || echo $$p; done); \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then echo "not a Debian system: install $$missing by hand, tests that need them are skipped"; exit 0; fi; \
	sudo=; if [ "$$(id -u)" != 0 ]; then sudo='sudo -n'; fi; \
	$$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -qq -y --no-install-recommends $$missing >/dev/null \
	|| echo "cannot install $$missing: tests that need them are skipped"

.PHONY: test-go
test-go: $(TOOLS)/influxd $(TOOLS)/oidc-op $(TOOLS)/prometheus ## Go tests of every module, with the race detector
	@TALLYDOCK_INFLUX=$$(test -x $(TOOLS)/influxd && echo must) TALLYDOCK_OIDC=$$(test -x $(TOOLS)/oidc-op && echo must) \
	TALLYDOCK_PROMETHEUS=$$(test -x $(TOOLS)/promtool && echo must) \
	go test -race -timeout 30m $(MODULES:%=./%/...)

.PHONY: test-web
test-web: $(WEB)/node_modules/.package-lock.json ## the console's unit tests
	@cd $(WEB) && npm test --silent

.PHONY: test-e2e
test-e2e: build ## the whole house as processes, with faults, and the console in Chromium
	@TALLYDOCK_E2E=1 go test -count=1 -parallel 4 -timeout 30m -v -run '^Test[^M]' ./deploy/e2e/... | grep -v '^=== '

.PHONY: check
check: format lint tidy generated test ## everything that continuous integration checks

$(TOOLS)/gofumpt $(TOOLS)/staticcheck: deploy/tools/go.mod
	@mkdir -p $(TOOLS) && cd deploy/tools && GOWORK=off go build -o $(TOOLS)/ mvdan.cc/gofumpt honnef.co/go/tools/cmd/staticcheck

bin/tools/%: $(TOOLS)/% ; @:

# InfluxDB 1.8 for the tests of time series, built from its source by its own go.mod.
$(TOOLS)/influxd:
	@mkdir -p $(TOOLS) && GOWORK=off GOBIN=$(TOOLS) go install github.com/influxdata/influxdb/cmd/influxd@v1.8.10 \
	|| echo "cannot build influxd: tests that need it are skipped"

# The OpenID provider for the tests of sign-in by OIDC: the example server of zitadel/oidc.
$(TOOLS)/oidc-op:
	@mkdir -p $(TOOLS) && d=$$(mktemp -d) && trap 'rm -rf '$$d EXIT \
	&& GOWORK=off GOBIN=$$d go install github.com/zitadel/oidc/v3/example/server@v3.51.17 && mv $$d/server $@ \
	|| echo "cannot build an OpenID provider: tests that need it are skipped"

# Debian's Prometheus, unpacked and not installed: of the 36 packages that it brings along only this one is needed.
$(TOOLS)/prometheus:
	@mkdir -p $(TOOLS) && d=$$(mktemp -d) && trap 'rm -rf '$$d EXIT && cd $$d \
	&& { apt-get download -qq prometheus || { apt-get update -qq && apt-get download -qq prometheus; } } 2>/dev/null \
	&& dpkg-deb -x prometheus_*.deb . && cp usr/bin/promtool usr/bin/prometheus $(TOOLS)/ \
	|| echo "cannot get Debian's prometheus: tests that need it are skipped"

.PHONY: format
format: $(TOOLS)/gofumpt
	@all=$$($(TOOLS)/gofumpt -l $(MODULES) deploy/tools); bad=$$(echo "$$all" | sed '/\.pb\.go$$/d'); \
	if [ -n "$$bad" ]; then echo "not formatted, run make fix:"; echo "$$bad"; exit 1; fi

.PHONY: fix
fix: $(TOOLS)/gofumpt ## format the Go and TypeScript sources
	@$(TOOLS)/gofumpt -w $(MODULES)
	@cd $(WEB) && npx biome check --write .

.PHONY: lint
lint: $(TOOLS)/staticcheck $(WEB)/node_modules/.package-lock.json
	@cd $(WEB) && npm run --silent lint && npx tsc --noEmit
	@for m in $(MODULES); do (cd $$m && go vet ./... && $(TOOLS)/staticcheck ./...); done

.PHONY: tidy
tidy: # every module builds alone
	@for m in $(MODULES); do (cd $$m && export GOWORK=off && go mod tidy -diff && go build ./...); done

.PHONY: generate
generate: ## write the generated files again
	@cd deploy/tools && GOWORK=off go run ./protogen ../../devices/wire/wirepb wire.proto
	@cd $(WEB) && npm run --silent api

.PHONY: generated
generated: $(WEB)/node_modules/.package-lock.json
	@before=$$(cat devices/wire/wirepb/*.go $(WEB)/src/api/schema.d.ts | sha256sum); $(MAKE) --no-print-directory generate; \
	after=$$(cat devices/wire/wirepb/*.go $(WEB)/src/api/schema.d.ts | sha256sum); \
	if [ "$$before" != "$$after" ]; then echo "generated files were not fresh; they are now: commit them"; exit 1; fi

.PHONY: bench
bench: build ## benchmarks, each beside its peer or physical limit
	@go test -run '^$$' -bench . -benchtime 2s $(MODULES:%=./%/...) | grep -v '^ok\|no test files'
	@TALLYDOCK_BENCH=1 go test -count=1 -v -run Measure -timeout 20m ./deploy/e2e/...

.PHONY: fit
fit: ## fit what a door judges by (edge/reconcile/*.forest) to simulated passes; twenty minutes
	@cd deploy && go run ./fit --out ../edge/reconcile

.PHONY: faults
faults: ## harm a gateway on purpose (power cuts, full disks, bit flips, clocks, readers, a week alone) and count what is lost
	@TALLYDOCK_FAULTS=1 go test -count=1 -timeout 60m -v ./deploy/faults/... | grep -E '^(---|FAIL|ok|panic)|FAULT|LIMIT|skip|SKIP|_test.go'

.PHONY: fuzz-smoke
FUZZTIME ?= 10s
fuzz-smoke: ## FUZZTIME (ten seconds) of every fuzz target
	@for m in $(MODULES); do for p in $$(cd $$m && grep -rlE '^func Fuzz' --include='*_test.go' . | xargs -r -n1 dirname | sort -u); do \
	  for f in $$(grep -hoE '^func Fuzz[A-Za-z0-9_]*' $$m/$$p/*_test.go | cut -c6-); do \
	    echo "$$m/$$p $$f"; (cd $$m && go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$p | tail -1); done; done; done

.PHONY: package
package: $(DEBS:%=bin/linux-%/edge) $(DEBS:%=bin/linux-%/hub) ## build the Debian packages of edge and hub, amd64 and arm64, into ./bin
	@rm -f bin/tallydock-edge_*.deb bin/tallydock-hub_*.deb
	@for a in $(DEBS); do for p in edge hub; do SOURCE_DATE_EPOCH=$(MADE) deploy/deb/build.sh $$p $$a '$(VERSION)' bin/linux-$$a/$$p bin; done; done

bin/linux-%/edge: FORCE
	@CGO_ENABLED=0 GOOS=linux GOARCH=$* go build -trimpath -ldflags '$(LDFLAGS) -X main.built=$(shell date -u -d @$(MADE) +%Y-%m-%dT%H:%M:%SZ)' -o $@ ./edge/cmd/edge
bin/linux-%/hub: FORCE console
	@CGO_ENABLED=0 GOOS=linux GOARCH=$* go build -trimpath -ldflags '$(LDFLAGS)' -o $@ ./hub/cmd/hub

.PHONY: test-package
test-package: package ## look into the Debian packages, and as root install them in a copy of this system
	@deploy/deb/test.sh bin/tallydock-edge_*.deb bin/tallydock-hub_*.deb
	@if command -v lintian >/dev/null; then lintian --tag-display-limit 0 bin/tallydock-edge_*.deb bin/tallydock-hub_*.deb; fi

.PHONY: test-pitr
test-pitr: build ## lose a PostgreSQL server's disk, restore it to a moment, and have the gateway send the rest
	@TALLYDOCK_E2E=1 TALLYDOCK_FAULTS=1 go test -count=1 -timeout 30m -v -run TestPostgreSQLRestored ./deploy/e2e

.PHONY: smoke-arm64
smoke-arm64: bin/linux-arm64/edge ## run the edge for 64-bit ARM by qemu
	@$(MAKE) --no-print-directory debian DEBIAN='qemu-user-static curl'
	@deploy/deb/smoke-arm64.sh bin/linux-arm64/edge

.PHONY: clean
clean: ## remove what was built; ./var stays
	@rm -rf bin $(WEB)/dist/assets $(WEB)/dist/index.html* $(WEB)/node_modules
