# Sluice. `make help` lists the targets.

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT  ?= $(shell git rev-parse --short=16 HEAD 2>/dev/null || echo unknown)
FUZZTIME ?= 1m
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)
STATIC   = CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)'

.PHONY: help build run test test-fast lint bench soak fuzz release clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: LDFLAGS += -X "main.checkout=$(CURDIR)"
build: ## build bin/sluice, one static binary
	@$(STATIC) -o bin/sluice ./cmd/sluice

run: build ## start everything on this machine: brokers, worker, simulated sensors
	@bin/sluice dev --demo

test: lint ## all tests, race detector on, against a real Kafka and a real mosquitto where they can be had
	$(GO) test -short ./connect/worker # some of it cannot be run with the race detector: exactlyonce_test.go says why
	$(GO) run ./internal/testbed/prepare run -- $(GO) test -race -timeout 40m ./...

test-fast: ## tests that need nothing but Go, in about a minute
	$(GO) test -short -p 8 -parallel 8 ./...

lint: ## gofmt, go vet, staticcheck
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "gofmt -w these: $$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

bench: build ## records per second, CPU per record and memory, beside the thinnest loop over the same libraries
	$(GO) run ./internal/bench

soak: fuzz ## the long fault runs
	SLUICE_SOAK=1 $(GO) run ./internal/testbed/prepare run -- $(GO) test -race -tags soak -timeout 6h ./...

# Without a bound on it, making one interesting input smaller takes the whole minute.
fuzz: ## each parser of outside bytes against random input, a minute each
	@$(GO) test -list '^Fuzz' ./... | awk '/^Fuzz/ {names[++n] = $$1} /^ok/ {for (i = 1; i <= n; i++) print $$2, names[i]; n = 0}' | \
	while read -r package name; do $(GO) test -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s $$package || exit 1; done

release: ## static binaries for linux (amd64, arm64, armv7) and macOS (arm64) in dist/
	GOOS=linux  GOARCH=amd64       $(STATIC) -o dist/sluice-linux-amd64  ./cmd/sluice
	GOOS=linux  GOARCH=arm64       $(STATIC) -o dist/sluice-linux-arm64  ./cmd/sluice
	GOOS=linux  GOARCH=arm GOARM=7 $(STATIC) -o dist/sluice-linux-armv7  ./cmd/sluice
	GOOS=darwin GOARCH=arm64       $(STATIC) -o dist/sluice-darwin-arm64 ./cmd/sluice

clean: ## remove what make built
	rm -rf bin dist
