package picture

import (
	_ "embed"
	"encoding/binary"
	"errors"
	"math"
)

//go:embed cascade/facefinder
var cascadeFile []byte

// The form of the cascade's file: a header, the number of trees, and per tree its comparisons, leaves and threshold.
const (
	treeDepth  = 6
	leaves     = 1 << treeDepth
	nodes      = leaves - 1
	headerSize = 16
	treeSize   = 4*nodes + 4*leaves + 4
	maxTrees   = 1024
)

var errCascade = errors.New("the face cascade is damaged")

// cascade tells faces from the rest by comparing pairs of pixels (Markus et al., "Object detection with pixel intensity
// comparisons organized in decision trees", 2013). The module that made the data file has a reader of it too, but that one says
// only whether a window passed all trees, is right for turned windows in square pictures only, and takes four times as long.
type cascade struct {
	compare   [][nodes][4]int8 // row and column of the first pixel, then of the second, in 1/256 of the window's size
	leaf      [][leaves]float32
	threshold []float32
}

func readCascade(b []byte) (*cascade, error) {
	if len(b) < headerSize || binary.LittleEndian.Uint32(b[8:]) != treeDepth {
		return nil, errCascade
	}
	n := int(binary.LittleEndian.Uint32(b[12:]))
	if n == 0 || n > maxTrees || len(b) != headerSize+n*treeSize {
		return nil, errCascade
	}
	c := &cascade{compare: make([][nodes][4]int8, n), leaf: make([][leaves]float32, n), threshold: make([]float32, n)}
	float := func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }
	for t := range n {
		tree := b[headerSize+t*treeSize:][:treeSize]
		for i := range 4 * nodes {
			c.compare[t][i/4][i%4] = int8(tree[i])
		}
		for i := range leaves {
			c.leaf[t][i] = float(tree[4*nodes+4*i:])
		}
		c.threshold[t] = float(tree[treeSize-4:])
	}
	return c, nil
}

// table is the cascade for one size and turn of the window: how far the pixels of each comparison are from the window's
// middle in a picture of one stride.
type table [][nodes][2]int32

// table prepares windows of size pixels, turned by the given angle.
func (c *cascade) table(size int, degrees float64, stride int) table {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	if math.Mod(degrees, 90) == 0 {
		sin, cos = math.Round(sin), math.Round(cos)
	}
	at := func(row, column int8) int32 {
		r, k := float64(row)*float64(size)/256, float64(column)*float64(size)/256
		return int32(int(math.Floor(r*cos-k*sin))*stride + int(math.Floor(r*sin+k*cos)))
	}
	out := make(table, len(c.compare))
	for t := range out {
		for i, n := range c.compare[t] {
			out[t][i] = [2]int32{at(n[0], n[1]), at(n[2], n[3])}
		}
	}
	return out
}

// reach is how many trees the window with its middle at pix[at] passed, and by how much it passed the last.
func (c *cascade) reach(t table, pix []byte, at int) (trees int, quality float32) {
	var sum float32
	for i := range t {
		offsets, node := &t[i], 1
		for range treeDepth {
			n := &offsets[node-1]
			a, b := int(pix[at+int(n[0])]), int(pix[at+int(n[1])])
			node = 2*node + 1 + (b-a)>>63 // +1 where a <= b, without a branch that nobody can predict
		}
		sum += c.leaf[i][node&(leaves-1)]
		if sum <= c.threshold[i] {
			return i, 0
		}
	}
	return len(t), sum - c.threshold[len(t)-1]
}
