#!/bin/sh
# Runs a command whose temporary files are in memory, if there is room and programs
# can be run there: tests of a journal wait for the disk most of their time. What go
# builds stays where it was.
set -eu
dir=
if [ "$(df -Pk /dev/shm 2>/dev/null | awk 'NR==2 {print $4}')" -gt 4000000 ] 2>/dev/null; then
	dir=$(mktemp -d /dev/shm/conclave.XXXX) || dir=
fi
if [ -z "$dir" ]; then
	exec "$@"
fi
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
printf '#!/bin/sh\n' >"$dir/run" && chmod +x "$dir/run"
if ! "$dir/run" 2>/dev/null; then
	"$@"
	exit
fi
GOTMPDIR=${GOTMPDIR:-${TMPDIR:-/tmp}} TMPDIR=$dir "$@"
