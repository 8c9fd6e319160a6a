package decode

import (
	"errors"
	"fmt"
	"time"
	"unsafe"

	"gridgate/edge/source"
)

// refreshLimit is when a picture counts as whole after a start at a recovery point, should nothing tell.
const refreshLimit = 2 * time.Second

// decoder is one AVCodecContext with its packet and frames. It is for one goroutine.
type decoder struct {
	lib    *libav
	codec  source.Codec
	ctx    unsafe.Pointer
	packet unsafe.Pointer
	frame  unsafe.Pointer // that the library fills
	kept   unsafe.Pointer // the picture that was kept
	used   time.Time      // of its owner
	bytes  int            // of memory, estimated

	refreshing bool          // began at a recovery point and is not known to give whole pictures
	since      time.Duration // media time where it began
	whole      time.Duration // from which pictures are whole, if it is after since
}

// quality chooses what a decoder may leave out.
type quality bool

const (
	fast quality = false // no loop filter: for detection
	full quality = true  // every pixel as the standard says: for pictures
)

var decoderNames = map[source.Codec]string{source.H264: "h264", source.H265: "hevc", source.MJPEG: "mjpeg"}

func (l *libav) newDecoder(codec source.Codec, q quality) (*decoder, error) {
	name := decoderNames[codec]
	c := l.findDecoder(name)
	if c == nil {
		return nil, fmt.Errorf("the library has no decoder %q", name)
	}
	d := &decoder{lib: l, codec: codec, ctx: l.allocContext(c), packet: l.allocPacket(), frame: l.allocFrame(), kept: l.allocFrame(), bytes: contextBytes}
	if d.ctx == nil || d.packet == nil || d.frame == nil || d.kept == nil {
		d.close()
		return nil, errors.New("out of memory")
	}
	if err := d.open(c, name, q); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

func (d *decoder) open(c unsafe.Pointer, name string, q quality) error {
	// A picture that is not whole comes out marked, so that it can be told from none.
	options := [][2]string{{"threads", "1"}, {"max_pixels", fmt.Sprint(maxPixels)}, {"flags", "+output_corrupt"}}
	if q == fast {
		options = append(options, [2]string{"flags2", "+fast"}, [2]string{"skip_loop_filter", "all"})
	}
	for _, o := range options {
		if r := d.lib.setOption(d.ctx, o[0], o[1], 0); r < 0 {
			return fmt.Errorf("set decoder option %s: error %d", o[0], r)
		}
	}
	if r := d.lib.open(d.ctx, c, nil); r < 0 {
		return fmt.Errorf("open decoder %q: error %d", name, r)
	}
	return nil
}

// close frees everything; the decoder is of no use after it.
func (d *decoder) close() {
	d.lib.freePacket(&d.packet)
	d.lib.freeFrame(&d.frame)
	d.lib.freeFrame(&d.kept)
	d.lib.freeContext(&d.ctx)
}

// send reads the next unit of in and hands it to the decoder. On true, the caller takes the pictures with next. An error is
// one of the pipe.
func (d *decoder) send(in *incoming) (bool, error) {
	u, err := in.peek()
	if err != nil {
		return false, err
	}
	if d.lib.newPacket(d.packet, int32(u.size)) < 0 {
		return false, errors.New("out of memory")
	}
	defer d.lib.unrefPacket(d.packet)
	if err := in.read(unsafe.Slice((*byte)(field[unsafe.Pointer](d.packet, packetData)), u.size)); err != nil {
		return false, err
	}
	d.begin(u)
	*(*int64)(unsafe.Add(d.packet, packetPTS)) = int64(u.pts)
	return d.lib.sendPacket(d.ctx, d.packet) >= 0, nil
}

// begin notes where whole pictures can be expected from.
func (d *decoder) begin(u *unit) {
	switch {
	case u.flags&flagKey != 0:
		d.refreshing = false
	case u.flags&flagRefresh != 0 && d.refreshing && d.whole == d.since:
		d.whole = u.pts
	}
}

// startAnew forgets the history; u is the unit to begin with.
func (d *decoder) startAnew(u *unit) {
	d.flush()
	d.refreshing = u.flags&flagKey == 0
	d.since, d.whole = u.pts, u.pts
}

// drain tells the decoder that nothing follows, so that it gives what it holds back. [decoder.flush] must follow.
func (d *decoder) drain() { d.lib.sendPacket(d.ctx, nil) }

// flush drops what the decoder holds back and the kept picture.
func (d *decoder) flush() {
	d.lib.unrefFrame(d.frame)
	d.lib.unrefFrame(d.kept)
	d.lib.flush(d.ctx)
}

// next takes the next picture that is ready; it stays valid until the following call unless it is kept.
func (d *decoder) next() (p raw, ok bool, err error) {
	switch r := d.lib.receiveFrame(d.ctx, d.frame); {
	case r == averrorAgain || r == averrorEOF:
		return raw{}, false, nil
	case r < 0:
		return raw{}, false, fmt.Errorf("%w: decoder error %d", ErrBadStream, r)
	}
	p, err = d.raw()
	return p, err == nil, err
}

// keep holds on to the picture that next gave, in place of the one kept before. It copies nothing.
func (d *decoder) keep() {
	d.lib.unrefFrame(d.kept)
	d.frame, d.kept = d.kept, d.frame
}

// receive passes each whole picture that is ready to take, and says how many came out.
func (d *decoder) receive(take func(raw)) (n int, err error) {
	for {
		p, ok, err := d.next()
		if err != nil || !ok {
			return n, err
		}
		n++
		if p.whole {
			take(p)
		}
	}
}

// decodeAll decodes the units of in, the first of which begins a stream, and passes every picture that comes out to take.
// [decoder.flush] must follow. What cannot be decoded is an error only if no picture came out.
func (d *decoder) decodeAll(in *incoming, take func(raw)) error {
	pictures := 0
	var failed error
	for first := true; ; first = false {
		u, err := in.peek()
		if err != nil {
			return err
		}
		if u == nil {
			break
		}
		if first {
			d.startAnew(u)
		}
		sent, err := d.send(in)
		if err != nil {
			return err
		}
		if !sent {
			failed = fmt.Errorf("%w: access unit refused", ErrBadStream)
		}
		n, err := d.receive(take)
		pictures, failed = pictures+n, firstError(failed, err)
	}
	d.drain()
	n, err := d.receive(take)
	if pictures+n > 0 {
		return nil
	}
	return firstError(failed, err)
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// raw describes the picture in d.frame without copying it.
func (d *decoder) raw() (raw, error) {
	layout, known := d.lib.formats[field[int32](d.frame, frameFormat)]
	if !known {
		return raw{}, fmt.Errorf("%w: pixel format is not supported", ErrBadStream)
	}
	layout.full = layout.full || d.codec == source.MJPEG
	w, h := int(field[int32](d.frame, frameWidth)), int(field[int32](d.frame, frameHeight))
	if w < 16 || h < 16 || w*h > maxPixels {
		return raw{}, fmt.Errorf("%w: picture of %dx%d", ErrBadStream, w, h)
	}
	p := raw{layout: layout, width: w, height: h, pts: time.Duration(field[int64](d.frame, framePTS))}
	p.whole = d.isWhole(p.pts)
	for i := range layout.planes {
		stride := int(field[int32](d.frame, frameLinesize+4*uintptr(i)))
		data := field[unsafe.Pointer](d.frame, frameData+8*uintptr(i))
		pw, ph := p.planeSize(i)
		if data == nil || stride < pw*layout.bytes {
			return raw{}, fmt.Errorf("%w: picture without pixels", ErrBadStream)
		}
		p.planes[i] = plane{pix: unsafe.Slice((*byte)(data), stride*(ph-1)+pw*layout.bytes), stride: stride, width: pw, height: ph}
	}
	d.bytes = contextBytes + heldPictures*w*h*layout.bytes*3/2
	return p, nil
}

// isWhole says whether the picture in d.frame shows nothing that is left over or made up. The library tells for H.264 where the
// stream says how long a refresh takes; else a picture is whole once the next recovery point came, or after [refreshLimit].
func (d *decoder) isWhole(pts time.Duration) bool {
	switch {
	case !d.refreshing:
	case d.codec == source.H264 && field[int32](d.frame, frameFlags)&frameCorrupt == 0,
		d.whole > d.since && pts >= d.whole,
		pts-d.since >= refreshLimit:
		d.refreshing = false
	}
	return !d.refreshing
}

// field reads a public field of a libav struct.
func field[T any](p unsafe.Pointer, offset uintptr) T { return *(*T)(unsafe.Add(p, offset)) }
