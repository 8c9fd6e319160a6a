package detect

import "time"

// Scene is what the pixel step knows of one frame, for the step that tells light and sway from things. Planes are
// decode.FrameWidth x decode.FrameHeight, row by row; they belong to the pixel step and hold until the call returns.
type Scene struct {
	PTS, Step  time.Duration // media time of the frame, and since the frame before
	Frame      []uint8       // blurred
	Before     []uint8       // the picture a moment ago, likewise
	Background []uint16      // what is usually seen, in 1/256 of a grey level
	Lighter    int           // grey levels by which the frame as a whole is lighter than the background
	Jump       int           // the same against the picture a moment ago
	Changed    []uint8       // 1 where the frame differs from the background
	Moving     []uint8       // 1 where it differs from the picture a moment ago
	Labels     []int32       // the number of the blob that a pixel belongs to, 0 for none
	Visible    int           // pixels that are in a zone and not masked
}

// Blob is a connected part of a [Scene]. Its bounds are pixels, inclusive.
type Blob struct {
	Label        int32
	Area, Moving int // pixels, and those of them that differ from the picture a moment ago
	Left, Top    int
	Right, Low   int
}
