#!/usr/bin/env bash
# Installs the two packages into a fresh Debian, starts them as systemd would, does to them what a night does, and purges them.
# usage: deploy/packages/check.sh FOLDER-OF-PACKAGES [ROOT]    as root; needs debootstrap, systemd-container and ffmpeg
# ROOT is a Debian that `root.sh make_root` made before, to save the time; a copy of it is used.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=root.sh
. ./root.sh

work=$(mktemp -d)
root=$work/root
trap 'halt "$root" || true; rm -rf --one-file-system "$work"' EXIT
arch=$(dpkg --print-architecture)
shopt -s nullglob
debs=("$1"/gridgate-edge_*_"$arch".deb "$1"/gridgate-central_*_"$arch".deb)
[ ${#debs[@]} -eq 2 ] || { echo "check: $1 holds ${#debs[@]} packages for $arch, not one of each: make packages" >&2; exit 1; }

step() { echo "check: $*"; }
fail() {
	echo "check: FAILED: $*" >&2
	inside "$root" journalctl --no-pager -n 40 -u gridgate-edge -u gridgate-central -u sandbox >&2 || true
	exit 1
}
is() { # WHAT WANT GOT
	[ "$2" = "$3" ] || fail "$1: $3, want $2"
}
until_is() { # WHAT WANT COMMAND... : within a minute
	local what=$1 want=$2 got='' tries
	shift 2
	for tries in $(seq 120); do
		got=$("$@" 2>/dev/null) || true
		[ "$got" != "$want" ] || return 0
		sleep 0.5
	done
	fail "$what: $got, want $want"
}
as() { # USER COMMAND...
	inside "$root" setpriv --reuid "$1" --regid "$1" --clear-groups "${@:2}"
}
property() { inside "$root" systemctl show --value -p "$2" "gridgate-$1"; }
ready() { # PORT PATH -> the last line of the answer
	inside "$root" bash -c "exec 3<>/dev/tcp/127.0.0.1/$1; printf 'GET $2 HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' >&3; tail -n 1 <&3"
}

step "a fresh Debian"
if [ -n "${2:-}" ]; then cp -a "$2" "$root"; else make_root "$root"; fi
install_debs "$root" "${debs[@]}"

step "files, users, modes"
is "backups" "700 gridgate-central gridgate-central" "$(inside "$root" stat -c '%a %U %G' /var/backups/gridgate-central)"
is "what central may name at the edge" "750 root gridgate-edge" "$(inside "$root" stat -c '%a %U %G' /etc/gridgate/secrets)"
is "rules" "$(sha256sum <../prometheus/gridgate.rules.yml)" "$(sha256sum <"$root/usr/share/doc/gridgate-central/prometheus/gridgate.rules.yml")"
is "boards" "$(cd ../grafana && find . -type f -exec sha256sum {} + | sort)" "$(cd "$root/usr/share/doc/gridgate-central/grafana" && find . -type f -exec sha256sum {} + | sort)"
is "what of it not everybody may read" "" "$(find "$root/usr/share/doc/gridgate-central" -type d -not -perm 0755 -o -type f -not -perm 0644)"
inside "$root" systemd-analyze verify --man=no /lib/systemd/system/gridgate-central-backup.timer || fail "timer of backups"
for p in edge central; do
	is "state of $p" "700 gridgate-$p gridgate-$p" "$(inside "$root" stat -c '%a %U %G' /var/lib/gridgate-$p)"
	is "configuration of $p" "640 root gridgate-$p" "$(inside "$root" stat -c '%a %U %G' /etc/gridgate/$p.yaml)"
	is "secrets of $p" "750 root gridgate-$p" "$(inside "$root" stat -c '%a %U %G' /etc/gridgate/$p.secrets)"
	is "shell of $p" /usr/sbin/nologin "$(inside "$root" getent passwd gridgate-$p | cut -d: -f7)"
	inside "$root" dpkg-query -W -f '${Conffiles}' gridgate-$p | grep -q /etc/gridgate/$p.yaml || fail "$p.yaml is no conffile"
	as gridgate-$p gridgate-$p check --config /etc/gridgate/$p.yaml >/dev/null 2>&1 || fail "the configuration that comes with $p is not good"
	inside "$root" systemd-analyze verify --man=no /lib/systemd/system/gridgate-$p.service || fail "unit of $p"
done

ffmpeg -loglevel error -f lavfi -i testsrc=size=640x360:rate=10:duration=20 -c:v libx264 -pix_fmt yuv420p -g 10 "$root/var/lib/gridgate-edge/try.mp4"

step "its systemd"
boot "$root"
for p in edge central; do is "$p before it is configured" inactive "$(inside "$root" systemctl is-active gridgate-$p || true)"; done
inside "$root" systemctl start gridgate-edge
is "an edge that is not enrolled" inactive "$(property edge ActiveState)"

step "central starts, tells so, and answers"
for p in edge central; do # signs of life every two seconds instead of every minute
	inside "$root" mkdir -p /etc/systemd/system/gridgate-$p.service.d
	printf '[Service]\nWatchdogSec=6\nRestartSec=1\n' >"$root/etc/systemd/system/gridgate-$p.service.d/try.conf"
done
inside "$root" systemctl daemon-reload
inside "$root" systemctl enable --now gridgate-central || fail "central does not start"
is "central" ok "$(ready 8420 /readyz)"

step "the edge enrols by a code and starts"
sed -i 's|^  url: .*|  url: http://127.0.0.1:8420|' "$root/etc/gridgate/edge.yaml"
as gridgate-central gridgate-central edge add --config /etc/gridgate/central.yaml edge-1 >"$work/code" 2>"$work/told" || fail "no code: $(cat "$work/told")"
as gridgate-edge gridgate-edge enrol --config /etc/gridgate/edge.yaml <"$work/code" >/dev/null || fail "the edge was not enrolled"
inside "$root" systemctl enable --now gridgate-edge || fail "the edge does not start"
is "the edge" ok "$(ready 8430 /healthz)"

step "both show signs of life"
for p in edge central; do
	first=$(property $p WatchdogTimestampMonotonic)
	moved() { [ "$(property $p WatchdogTimestampMonotonic)" -gt "$first" ] && echo yes; }
	until_is "sign of life of $p" yes moved
	is "restarts of $p" 0 "$(property $p NRestarts)"
	is "filter of $p" 2 "$(inside "$root" awk '/^Seccomp:/ {print $2}' "/proc/$(property $p MainPID)/status")"
	is "capabilities of $p" 0000000000000000 "$(inside "$root" awk '/^CapBnd:/ {print $2}' "/proc/$(property $p MainPID)/status")"
done

step "a backup of the night, by its unit"
inside "$root" systemctl start gridgate-central-backup
is "a backup without a recipient" 0 "$(find "$root/var/backups/gridgate-central" -mindepth 1 | wc -l)"
as gridgate-central gridgate-central backup key --out /var/lib/gridgate-central/try.key >"$root/etc/gridgate/backup.recipient" || fail "no key for backups"
chmod 0644 "$root/etc/gridgate/backup.recipient"
inside "$root" systemctl enable --now --quiet gridgate-central-backup.timer || fail "timer of backups"
inside "$root" systemctl start gridgate-central-backup || fail "$(inside "$root" journalctl --no-pager -n 20 -u gridgate-central-backup)"
as gridgate-central gridgate-central backup verify --from /var/backups/gridgate-central --key /var/lib/gridgate-central/try.key >/dev/null || fail "the backup is not good"

step "the decoder works, and a newer build runs, within the sandbox of the edge's unit"
inside "$root" install -d -o gridgate-edge -g gridgate-edge /var/lib/gridgate-edge/releases
inside "$root" install -o gridgate-edge -g gridgate-edge -m 0500 /usr/bin/gridgate-edge /var/lib/gridgate-edge/releases/gridgate-edge
inside "$root" chown gridgate-edge /var/lib/gridgate-edge/try.mp4
sed -e '/^Condition/d; /^WatchdogSec/d; /^Restart=/d; /^ExecReload/d; s/^Type=.*/Type=oneshot/; /^NotifyAccess/d' \
	-e 's|^UMask=.*|&\nStandardOutput=file:/var/lib/gridgate-edge/tried|' \
	-e 's|^ExecStart=.*|ExecStart=/var/lib/gridgate-edge/releases/gridgate-edge replay /var/lib/gridgate-edge/try.mp4|' \
	"$root/lib/systemd/system/gridgate-edge.service" >"$root/etc/systemd/system/sandbox.service"

inside "$root" systemctl daemon-reload
inside "$root" systemctl start sandbox || fail "the decoder does not work in the sandbox"
as gridgate-edge gridgate-edge replay /var/lib/gridgate-edge/try.mp4 >"$work/free" 2>/dev/null || fail "the decoder does not work at all"
[ -s "$work/free" ] || fail "nothing is seen in the recording"
is "what is seen in the sandbox, in lines" "$(wc -l <"$work/free")" "$(wc -l <"$root/var/lib/gridgate-edge/tried")"

step "who hangs is started anew"
for p in edge central; do
	pid=$(property $p MainPID)
	inside "$root" sh -c "kill -STOP $pid"
	until_is "restarts of $p" 1 property $p NRestarts
	until_is "$p" active property $p ActiveState
done
until_is "central after that" ok ready 8420 /readyz
until_is "the edge after that" ok ready 8430 /healthz

step "an upgrade keeps data and configuration"
halt "$root"
token=$(sha256sum <"$root/var/lib/gridgate-edge/token")
install_debs "$root" "${debs[@]}"
is "the token" "$token" "$(sha256sum <"$root/var/lib/gridgate-edge/token")"
grep -q 'url: http://127.0.0.1:8420' "$root/etc/gridgate/edge.yaml" || fail "the configuration was lost"

step "a purge leaves nothing but the two users"
rm -r "$root"/etc/systemd/system/gridgate-*.service.d "$root/etc/systemd/system/sandbox.service"
inside "$root" env DEBIAN_FRONTEND=noninteractive apt-get -q purge -y gridgate-edge gridgate-central >>"$root.log" 2>&1 || fail "purge"
[ -n "$(find "$root/var/backups/gridgate-central" -type f)" ] || fail "the backups were purged"
rm -r "$root/var/backups/gridgate-central"
is "/etc/gridgate" "" "$(find "$root/etc/gridgate" 2>/dev/null)"
left=$(find "$root" -xdev -iname '*gridgate*' -not -path "$root/var/log/*" -not -path "$root/var/lib/systemd/*" | sed "s|^$root||")
is "left behind" "" "$left"
echo "check: good"
