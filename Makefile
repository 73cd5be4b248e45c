## make run     a working volunteer proxy, here and now (ARGS='--host proxy.example')
## make test    everything the tests need, then the tests
## make demo    the whole story on this machine, without touching any network
## make check   what every commit must pass
## make fuzz    every fuzz target for 10 s each (FUZZ=1m for longer)
## make help    this list

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -buildid= -X causeway/cli.version=$(VERSION)
BUILD   := CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)'
FUZZ    ?= 10s

.PHONY: help build run test demo check lint cross fuzz bench tools

help:
	@sed -n 's/^## //p' Makefile

# Built again only when a source has changed: a new file would lose a
# capability that was given to the old one.
SOURCES := go.mod go.sum $(shell find . -name '*.go' -not -name '*_test.go' -not -path './lab/*' -not -path './tools/*')

causeway: $(SOURCES)
	$(BUILD) -o causeway .

build: causeway

run: causeway
	./causeway serve $(ARGS)

# The race detector needs a C compiler; without one the tests run without it.
RACE = $(shell command -v gcc >/dev/null && echo -race)

test: tools
	$(GO) test $(RACE) ./...
	cd lab && $(GO) test $(RACE) ./...

demo: causeway
	cd lab && $(GO) run ./cmd/demo --causeway ../causeway $(ARGS)

check: lint cross
	$(GO) test ./...
	cd lab && $(GO) vet ./...

lint:
	@test -z "$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go'))" || { gofmt -l .; echo 'run gofmt -w on these files'; exit 1; }
	$(GO) vet ./...
	$(GO) tool -modfile=tools/go.mod staticcheck ./...
	cd lab && $(GO) tool -modfile=../tools/go.mod staticcheck ./...

# Nothing that is Linux's alone may leak out of its build-tagged file.
cross:
	GOOS=linux GOARCH=arm64 CGO_ENABLED=0 $(GO) build -o /dev/null .
	GOOS=windows GOARCH=amd64 CGO_ENABLED=0 $(GO) build -o /dev/null .
	GOOS=darwin GOARCH=arm64 CGO_ENABLED=0 $(GO) build -o /dev/null .

fuzz:
	@for dir in $$(git ls-files -co --exclude-standard '*_test.go' | grep -v ^lab/ | xargs grep -l '^func Fuzz' | xargs -n1 dirname | sort -u); do \
		for target in $$(grep -ho '^func Fuzz[A-Za-z0-9_]*' $$dir/*_test.go | cut -c6-); do \
			echo "$$dir $$target"; \
			$(GO) test ./$$dir -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZ) || exit 1; \
		done; \
	done

bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...

# What the tests need beside Go itself. Missing packages are named, and the
# tests that need them are skipped by name.
tools:
	@sh tools/setup.sh
