package motion

import (
	"testing"
	"time"

	"gridgate/edge/detect"
)

// seen plays samples every 2 s into a zone: at those of shows there is a region. It returns when the zone began and ended.
func seen(shows func(sample int) bool, samples int) (begun, ended []time.Duration) {
	z := zone{smallest: 1, enough: confirm}
	blob := detect.Blob{Area: 4}
	const step = 2 * time.Second
	for i := range samples {
		now, was := time.Duration(i)*step, z.active
		z.fresh = false
		if shows(i) {
			z.hit(&blob, now, step)
		}
		switch is := z.settle(now, step); {
		case is && !was:
			begun = append(begun, now)
		case was && !is:
			ended = append(ended, now)
		}
	}
	return begun, ended
}

func TestAZoneEndsSoonAfterWhatWasShort(t *testing.T) {
	begun, ended := seen(func(i int) bool { return i >= 1 && i <= 7 }, 20)
	if len(begun) != 1 || len(ended) != 1 || ended[0] != 16*time.Second {
		t.Errorf("begun %v, ended %v: want one that ends with the first sample without a region, at 16 s", begun, ended)
	}
}

func TestAZoneWaitsAfterWhatLasted(t *testing.T) {
	begun, ended := seen(func(i int) bool { return i >= 1 && i <= 40 }, 60)
	if len(begun) != 1 || len(ended) != 1 || ended[0] != 86*time.Second {
		t.Errorf("begun %v, ended %v: want one that ends 6 s after the last region, at 86 s", begun, ended)
	}
}

func TestAPlaceWherePeopleComeAndGoIsOneSituation(t *testing.T) {
	begun, ended := seen(func(i int) bool { return i >= 1 && i%10 != 0 && i < 100 }, 120)
	if len(begun) > 2 || len(ended) != len(begun) {
		t.Errorf("begun %v, ended %v: want two at most, although each tenth sample shows nobody", begun, ended)
	}
}

func TestWhatBeginsAgainAtOnceWasNotOver(t *testing.T) {
	begun, ended := seen(func(i int) bool { return i >= 1 && i < 30 && i != 5 && i != 12 && i != 18 }, 60)
	if len(begun) != 2 || begun[1] != 12*time.Second || len(ended) != 2 {
		t.Errorf("begun %v, ended %v: want it to end at 10 s only, and then not before the last region", begun, ended)
	}
}
