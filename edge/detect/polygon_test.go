package detect_test

import (
	"testing"

	"gridgate/edge/detect"
)

func TestOutlinesThatCoverNothing(t *testing.T) {
	tests := map[string]struct {
		outline detect.Polygon
		covers  bool
	}{
		"the whole picture":    {nil, true},
		"a triangle":           {detect.Polygon{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}}, true},
		"crossing itself once": {detect.Polygon{{X: 0, Y: 0}, {X: 1, Y: 1}, {X: 1, Y: 0}, {X: 0, Y: 1}}, true},
		"the size of a pixel":  {detect.Polygon{{X: 0.5, Y: 0.5}, {X: 0.504, Y: 0.5}, {X: 0.504, Y: 0.506}, {X: 0.5, Y: 0.506}}, true},
		"on a slanted line":    {detect.Polygon{{X: 0.1, Y: 0.2}, {X: 0.3, Y: 0.4}, {X: 0.5, Y: 0.6}}, false},
		"on a level line":      {detect.Polygon{{X: 0.1, Y: 0.5}, {X: 0.9, Y: 0.5}, {X: 0.4, Y: 0.5}}, false},
		"one point":            {detect.Polygon{{X: 0.5, Y: 0.5}, {X: 0.5, Y: 0.5}, {X: 0.5, Y: 0.5}}, false},
		"there and back":       {detect.Polygon{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}, {X: 1, Y: 0}}, false},
		"twice around":         {detect.Polygon{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}, {X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tt.outline.Covers(); got != tt.covers {
				t.Errorf("covers: %v", got)
			}
		})
	}
}
