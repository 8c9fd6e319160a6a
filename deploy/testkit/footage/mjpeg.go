package footage

import "testing"

// MJPEG returns the path of clip coded as JPEGs one after another, with the tables that RFC 2435 takes for granted.
func MJPEG(t testing.TB, clip Clip) string {
	t.Helper()
	return produce(t, clip.withDefaults(), "mjpeg", "-c:v", "mjpeg", "-huffman", "default", "-q:v", "5", "-strict", "unofficial", "-f", "mjpeg")
}
