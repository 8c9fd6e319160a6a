#!/usr/bin/env bash
# A fresh Debian 12 in a folder, as root, for what has to be tried on a machine of its own. Other scripts source it for its functions:
#   make_root DIR              debootstrap, from the mirror that this machine's own apt uses
#   install_debs DIR FILE...   apt-get install of the files, their dependencies from the same mirror (not while it is booted)
#   inside DIR COMMAND...      runs a command in it: in the booted system if there is one, else alone, with this machine's network
#   boot DIR                   starts its systemd, with a loopback of its own and no other network; waits until it is up
#   halt DIR                   ends that
# usage: deploy/packages/root.sh FUNCTION ARGUMENT...
set -euo pipefail

mirror() {
	apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' |
		awk '$2 == "bookworm" && $3 == "main" { print $1; exit }'
}

make_root() { # DIR
	[ ! -e "$1" ] || { echo "root: $1 is there already" >&2; return 1; }
	local from
	from=$(mirror)
	[ -n "$from" ] || { echo "root: apt of this machine names no mirror of bookworm" >&2; return 1; }
	mkdir -p "$(dirname "$1")"
	debootstrap --variant=minbase bookworm "$1" "$from" >"$1.log" 2>&1 || { tail -n 20 "$1.log" >&2; return 1; }
}

install_debs() { # DIR FILE...
	local dir=$1 file
	shift
	mkdir -p "$dir/var/tmp/debs" # not /tmp: that is another one in there
	local names=()
	for file in "$@"; do
		cp "$file" "$dir/var/tmp/debs/"
		names+=("/var/tmp/debs/$(basename "$file")")
	done
	{
		inside "$dir" apt-get -q update &&
			inside "$dir" env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends --reinstall dbus "${names[@]}"
	} >>"$dir.log" 2>&1 || { tail -n 30 "$dir.log" >&2; return 1; }
	rm -r "$dir/var/tmp/debs"
}

# leader prints the process id of the booted system's init.
leader() { # DIR
	[ -s "$1.nspawn" ] && pgrep -P "$(cat "$1.nspawn")" -x systemd
}

inside() { # DIR COMMAND...
	local dir=$1 pid
	shift
	if pid=$(leader "$dir"); then
		nsenter -t "$pid" --mount --uts --ipc --net --pid --cgroup --root env -i -C / PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@"
	else
		systemd-nspawn --quiet -D "$dir" --register=no --keep-unit --pipe --resolv-conf=copy-host --setenv=LANG=C.UTF-8 "$@" \
			2> >(grep -v 'Attempted to remove disk file system' >&2) # what nspawn says where /run is no tmpfs
	fi
}

boot() { # DIR
	systemd-nspawn --quiet -D "$1" --boot --private-network --register=no --keep-unit --console=pipe </dev/null >>"$1.log" 2>&1 &
	echo $! >"$1.nspawn"
	local tries
	for tries in $(seq 120); do
		case "$(inside "$1" systemctl is-system-running 2>/dev/null)" in running | degraded) return 0 ;; esac
		kill -0 "$(cat "$1.nspawn")" 2>/dev/null || break
		sleep 0.5
	done
	echo "root: $1 does not boot:" >&2
	tail -n 20 "$1.log" >&2
	return 1
}

halt() { # DIR
	local pid
	pid=$(leader "$1") && kill -s RTMIN+4 "$pid" # systemd's poweroff
	while [ -s "$1.nspawn" ] && kill -0 "$(cat "$1.nspawn")" 2>/dev/null; do sleep 0.2; done
	rm -f "$1.nspawn"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	case "${1:-}" in
	make_root | install_debs | inside | boot | halt) "$@" ;;
	*)
		sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
		exit 2
		;;
	esac
fi
