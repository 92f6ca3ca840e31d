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
