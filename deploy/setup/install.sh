#!/usr/bin/env bash
# Installs the Debian packages that a target needs, and only those that are missing; says which.
# usage: deploy/setup/install.sh run|test|bench|install
set -euo pipefail

run_packages=(ca-certificates ffmpeg libavcodec59)
test_packages=(gcc libc6-dev procps systemd mosquitto sip-tester postgresql-15 chromium fonts-noto-cjk victoria-metrics prometheus
	gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-plugins-{base,good,bad,ugly})
install_packages=(debootstrap systemd systemd-container)
bench_packages=(motion python3-opencv opencv-data)

case "${1:-}" in
run) wanted=("${run_packages[@]}") ;;
test) wanted=("${run_packages[@]}" "${test_packages[@]}") ;;
bench) wanted=("${run_packages[@]}" "${test_packages[@]}" "${bench_packages[@]}") ;;
install) wanted=("${run_packages[@]}" "${install_packages[@]}") ;;
*)
	echo "usage: $0 run|test|bench|install" >&2
	exit 2
	;;
esac

for tool in go node npm; do
	command -v "$tool" >/dev/null || {
		echo "setup: $tool is missing: install Go 1.26 and Node 20 first" >&2
		exit 1
	}
done

missing=()
for package in "${wanted[@]}"; do
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || {
		echo "setup: not root and no sudo; as root: apt-get install --no-install-recommends ${missing[*]}" >&2
		exit 1
	}
	as_root=(sudo)
fi

# The tests start PostgreSQL themselves: Debian need neither make nor start a cluster for it. Clusters that exist stay as they are.
if [[ " ${missing[*]} " == *" postgresql-"* ]]; then
	drop_in=/etc/postgresql-common/createcluster.d
	"${as_root[@]}" mkdir -p "$drop_in"
	echo "create_main_cluster = false" | "${as_root[@]}" tee "$drop_in/gridgate.conf" >/dev/null
fi

# Nor need they start a service: promtool and servers are run by the tests themselves. A machine's own policy stays as it is.
policy=/usr/sbin/policy-rc.d
if [[ " ${missing[*]} " == *" prometheus "* && ! -e $policy ]]; then
	printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
	"${as_root[@]}" chmod 755 "$policy"
	trap '"${as_root[@]}" rm -f "$policy"; rm -f "${log:-}"' EXIT
fi

patient=(-o Acquire::Retries=5 -o DPkg::Lock::Timeout=600) # of a mirror that drops a connection, and of another apt-get that runs
echo "setup: installing ${missing[*]}"
log=$(mktemp)
[ -n "$(trap -p EXIT)" ] || trap 'rm -f "$log"' EXIT
{
	"${as_root[@]}" apt-get -q "${patient[@]}" update &&
		"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
			apt-get -q "${patient[@]}" install -y --no-install-recommends "${missing[@]}"
} >"$log" 2>&1 || {
	tail -n 30 "$log" >&2
	echo "setup: the packages could not be installed" >&2
	exit 1
}

# What was not asked for as a service is not one after the next boot either.
if [[ " ${missing[*]} " == *" prometheus "* && -d /run/systemd/system ]]; then
	"${as_root[@]}" systemctl disable --quiet prometheus
fi
