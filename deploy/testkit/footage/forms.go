package footage

import (
	"fmt"
	"testing"
)

// MJPEG returns the path of clip coded as JPEGs one after another, with the tables that RFC 2435 takes for granted.
func MJPEG(t testing.TB, clip Clip) string {
	t.Helper()
	return produce(t, clip.withDefaults(), "mjpeg", "-c:v", "mjpeg", "-huffman", "default", "-q:v", "5", "-strict", "unofficial", "-f", "mjpeg")
}

// IntraRefresh returns the path of clip coded as H.264 that is refreshed by columns of macroblocks, each round in [Clip.GOP]
// pictures from a recovery point on; only the first picture is a keyframe.
func IntraRefresh(t testing.TB, clip Clip) string {
	t.Helper()
	clip = clip.withDefaults()
	params := fmt.Sprintf("keyint=%d:min-keyint=1:scenecut=0:intra-refresh=1:repeat-headers=1:bframes=0:ref=1:threads=1", clip.GOP)
	return produce(t, clip, "h264", "-c:v", "libx264", "-preset", "veryfast", "-x264-params", params, "-f", "h264")
}
