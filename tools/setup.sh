#!/bin/sh
# Fetches what the tests need: Go modules, and a C compiler for the race
# detector. Installs Debian packages where it runs as root, else names them.
set -eu

command -v go >/dev/null || { echo "go is missing: install Go 1.26 or later from go.dev/dl" >&2; exit 1; }
for module in . lab tools; do
	(cd "$module" && go mod download)
done

if ! command -v gcc >/dev/null; then
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
		apt-get update -qq && apt-get install -y -qq gcc libc6-dev
	else
		echo "gcc is missing: the tests run without the race detector. To add it: sudo apt-get install gcc libc6-dev" >&2
	fi
fi
