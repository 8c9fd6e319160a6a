package motion

// region is a connected part of the foreground. Its bounds are pixels, inclusive.
type region struct {
	label       int32
	area, dirty int
	left, top   int
	right, low  int
}

// labeller finds connected regions (4-neighbours; the mask was dilated before).
type labeller struct {
	labels  []int32 // 0: none
	parent  []int32
	regions []region
	kept    []region
	slot    []int32 // label -> index of its region + 1
}

func newLabeller() labeller {
	return labeller{labels: make([]int32, pixels), parent: make([]int32, 0, pixels/2+2), slot: make([]int32, pixels/2+2)}
}

// label fills labels and regions from mask, counting the dirty pixels of each region.
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
			l.region(root, x, y).add(x, y, dirty[i])
		}
	}
}

// whole makes one region of all the pixels of mask.
func (l *labeller) whole(mask []uint8) *region {
	for i, v := range mask {
		l.labels[i] = int32(v)
	}
	l.regions = append(l.regions[:0], region{label: 1, right: width - 1, low: height - 1})
	return &l.regions[0]
}

// connect gives each pixel of the mask a preliminary label and joins those that touch.
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

func (l *labeller) region(root int32, x, y int) *region {
	if l.slot[root] == 0 {
		l.regions = append(l.regions, region{label: root, left: x, right: x, top: y, low: y})
		l.slot[root] = int32(len(l.regions))
	}
	return &l.regions[l.slot[root]-1]
}

func (r *region) add(x, y int, dirty uint8) {
	r.area++
	r.dirty += int(dirty)
	r.left, r.right = min(r.left, x), max(r.right, x)
	r.top, r.low = min(r.top, y), max(r.low, y)
}

// keep returns the regions for which ok is true, until the next call.
func (l *labeller) keep(ok func(*region) bool) []region {
	l.kept = l.kept[:0]
	for i := range l.regions {
		if ok(&l.regions[i]) {
			l.kept = append(l.kept, l.regions[i])
		}
	}
	return l.kept
}

// mark sets mask to 1 in the regions.
func (l *labeller) mark(mask []uint8, regions []region) {
	for _, r := range regions {
		for y := r.top; y <= r.low; y++ {
			for x := r.left; x <= r.right; x++ {
				if i := y*width + x; l.labels[i] == r.label {
					mask[i] = 1
				}
			}
		}
	}
}

func totalArea(regions []region) int {
	n := 0
	for _, r := range regions {
		n += r.area
	}
	return n
}
