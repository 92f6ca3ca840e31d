# Each step of .ci/run is a target here: make test, make lint, make fuzz FUZZTIME=5m.
STEPS := $(filter-out generate,$(shell .ci/run help | cut -d ' ' -f 1))

.PHONY: all
all: generate test lint

.PHONY: check
check:
	.ci/run

.PHONY: $(STEPS)
$(STEPS):
	.ci/run $@

# After a change of internal/openapi/openapi.yaml. The step of that name looks whether it was done.
.PHONY: generate
generate:
	go generate ./...

# make release-check VERSION=v0.2.0, and SBOM=FILE for the bill of materials. docs/releasing.md has the steps.
.PHONY: release-check
release-check:
	.ci/release-check $(if $(SBOM),-sbom $(SBOM)) $(VERSION)
