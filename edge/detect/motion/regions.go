package motion

import "gridgate/edge/detect"

// labeller finds connected regions (4-neighbours; the mask was dilated before).
type labeller struct {
	labels  []int32 // 0: none
	parent  []int32
	regions []detect.Blob
	kept    []detect.Blob
	slot    []int32 // label -> index of its region + 1
}

func newLabeller() labeller {
	return labeller{labels: make([]int32, pixels), parent: make([]int32, 0, pixels/2+2), slot: make([]int32, pixels/2+2)}
}

// label fills labels and regions from mask, counting the dirty pixels of each region.
//
//go:norace
func (l *labeller) label(mask, dirty []uint8) {
	l.connect(mask)
	l.regions = l.regions[:0]
	clear(l.slot[:len(l.parent)])
	for y := range height {
		for x := range width {
			i := y*width + x
			if l.labels[i] == 0 {
				continue
			}
			root := l.find(l.labels[i])
			l.labels[i] = root
			add(l.blob(root, x, y), x, y, dirty[i])
		}
	}
}

// connect gives each pixel of the mask a preliminary label and joins those that touch.
//
//go:norace
func (l *labeller) connect(mask []uint8) {
	l.parent = append(l.parent[:0], 0)
	for i, v := range mask {
		l.labels[i] = 0
		if v == 0 {
			continue
		}
		var left, up int32
		if i%width > 0 {
			left = l.labels[i-1]
		}
		if i >= width {
			up = l.labels[i-width]
		}
		switch {
		case left == 0 && up == 0:
			l.labels[i] = int32(len(l.parent))
			l.parent = append(l.parent, l.labels[i])
		case left == 0:
			l.labels[i] = up
		default:
			l.labels[i] = left
			if up != 0 {
				l.union(left, up)
			}
		}
	}
}

func (l *labeller) find(a int32) int32 {
	for l.parent[a] != a {
		l.parent[a] = l.parent[l.parent[a]]
		a = l.parent[a]
	}
	return a
}

func (l *labeller) union(a, b int32) {
	a, b = l.find(a), l.find(b)
	l.parent[max(a, b)] = min(a, b)
}

func (l *labeller) blob(root int32, x, y int) *detect.Blob {
	if l.slot[root] == 0 {
		l.regions = append(l.regions, detect.Blob{Label: root, Left: x, Right: x, Top: y, Low: y})
		l.slot[root] = int32(len(l.regions))
	}
	return &l.regions[l.slot[root]-1]
}

func add(b *detect.Blob, x, y int, dirty uint8) {
	b.Area++
	b.Moving += int(dirty)
	b.Left, b.Right = min(b.Left, x), max(b.Right, x)
	b.Top, b.Low = min(b.Top, y), max(b.Low, y)
}

// keep returns the regions for which ok is true, until the next call.
func (l *labeller) keep(ok func(*detect.Blob) bool) []detect.Blob {
	l.kept = l.kept[:0]
	for i := range l.regions {
		if ok(&l.regions[i]) {
			l.kept = append(l.kept, l.regions[i])
		}
	}
	return l.kept
}

// mark sets mask to 1 in the regions.
func (l *labeller) mark(mask []uint8, regions []detect.Blob) {
	for _, r := range regions {
		for y := r.Top; y <= r.Low; y++ {
			for x := r.Left; x <= r.Right; x++ {
				if i := y*width + x; l.labels[i] == r.Label {
					mask[i] = 1
				}
			}
		}
	}
}

func totalArea(regions []detect.Blob) int {
	n := 0
	for _, r := range regions {
		n += r.Area
	}
	return n
}
