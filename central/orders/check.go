package orders

import (
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"gridgate/central/freetext"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// Bounds of an arrangement beside those of the contract.
const (
	minOutlinePoints = 3
	// minOutlineArea is the least share of the picture that an outline holds: less is a slip of the hand.
	minOutlineArea = 1e-4
	// grain is what coordinates are rounded to: a tenth of a pixel of a picture that is 1,000 wide.
	grain           = 1e-4
	maxMinArea      = 0.9
	minReasonLetter = 2
)

// checkArrangement returns zones and masks as they are kept, rounded, or says which rule they break first.
func checkArrangement(zones []ingest.OrderZone, masks []ingest.Outline) ([]ingest.OrderZone, []ingest.Outline, error) {
	switch {
	case len(zones) == 0:
		return nil, nil, refuse(Invalid, "zones: a camera without a zone raises nothing; one without an outline is the whole picture")
	case len(zones) > ingest.MaxOrderZones:
		return nil, nil, refuse(Invalid, "zones: at most %d", ingest.MaxOrderZones)
	case len(masks) > ingest.MaxOrderMasks:
		return nil, nil, refuse(Invalid, "masks: at most %d", ingest.MaxOrderMasks)
	}
	names := map[string]bool{}
	zones, masks = slices.Clone(zones), slices.Clone(masks)
	for i := range zones {
		z := &zones[i]
		if err := checkZone(z, names); err != nil {
			return nil, nil, refuse(Invalid, "zones[%d]: %v", i, err)
		}
	}
	for i, m := range masks {
		rounded, err := checkOutline(m)
		if err != nil {
			return nil, nil, refuse(Invalid, "masks[%d]: %v", i, err)
		}
		masks[i] = rounded
	}
	return zones, masks, nil
}

func checkZone(z *ingest.OrderZone, names map[string]bool) (err error) {
	longest := ingest.MaxMinDuration.Milliseconds()
	switch {
	case !alert.ValidZone(z.Name):
		return refuse(Invalid, "the name is letters, digits, space, dot, dash and underscore, at most 64")
	case names[z.Name]:
		return refuse(Invalid, "the name stands there twice")
	case !(z.MinArea >= 0 && z.MinArea <= maxMinArea):
		return refuse(Invalid, "minArea is 0 to %v of the picture", maxMinArea)
	case z.MinDurationMs < 0 || z.MinDurationMs > longest:
		return refuse(Invalid, "minDurationMs is 0 to %d", longest)
	}
	names[z.Name] = true
	if len(z.Outline) > 0 {
		z.Outline, err = checkOutline(z.Outline)
	}
	return err
}

// checkOutline demands a polygon within the picture that holds something and does not cross itself: what lies in a crossed one is a
// matter of taste.
func checkOutline(o ingest.Outline) (ingest.Outline, error) {
	if len(o) < minOutlinePoints || len(o) > ingest.MaxOutlinePoints {
		return nil, refuse(Invalid, "an outline has %d to %d points", minOutlinePoints, ingest.MaxOutlinePoints)
	}
	out := make(ingest.Outline, len(o))
	for i, p := range o {
		for k, v := range p {
			if !(v >= 0 && v <= 1) { // not a number fails, too
				return nil, refuse(Invalid, "point %d lies outside the picture, which is 0 to 1 either way", i)
			}
			out[i][k] = math.Round(v/grain) * grain
			out[i][k] = math.Round(out[i][k]*1e6) / 1e6 // what the multiplication added behind the last digit
		}
	}
	switch {
	case area(out) < minOutlineArea:
		return nil, refuse(Invalid, "the outline holds nothing")
	case crossed(out):
		return nil, refuse(Invalid, "the outline crosses itself")
	}
	return out, nil
}

// area is the shoelace formula.
func area(o ingest.Outline) float64 {
	sum := 0.0
	for i, p := range o {
		q := o[(i+1)%len(o)]
		sum += p[0]*q[1] - q[0]*p[1]
	}
	return math.Abs(sum) / 2
}

// crossed says whether two sides that are no neighbours meet.
func crossed(o ingest.Outline) bool {
	n := len(o)
	for i := range n {
		for k := i + 2; k < n; k++ {
			if i == 0 && k == n-1 {
				continue
			}
			if meet(o[i], o[i+1], o[k], o[(k+1)%n]) {
				return true
			}
		}
	}
	return false
}

// meet says whether two sides cross in a point that is an end of neither.
func meet(a, b, c, d [2]float64) bool {
	return side(a, b, c)*side(a, b, d) < 0 && side(c, d, a)*side(c, d, b) < 0
}

// side is which side of the line through a and b a point lies on: -1, 0 or 1.
func side(a, b, p [2]float64) float64 {
	v := (b[0]-a[0])*(p[1]-a[1]) - (b[1]-a[1])*(p[0]-a[0])
	switch {
	case v > 1e-12:
		return 1
	case v < -1e-12:
		return -1
	}
	return 0
}

// checkReason takes one line of words that names nobody by number.
func checkReason(reason string, demanded bool) (string, error) {
	reason = strings.TrimSpace(reason)
	letters := 0
	for _, r := range reason {
		if unicode.IsLetter(r) {
			letters++
		}
		if !unicode.IsPrint(r) {
			return "", refuse(Invalid, "reason: one line of words")
		}
	}
	switch found := freetext.Check(reason); {
	case reason == "" && !demanded:
		return "", nil
	case letters < minReasonLetter:
		return "", refuse(Invalid, "reason: say in words why")
	case !utf8.ValidString(reason) || utf8.RuneCountInString(reason) > MaxReason:
		return "", refuse(Invalid, "reason: at most %d characters", MaxReason)
	case len(found) > 0:
		return "", refuse(Invalid, "reason: %v", found[0])
	}
	return reason, nil
}

func isCamera(d ingest.DeviceState) bool { return d.Family == alert.Cameras }

// lifeSafety says whether a device may be what tells of smoke: by its edge's word, and of a sensor unless its edge says otherwise.
func lifeSafety(d ingest.DeviceState) bool {
	return d.Lane == alert.LifeSafety || d.Lane == "" && !isCamera(d)
}
