#!/usr/bin/env bash
# Asks the Go project's database which known vulnerabilities the programs can reach. Where the database cannot be reached, as on a machine
# without the internet, it says so and asks nothing; a vulnerability that is found is an error. VULNDB names a mirror or a copy (file://...).
set -euo pipefail

db=${VULNDB:-https://vuln.go.dev}
case "$db" in
file://*) ;;
*) curl -fsS --max-time 20 -o /dev/null "$db/index/db.json" 2>/dev/null || {
	echo "vulnerabilities: not asked: $db cannot be reached from here; set VULNDB to a mirror or a copy of it" >&2
	exit 0
} ;;
esac
exec go run golang.org/x/vuln/cmd/govulncheck@v1.1.4 -db "$db" ./edge/... ./central/... ./protocols/...
