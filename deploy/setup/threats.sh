#!/usr/bin/env bash
# Runs every test that deploy/SECURITY.md names, package by package, and fails if one fails or did not run.
set -euo pipefail
cd "$(dirname "$0")/../.."

mapfile -t named < <(grep -oE '`(edge|central|protocols|deploy)/[a-z0-9/]+\.Test[A-Za-z0-9]+`' deploy/SECURITY.md | tr -d '`' | sort -u)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=0
for package in $(printf '%s\n' "${named[@]}" | sed 's/\.Test.*//' | sort -u); do
	mapfile -t tests < <(printf '%s\n' "${named[@]}" | sed -n "s|^$package\.||p")
	pattern="^($(IFS='|' && echo "${tests[*]}"))\$"
	if ! go test -count=1 -timeout 10m -v -run "$pattern" "./$package" >"$log" 2>&1; then
		grep -E -- '--- FAIL|^\s+\S+_test.go:|panic:' "$log" | head -40 >&2 || tail -n 20 "$log" >&2
		failed=1
	fi
	for name in "${tests[@]}"; do
		grep -q -- "^--- PASS: $name " "$log" || { echo "threats: $package.$name did not pass" >&2 && failed=1; }
	done
done
[ "$failed" -eq 0 ] || exit 1
echo "threats: ${#named[@]} tests passed, of $(grep -cE '^\| [A-Z][0-9]+ \|' deploy/SECURITY.md) threats"
