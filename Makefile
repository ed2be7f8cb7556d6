.PHONY: build test check cross dist generate bench clean

tags = urfave_cli_no_docs

build:
	CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -tags $(tags) -o imapknife .

test:
	go test ./...

# Format, vet, staticcheck, generated files, and all tests on real servers: what CI runs.
check:
	./test

# The command reference and the exit statuses in README.md.
generate:
	go run ./internal/gen

# go vet for other systems and word sizes, without compiling for them.
cross:
	CGO_ENABLED=0 go -C internal/dist run ./cross -tags $(tags) -root ../..

# Archives, packages, bills of materials and SHA256SUMS in dist/, or those for some targets only:
# make dist TARGETS=linux/amd64,windows/amd64
dist:
	rm -rf dist
	CGO_ENABLED=0 go -C internal/dist run . -tags $(tags) -targets '$(TARGETS)' -root ../.. -o ../../dist

# Side by side with other clients.
bench:
	bench/run

clean:
	rm -rf imapknife bin dist
