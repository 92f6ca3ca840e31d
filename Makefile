# Everything here is also done by .ci/run.

GO ?= go
TOOL = $(GO) tool -modfile=$(CURDIR)/internal/tools/go.mod
FUZZTIME ?= 10s

.PHONY: all
all: generate test lint

.PHONY: test
test:
	$(GO) test ./...
	$(GO) test -race ./...
	cd internal/conformance && $(GO) test ./...

.PHONY: generate
generate:
	$(GO) generate ./...

.PHONY: lint
lint:
	$(GO) vet ./...
	$(TOOL) golangci-lint run ./...
	cd internal/conformance && $(TOOL) golangci-lint run ./...

.PHONY: cover
cover:
	.ci/cover

# Each fuzz target in turn: make fuzz FUZZTIME=5m
.PHONY: fuzz
fuzz:
	.ci/fuzz $(FUZZTIME)

.PHONY: bench
bench:
	$(GO) test -run '^$$' -bench . -benchtime 20000x .
