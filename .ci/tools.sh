#!/bin/sh
# Makes sure that everything the tests run is there. As root on Debian it
# installs what is missing; otherwise it says what to install.
set -eu

missing=
need() { # COMMAND PACKAGE
	command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}
need gpg gnupg
need sq sq
need rnp rnp
need dash dash # the shells that people paste into
need zsh zsh
need fish fish
need jq jq
need chromium chromium
need openssl openssl # the time-stamping server of the tests
need git git
need gcc gcc # the race detector is linked with it
need node nodejs
need npm npm
need systemd-analyze systemd

if [ -n "$missing" ]; then
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
		echo "installing:$missing"
		apt-get update -q
		# shellcheck disable=SC2086 # one word a package
		DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
	else
		echo "The tests need these Debian packages (or their like):$missing" >&2
		exit 1
	fi
fi

major=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
if [ "$major" -lt 20 ]; then
	echo "Node $(node --version) is too old: Slack's SDK needs version 20 or newer" >&2
	exit 1
fi
