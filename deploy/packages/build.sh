#!/usr/bin/env bash
# Builds the Debian packages gridgate-edge and gridgate-central from the work tree, whose console is built already.
# usage: deploy/packages/build.sh [FOLDER [ARCHITECTURE...]]     default: dist, amd64 and arm64
# The same commit gives the same bytes: no path, no time but the commit's, no cgo.
set -euo pipefail
cd "$(dirname "$0")/../.."

nfpm=github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.43.0
out=${1:-dist}
architectures=("${@:2}")
[ ${#architectures[@]} -gt 0 ] || architectures=(amd64 arm64)
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
build=${BUILD:-$(git describe --tags --always --dirty)}

# version makes of `git describe` what Debian sorts well: v1.2.0-5-gabc -> 1.2.0+5.gabc; without a tag 0~DATE.HASH.
version() {
	case "$build" in
	v[0-9]*) echo "${build#v}" | tr '-' '+' | sed 's/+/-/2g; s/-/./g' ;;
	[0-9]*.[0-9]*) echo "$build" | tr '-' '+' | sed 's/+/-/2g; s/-/./g' ;;
	*) echo "0~$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M%S).${build//-/.}" ;;
	esac
}

# copyright tells the licences of the program and of what is linked into it: ours, Go's modules, for central the console's packages.
copyright() { # PROGRAM
	echo "Gridgate, gridgate-$1. Its licence:"
	echo
	cat LICENSE
	go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' "./$1/cmd/gridgate-$1" | sort -u |
		while read -r module number folder; do licences "Go module $module $number" "$folder"; done
	licences "The Go standard library" "$(go env GOROOT)"
	[ "$1" = central ] || return 0
	(cd central/console/web && npm ls --omit=dev --all --parseable) | tail -n +2 | sort -u |
		while read -r folder; do licences "npm package ${folder##*/node_modules/}" "$folder"; done
}

licences() { # TITLE FOLDER
	printf '\n%s\n%s\n\n' "$(printf '=%.0s' {1..80})" "$1"
	find "$2" -maxdepth 1 -type f \( -iname 'licen[cs]e*' -o -iname 'copying*' -o -iname 'notice*' \) | sort | while read -r file; do
		tr -d '\r' <"$file"
		echo
	done
}

VERSION=$(version)
export VERSION
mkdir -p "$out"
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
for ARCH in "${architectures[@]}"; do
	STAGE=$stage/$ARCH
	export ARCH STAGE
	mkdir -p "$STAGE"
	for program in edge central; do
		CGO_ENABLED=0 GOOS=linux GOARCH=$ARCH go build -trimpath -buildvcs=false \
			-ldflags "-s -w -X main.version=$build -X gridgate/central/app.linked=$build" \
			-o "$STAGE/gridgate-$program" "./$program/cmd/gridgate-$program"
		copyright "$program" >"$STAGE/$program.copyright"
		go run "$nfpm" package --config "deploy/packages/$program.nfpm.yaml" --packager deb --target "$out"
	done
done
