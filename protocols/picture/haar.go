package picture

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
)

//go:embed cascade/profileface.xml.gz
var profileFile []byte

// The bounds of a Haar cascade's file.
const (
	maxHaarBytes = 4 << 20
	maxHaarSide  = 64 // pixels of a window
	maxHaarParts = 3  // rectangles of a feature
)

var errHaar = errors.New("the profile cascade is damaged")

// haar is a boosted cascade of stumps on differences of rectangles (Viola and Jones, "Rapid object detection using a boosted
// cascade of simple features", 2001), in the form in which OpenCV writes it.
type haar struct {
	w, h   int // pixels of the window
	stages []haarStage
	stumps []stump
}

// haarStage is passed by a window whose stumps up to end, from where the stage before ended, sum up to threshold.
type haarStage struct {
	end       int
	threshold float32
}

// stump says one thing of a window whose feature is below the threshold and another of one whose is not.
type stump struct {
	parts                   []part
	threshold, below, above float32
	rest                    float32 // what those behind it in its stage can add at most
}

// part is a rectangle of a feature in pixels of the window, and what its sum counts for.
type part struct {
	x, y, w, h int
	weight     float32
}

// haarFile is what is read of the XML.
type haarFile struct {
	Kind   string `xml:"cascade>featureType"`
	Width  int    `xml:"cascade>width"`
	Height int    `xml:"cascade>height"`
	Stages []struct {
		Threshold float32 `xml:"stageThreshold"`
		Weak      []struct {
			Nodes  string `xml:"internalNodes"`
			Leaves string `xml:"leafValues"`
		} `xml:"weakClassifiers>_"`
	} `xml:"cascade>stages>_"`
	Features []struct {
		Parts  []string `xml:"rects>_"`
		Tilted int      `xml:"tilted"`
	} `xml:"cascade>features>_"`
}

// profiles is the cascade for faces in profile; it is read once.
var profiles = sync.OnceValues(func() (*haar, error) {
	packed, err := gzip.NewReader(bytes.NewReader(profileFile))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errHaar, err)
	}
	text, err := io.ReadAll(io.LimitReader(packed, maxHaarBytes))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errHaar, err)
	}
	return readHaar(text)
})

// readHaar reads a cascade of stumps on upright rectangles; there is no other in use.
func readHaar(text []byte) (*haar, error) {
	var f haarFile
	if err := xml.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("%w: %w", errHaar, err)
	}
	if f.Kind != "HAAR" || f.Width < 3 || f.Height < 3 || f.Width > maxHaarSide || f.Height > maxHaarSide || len(f.Stages) == 0 {
		return nil, errHaar
	}
	c := &haar{w: f.Width, h: f.Height}
	features := make([][]part, len(f.Features))
	for i, feature := range f.Features {
		parts, err := c.readParts(feature.Parts)
		if err != nil || feature.Tilted != 0 {
			return nil, errHaar
		}
		features[i] = parts
	}
	for _, s := range f.Stages {
		for _, weak := range s.Weak {
			one, err := readStump(weak.Nodes, weak.Leaves, features)
			if err != nil {
				return nil, err
			}
			c.stumps = append(c.stumps, one)
		}
		for i := len(c.stumps) - 2; i >= len(c.stumps)-len(s.Weak) && i >= 0; i-- {
			next := c.stumps[i+1]
			c.stumps[i].rest = next.rest + max(next.below, next.above)
		}
		c.stages = append(c.stages, haarStage{len(c.stumps), s.Threshold})
	}
	return c, nil
}

// readParts reads the rectangles of a feature, which lie in the window.
func (c *haar) readParts(texts []string) ([]part, error) {
	if len(texts) == 0 || len(texts) > maxHaarParts {
		return nil, errHaar
	}
	parts := make([]part, len(texts))
	for i, text := range texts {
		n, err := numbers(text, 5)
		if err != nil {
			return nil, err
		}
		p := part{int(n[0]), int(n[1]), int(n[2]), int(n[3]), n[4]}
		if !(n[0] >= 0 && n[1] >= 0 && n[2] > 0 && n[3] > 0 && n[0]+n[2] <= float32(c.w) && n[1]+n[3] <= float32(c.h)) {
			return nil, errHaar
		}
		parts[i] = p
	}
	return parts, nil
}

// readStump reads a tree of one node: two indexes of leaves, a feature and a threshold, and the two leaves.
func readStump(nodes, leaves string, features [][]part) (stump, error) {
	n, err := numbers(nodes, 4)
	if err != nil {
		return stump{}, err
	}
	l, err := numbers(leaves, 2)
	if err != nil {
		return stump{}, err
	}
	if n[0] != 0 || n[1] != -1 || !(n[2] >= 0 && n[2] < float32(len(features))) {
		return stump{}, errHaar
	}
	return stump{parts: features[int(n[2])], threshold: n[3], below: l[0], above: l[1]}, nil
}

// numbers reads n numbers with space between them.
func numbers(text string, n int) ([]float32, error) {
	words := strings.Fields(text)
	if len(words) != n {
		return nil, errHaar
	}
	out := make([]float32, n)
	for i, word := range words {
		v, err := strconv.ParseFloat(word, 32)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errHaar, err)
		}
		out[i] = float32(v)
	}
	return out, nil
}
