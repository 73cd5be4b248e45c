#!/bin/sh
# Fetches what the tests need: Go modules, a C compiler for the race detector and
# a browser. Installs Debian packages where it runs as root, else names them.
set -eu

command -v go >/dev/null || { echo "go is missing: install Go 1.26 or later from go.dev/dl" >&2; exit 1; }
for module in . lab tools; do
	(cd "$module" && go mod download)
done

# want PROGRAM WHAT PACKAGE...: installs the packages if the program is missing.
want() {
	program=$1 what=$2
	shift 2
	command -v "$program" >/dev/null && return
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null && return
	fi
	echo "$program is missing: $what. To add it: sudo apt-get install $*" >&2
}

want gcc "the tests run without the race detector" gcc libc6-dev
want chromium "the tests in a browser are skipped" chromium fonts-noto-core fonts-noto-cjk
want prlimit "the test with few descriptors is skipped" util-linux
