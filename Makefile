.PHONY: build test check generate bench clean

build:
	CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -tags urfave_cli_no_docs -o imapknife .

test:
	go test ./...

# Format, vet, staticcheck, generated files, and all tests on real servers: what CI runs.
check:
	./test

# The command reference and the exit statuses in README.md.
generate:
	go run ./internal/gen

# Side by side with other clients.
bench:
	bench/run

clean:
	rm -rf imapknife bin
