# Each check of .ci/run is a target: make test, make lint, make fuzz FUZZTIME=5m.
STEPS := $(filter-out generate,$(shell .ci/run help | cut -d ' ' -f 1))

.PHONY: all
all: generate test lint

.PHONY: check
check:
	.ci/run

.PHONY: $(STEPS)
$(STEPS):
	.ci/run $@

# Run this after a change of internal/openapi/openapi.yaml. .ci/run generate checks that nothing changes.
.PHONY: generate
generate:
	go generate ./...

# make release-check VERSION=v0.2.0, and SBOM=FILE for the bill of materials. docs/releasing.md has the steps.
.PHONY: release-check
release-check:
	.ci/release-check $(if $(SBOM),-sbom $(SBOM)) $(VERSION)
