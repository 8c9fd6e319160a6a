package motion

import "sync"

// bench is the room that one frame needs while it is judged. All detectors of the process share a few.
type bench struct {
	frame   []uint8 // blurred, steady
	changed []uint8 // 1: differs from the background
	moving  []uint8 // 1: differs from the picture a moment ago
	spare   []uint8

	labeller labeller
}

var benches = sync.Pool{New: func() any {
	plane := func() []uint8 { return make([]uint8, pixels) }
	return &bench{frame: plane(), changed: plane(), moving: plane(), spare: plane(), labeller: newLabeller()}
}}
