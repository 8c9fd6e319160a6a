#!/usr/bin/env bash
# Makes a fresh Debian, boots it, and follows the guides in it from the two packages to a case on the console; ends with a picture of that.
# usage: deploy/guides/check.sh FOLDER-OF-PACKAGES [PICTURE.png]     as root; needs debootstrap, systemd-container and chromium. ZH=1: in Chinese
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=../packages/root.sh
. deploy/packages/root.sh

work=$(mktemp -d)
root=$work/root
trap 'halt "$root" || true; rm -rf --one-file-system "$work"' EXIT
arch=$(dpkg --print-architecture)
make_root "$root"
cp "$1"/gridgate-edge_*_"$arch".deb "$1"/gridgate-central_*_"$arch".deb "$root/root/"
# The booted machine has no network but its own loopback: what apt-get is going to ask for is fetched before.
mapfile -t asked < <(sed -n 's/^apt-get install -y //p' deploy/GUIDE.md edge/GUIDE.md protocols/GUIDE.md | tr ' ' '\n' | grep -vE '^(-|\./)' | sort -u)
{
	chroot "$root" apt-get -q update
	chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends systemd-sysv dbus ca-certificates
	chroot "$root" bash -c "cd /root && DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends --download-only ./*.deb ${asked[*]}"
} >>"$root.log" 2>&1 || { tail -n 30 "$root.log" >&2; exit 1; }
boot "$root"
go run ./deploy/guides/follow -root "$root" ${ZH:+-zh}
if [ $# -gt 1 ]; then
	nsenter -t "$(leader "$root")" --net node deploy/guides/look.mjs "$2"
fi
