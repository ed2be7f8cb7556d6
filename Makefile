.PHONY: build test check generate bench clean

build:
	CGO_ENABLED=0 go build -trimpath -o imapknife .

test:
	go test ./...

# Format, vet, staticcheck, generated files, and all tests on real servers: what CI runs.
check:
	./test

# Completions, man pages, schemas and the tables in docs.
generate:
	go run ./internal/gen

# Side by side with other clients.
bench:
	bench/run

clean:
	rm -rf imapknife bin
