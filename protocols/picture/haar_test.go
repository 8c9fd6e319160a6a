package picture

import (
	"bytes"
	"compress/gzip"
	"errors"
	"image"
	"io"
	"strings"
	"testing"
)

// smallHaar passes windows of 4x4 whose left half is brighter than their right.
const smallHaar = `<opencv_storage><cascade><featureType>HAAR</featureType><width>4</width><height>4</height><stages><_>
<stageThreshold>0.5</stageThreshold><weakClassifiers><_><internalNodes>0 -1 0 0.25</internalNodes><leafValues>-1 1</leafValues></_>
</weakClassifiers></_></stages><features><_><rects><_>0 0 4 4 -1.</_><_>0 0 2 4 2.</_></rects></_></features></cascade></opencv_storage>`

func TestAHaarCascadeSeesBothSides(t *testing.T) {
	t.Parallel()
	c, err := readHaar([]byte(smallHaar))
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		left, right uint8
		want        bool
	}{"bright on the left": {200, 50, true}, "bright on the right": {50, 200, true}, "flat": {120, 121, false}} {
		img := image.NewGray(image.Rect(0, 0, 32, 32))
		for i := range img.Pix {
			img.Pix[i] = tc.right
			if i%32 < 16 {
				img.Pix[i] = tc.left
			}
		}
		near, far := 0, 0
		(&profileFinder{cascade: c}).search(img, func(x, _, size float64) {
			if x-size <= 16 && x+size >= 16 {
				near++
			} else {
				far++
			}
		})
		if (near > 0) != tc.want || far > 0 {
			t.Errorf("%s: %d windows at the edge, %d elsewhere", name, near, far)
		}
	}
}

func TestDamagedHaarCascadesAreRefused(t *testing.T) {
	t.Parallel()
	for _, change := range [][2]string{
		{"HAAR", "LBP"}, {"<width>4", "<width>2"}, {"<height>4", "<height>400"}, {"0 -1 0 0.25", "0 -1 1 0.25"}, {"0 -1 0 0.25", "1 -1 0 0.25"},
		{"0 0 2 4 2.", "3 0 2 4 2."}, {"0 0 2 4 2.", "0 0 2 4"}, {"0 0 2 4 2.", "0 0 2 x 2."}, {"-1 1<", "-1<"}, {"</rects>", "</rects><tilted>1</tilted>"},
		{"</cascade>", ""},
	} {
		text := strings.Replace(smallHaar, change[0], change[1], 1)
		if _, err := readHaar([]byte(text)); !errors.Is(err, errHaar) {
			t.Errorf("%q for %q: error %v", change[1], change[0], err)
		}
	}
}

// TestTheProfileCascadeIsWhole counts what is in the file, and looks for its licence, which must go with it.
func TestTheProfileCascadeIsWhole(t *testing.T) {
	t.Parallel()
	c, err := profiles()
	if err != nil {
		t.Fatal(err)
	}
	if c.w != 20 || c.h != 20 || len(c.stages) != 26 || len(c.stumps) < 2500 {
		t.Errorf("%dx%d, %d stages, %d stumps", c.w, c.h, len(c.stages), len(c.stumps))
	}
	packed, err := gzip.NewReader(bytes.NewReader(profileFile))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(packed)
	if err != nil || !strings.Contains(string(text[:3000]), "Redistribution and use in source and binary forms") {
		t.Errorf("no licence at the head of the file, error %v", err)
	}
}

func FuzzReadHaar(f *testing.F) {
	f.Add([]byte(smallHaar))
	f.Add([]byte(strings.Replace(smallHaar, "0 0 2 4 2.", "0 0 NaN 4 2.", 1)))
	f.Add([]byte("<opencv_storage>"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := readHaar(text)
		if err != nil {
			return
		}
		(&profileFinder{cascade: c}).search(image.NewGray(image.Rect(0, 0, 24, 24)), func(_, _, _ float64) {})
		if len(c.stages) == 0 {
			t.Error("a cascade without stages was read")
		}
	})
}
