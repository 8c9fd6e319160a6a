package nuisance

import "gridgate/edge/detect"

// tremble is by how many pixels a trembling camera is looked for, either way.
const tremble = 8

// Shift is by how many pixels the frame lies beside its background: the shift under which the sums of its columns and of its
// rows fit best.
//
//go:norace
func (f *Filter) Shift(s *detect.Scene) (dx, dy int) {
	var frameCols, slowCols [width]int32
	var frameRows, slowRows [height]int32
	for y := range height {
		for x := range width {
			v, m := int32(s.Frame[y*width+x]), int32(s.Background[y*width+x]>>8)
			frameCols[x] += v
			slowCols[x] += m
			frameRows[y] += v
			slowRows[y] += m
		}
	}
	return fit(frameCols[:], slowCols[:]), fit(frameRows[:], slowRows[:])
}

// fit is the shift d for which frame[i+d] - slow[i] varies least.
func fit(frame, slow []int32) (best int) {
	least := int64(-1)
	for d := -tremble; d <= tremble; d++ {
		if cost := misfit(frame, slow, d); least < 0 || cost < least {
			best, least = d, cost
		}
	}
	return best
}

// misfit is the sum of the steps by which frame, shifted by d, departs from slow: light that both share falls out.
func misfit(frame, slow []int32, d int) (cost int64) {
	for i := tremble; i+1 < len(slow)-tremble; i++ {
		e := int64(frame[i+1+d]-frame[i+d]) - int64(slow[i+1]-slow[i])
		cost += max(e, -e)
	}
	return cost
}
