#!/usr/bin/env bash
# Fetches real footage once from Debian's package opencv-doc and cuts the demonstration cameras from it:
#   square.h264  a busy square, the whole of vtest.avi (768x576, 10 frames/s, 79 s)
#   quiet.h264   the lawn in its corner, where now and then somebody walks (40 s, of which about 14 are not empty)
#   face.h264    the empty lawn, in front of which a photograph with a large face stands from second 6 to 16 (20 s);
#                a test looks for that face in everything that is written or sent
# The recordings and photos themselves are kept too: deploy/testkit/scenes makes labelled footage from them.
# The files stay in a cache outside the repository; its path is the only line on standard output.
# usage: deploy/setup/footage.sh [RECORDING]   also converts RECORDING to a camera's stream, printed as a second line
set -euo pipefail

cache=${XDG_CACHE_HOME:-$HOME/.cache}/gridgate/footage
mkdir -p "$cache"
exec 9>"$cache/.lock" # one run at a time, until all of it has ended: the others wait and find the files
flock -n 9 || {
	echo "footage: another run is making the files, waiting for it" >&2
	flock 9
}

# encode IN OUT FILTER [INPUT-OPTIONS...]: H.264 as a camera sends it, a keyframe every second, no B-frames.
encode() {
	local in=$1 out=$2 filter=$3
	shift 3
	ffmpeg -nostdin -v error -y "$@" -i "$in" -an -vf "$filter,fps=10,format=yuv420p" \
		-c:v libx264 -preset veryfast -tune zerolatency -crf 23 -g 10 -keyint_min 10 -sc_threshold 0 -bf 0 \
		-f h264 "$out.part"
	mv "$out.part" "$out"
}

# the recordings and photos of opencv-doc that are kept
kept=(data/tree.avi data/messi5.jpg data/left06.jpg data/basketball1.png data/leuvenA.jpg data/building.jpg text/scenetext04.jpg text/scenetext05.jpg
	../opencv4/html/{227943776_1.jpg,230501201_1.jpg,faceDetection.png,inpaint_basics.jpg} data/vtest.avi)
missing=
for file in "${kept[@]}"; do
	[ -s "$cache/${file##*/}" ] || missing=$file
done
if [ -n "$missing" ]; then
	echo "footage: fetching opencv-doc (95 MB, once)" >&2
	work=$cache/fetch
	trap 'rm -rf "$work"' EXIT
	rm -rf "$work" # of a run that was killed
	mkdir "$work"
	apt=(apt-get -q -o Acquire::Retries=5)
	(cd "$work" && { "${apt[@]}" download opencv-doc || { [ "$(id -u)" -eq 0 ] && "${apt[@]}" update && "${apt[@]}" download opencv-doc; }; }) >"$work/log" 2>&1 || {
		tail -n 5 "$work/log" >&2
		echo "footage: opencv-doc could not be fetched; run 'apt-get update' as root and try again" >&2
		exit 1
	}
	dpkg -x "$work"/opencv-doc_*.deb "$work/root"
	for file in "${kept[@]}"; do
		mv "$work/root/usr/share/doc/opencv-doc/examples/$file" "$cache/"
	done
fi
[ -s "$cache/square.h264" ] || encode "$cache/vtest.avi" "$cache/square.h264" "scale=768:576"
[ -s "$cache/quiet.h264" ] || encode "$cache/vtest.avi" "$cache/quiet.h264" "crop=330:280:0:296,scale=640:544" -ss 40
[ -s "$cache/face.h264" ] || encode "$cache/vtest.avi" "$cache/face.h264" \
	"crop=330:280:0:296,scale=640:544,trim=0:20[lawn];movie=$cache/messi5.jpg,loop=-1:1,setpts=N/10/TB[photo];[lawn][photo]overlay=46:150:enable='between(t,6,16)':shortest=1" -ss 10
echo "$cache"

if [ -n "${1:-}" ]; then
	[ -r "$1" ] || {
		echo "footage: $1 cannot be read" >&2
		exit 1
	}
	out=$cache/$(sha256sum "$1" | cut -c1-16).h264
	[ -s "$out" ] || encode "$1" "$out" "scale='min(1280,iw)':-2"
	echo "$out"
fi
