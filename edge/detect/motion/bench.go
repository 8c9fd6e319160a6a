package motion

// bench is the room that one frame needs while it is judged. All detectors of the process share a few.
type bench struct {
	frame   []uint8 // blurred, steady
	changed []uint8 // 1: differs from the background
	moving  []uint8 // 1: differs from the picture a moment ago
	spare   []uint8
	coded   []byte // see [bench.shape]

	labeller labeller
}

// idle keeps benches that nobody uses; more than it holds are left to the collector.
var idle = make(chan *bench, 8)

func takeBench() *bench {
	select {
	case b := <-idle:
		return b
	default:
	}
	plane := func() []uint8 { return make([]uint8, pixels) }
	return &bench{frame: plane(), changed: plane(), moving: plane(), spare: plane(), labeller: newLabeller()}
}

// back gives w to whoever is next.
func (w *bench) back() {
	select {
	case idle <- w:
	default:
	}
}
