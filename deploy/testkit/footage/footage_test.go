package footage_test

import (
	"bytes"
	"os"
	"testing"

	"gridgate/deploy/testkit/footage"
)

func TestClips(t *testing.T) {
	small := footage.Clip{Width: 160, Height: 96, FPS: 5, Seconds: 2, GOP: 5}
	moving := small
	moving.Source, moving.Filter = "color=c=gray", footage.Visitor(0.5)
	for name, c := range map[string]struct {
		path string
		sets []byte // the first parameter set with its start code
	}{
		"h264":    {path: footage.H264(t, small), sets: []byte{0, 0, 0, 1, 0x67}},
		"visitor": {path: footage.H264(t, moving), sets: []byte{0, 0, 0, 1, 0x67}},
		"h265":    {path: footage.H265(t, small), sets: []byte{0, 0, 0, 1, 0x40}},
	} {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(c.path)
			if err != nil {
				t.Fatal(err)
			}
			if got := bytes.Count(data, c.sets); got != 2 {
				t.Fatalf("%d parameter sets in %d bytes, want one for each of 2 keyframes", got, len(data))
			}
		})
	}
}

func TestSameClipIsMadeOnce(t *testing.T) {
	c := footage.Clip{Width: 160, Height: 96, FPS: 5, Seconds: 1}
	if a, b := footage.H264(t, c), footage.H264(t, c); a != b {
		t.Fatalf("%s and %s", a, b)
	}
}

// TestVisitorComesWhenPromised looks at the size of the coded pictures: while nothing moves they are next to empty.
func TestVisitorComesWhenPromised(t *testing.T) {
	path := footage.H264(t, footage.Clip{Source: "color=c=gray", Filter: footage.Visitor(2), FPS: 10, Seconds: 4, GOP: 100})
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	pictures := bytes.Split(data, []byte{0, 0, 1, 0x41})[1:] // P slices, from the second picture on
	if len(pictures) != 39 {
		t.Fatalf("%d pictures after the keyframe", len(pictures))
	}
	if before, after := len(bytes.Join(pictures[:19], nil)), len(bytes.Join(pictures[20:], nil)); after < 3*before {
		t.Fatalf("%d bytes before the visitor, %d bytes after", before, after)
	}
}
