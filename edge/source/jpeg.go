package source

// Markers of ITU-T T.81 table B.1.
const (
	jpegSOF0 = 0xC0
	jpegSOF2 = 0xC2
	jpegDHT  = 0xC4
	jpegRST0 = 0xD0
	jpegRST7 = 0xD7
	jpegSOI  = 0xD8
	jpegEOI  = 0xD9
	jpegSOS  = 0xDA
	jpegDQT  = 0xDB
	jpegDRI  = 0xDD
)

// CleanJPEG copies what a decoder needs of a JPEG and leaves out the rest: comments and application segments, in which cameras
// put serial numbers, places and what they believe to see, and whatever follows the end. ok is false for what is no picture.
// The copy is at most two bytes longer than b.
func CleanJPEG(b []byte) (out []byte, ok bool) {
	if len(b) < 4 || b[0] != 0xFF || b[1] != jpegSOI {
		return nil, false
	}
	out = append(make([]byte, 0, len(b)+2), 0xFF, jpegSOI)
	frame, scan := false, false
	for b = b[2:]; ; {
		marker, segment, rest := nextSegment(b)
		if segment == nil {
			break // the end, or damage: the decoder gets what came before
		}
		b = rest
		switch {
		case marker >= jpegSOF0 && marker <= jpegSOF2:
			width, height := sizeOf(segment)
			frame = width > 0 && height > 0
		case marker == jpegSOS:
			var data []byte
			data, b = scanData(b)
			segment = append(segment[:len(segment):len(segment)], data...)
			scan = frame && len(data) > 0
		case marker != jpegDHT && marker != jpegDQT && marker != jpegDRI:
			continue
		}
		out = append(out, segment...)
	}
	return append(out, 0xFF, jpegEOI), scan
}

// nextSegment returns a marker segment with its marker; nil at the end of the image or where none begins.
func nextSegment(b []byte) (marker byte, segment, rest []byte) {
	for len(b) > 1 && b[0] == 0xFF && b[1] == 0xFF {
		b = b[1:] // fill bytes, clause B.1.1.2
	}
	if len(b) < 4 || b[0] != 0xFF || b[1] == jpegEOI || b[1] == 0 {
		return 0, nil, nil
	}
	n := 2 + int(b[2])<<8 + int(b[3])
	if n < 4 || n > len(b) {
		return 0, nil, nil
	}
	return b[1], b[:n], b[n:]
}

// scanData cuts the entropy-coded data off b: up to a marker that is no restart marker.
func scanData(b []byte) (data, rest []byte) {
	for i := 0; i+1 < len(b); i++ {
		if next := b[i+1]; b[i] == 0xFF && next != 0 && next != 0xFF && (next < jpegRST0 || next > jpegRST7) {
			return b[:i], b[i:]
		}
	}
	return b, nil
}

// sizeOf reads a frame header (clause B.2.2); zero if it is too short.
func sizeOf(segment []byte) (width, height int) {
	if len(segment) < 10 {
		return 0, 0
	}
	return int(segment[7])<<8 | int(segment[8]), int(segment[5])<<8 | int(segment[6])
}

// jpegSize is the size of a picture in pixels, or zero.
func jpegSize(b []byte) (width, height int) {
	if len(b) < 2 {
		return 0, 0
	}
	for b = b[2:]; ; {
		marker, segment, rest := nextSegment(b)
		if segment == nil || marker == jpegSOS {
			return 0, 0
		}
		if marker >= jpegSOF0 && marker <= jpegSOF2 {
			return sizeOf(segment)
		}
		b = rest
	}
}
