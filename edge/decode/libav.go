package decode

import (
	"errors"
	"fmt"
	"time"
	"unsafe"

	"github.com/ebitengine/purego"

	"gridgate/edge/source"
)

// The libraries and the majors whose struct offsets were checked (Debian 12, FFmpeg 5.1, 64-bit).
const (
	codecLibrary = "libavcodec.so.59"
	utilLibrary  = "libavutil.so.57"
	codecMajor   = 59
	utilMajor    = 57
	codecPackage = "libavcodec59"
)

// Offsets in bytes of the public fields that are read or written: AVPacket of libavcodec 59, AVFrame of libavutil 57.
const (
	packetPTS  = 8
	packetData = 24

	frameData     = 0
	frameLinesize = 64
	frameWidth    = 104
	frameHeight   = 108
	frameFormat   = 116
	framePTS      = 136
)

// Results of libav that are not failures.
const (
	averrorAgain = -11        // AVERROR(EAGAIN)
	averrorEOF   = -541478725 // AVERROR_EOF
	logQuiet     = -8         // AV_LOG_QUIET
)

// maxPixels is the largest picture that is decoded: 8K UHD.
const maxPixels = 7680 * 4320

// libav holds the functions of libavcodec and libavutil that the worker calls.
type libav struct {
	codecVersion func() uint32
	utilVersion  func() uint32
	findDecoder  func(name string) unsafe.Pointer
	allocContext func(codec unsafe.Pointer) unsafe.Pointer
	freeContext  func(ctx *unsafe.Pointer)
	open         func(ctx, codec, options unsafe.Pointer) int32
	flush        func(ctx unsafe.Pointer)
	sendPacket   func(ctx, packet unsafe.Pointer) int32
	receiveFrame func(ctx, frame unsafe.Pointer) int32
	allocPacket  func() unsafe.Pointer
	newPacket    func(packet unsafe.Pointer, size int32) int32
	unrefPacket  func(packet unsafe.Pointer)
	allocFrame   func() unsafe.Pointer
	unrefFrame   func(frame unsafe.Pointer)
	setOption    func(ctx unsafe.Pointer, name, value string, flags int32) int32
	pixelFormat  func(name string) int32
	setLogLevel  func(level int32)

	formats map[int32]pixelLayout
}

// loadLibav opens the system's libraries. Its errors name the package to install.
func loadLibav() (*libav, error) {
	util, err := purego.Dlopen(utilLibrary, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return nil, fmt.Errorf("%s is missing: install the Debian package %s", utilLibrary, codecPackage)
	}
	codec, err := purego.Dlopen(codecLibrary, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return nil, fmt.Errorf("%s is missing: install the Debian package %s", codecLibrary, codecPackage)
	}
	l := &libav{}
	if err := l.bind(codec, util); err != nil {
		return nil, err
	}
	if c, u := l.codecVersion()>>16, l.utilVersion()>>16; c != codecMajor || u != utilMajor {
		return nil, fmt.Errorf("libavcodec %d with libavutil %d is not supported, only %d with %d: install the Debian package %s",
			c, u, codecMajor, utilMajor, codecPackage)
	}
	l.setLogLevel(logQuiet)
	l.formats = l.pixelLayouts()
	return l, nil
}

func (l *libav) bind(codec, util uintptr) error {
	for _, f := range []struct {
		library uintptr
		name    string
		target  any
	}{
		{codec, "avcodec_version", &l.codecVersion},
		{util, "avutil_version", &l.utilVersion},
		{codec, "avcodec_find_decoder_by_name", &l.findDecoder},
		{codec, "avcodec_alloc_context3", &l.allocContext},
		{codec, "avcodec_free_context", &l.freeContext},
		{codec, "avcodec_open2", &l.open},
		{codec, "avcodec_flush_buffers", &l.flush},
		{codec, "avcodec_send_packet", &l.sendPacket},
		{codec, "avcodec_receive_frame", &l.receiveFrame},
		{codec, "av_packet_alloc", &l.allocPacket},
		{codec, "av_new_packet", &l.newPacket},
		{codec, "av_packet_unref", &l.unrefPacket},
		{util, "av_frame_alloc", &l.allocFrame},
		{util, "av_frame_unref", &l.unrefFrame},
		{util, "av_opt_set", &l.setOption},
		{util, "av_get_pix_fmt", &l.pixelFormat},
		{util, "av_log_set_level", &l.setLogLevel},
	} {
		symbol, err := purego.Dlsym(f.library, f.name)
		if err != nil {
			return fmt.Errorf("the library has no %s: install the Debian package %s", f.name, codecPackage)
		}
		purego.RegisterFunc(f.target, symbol)
	}
	return nil
}

// decoder is one AVCodecContext with its packet and frame. It is for one goroutine.
type decoder struct {
	lib    *libav
	codec  source.Codec
	ctx    unsafe.Pointer
	packet unsafe.Pointer
	frame  unsafe.Pointer
}

// quality chooses what a decoder may leave out.
type quality bool

const (
	fast quality = false // no loop filter: for detection
	full quality = true  // every pixel as the standard says: for pictures
)

func (l *libav) newDecoder(codec source.Codec, q quality) (*decoder, error) {
	name := map[source.Codec]string{source.H264: "h264", source.H265: "hevc"}[codec]
	c := l.findDecoder(name)
	if c == nil {
		return nil, fmt.Errorf("the library has no decoder %q", name)
	}
	d := &decoder{lib: l, codec: codec, ctx: l.allocContext(c), packet: l.allocPacket(), frame: l.allocFrame()}
	if d.ctx == nil || d.packet == nil || d.frame == nil {
		return nil, errors.New("out of memory")
	}
	options := [][2]string{{"threads", "1"}, {"max_pixels", fmt.Sprint(maxPixels)}}
	if q == fast {
		options = append(options, [2]string{"flags2", "+fast"}, [2]string{"skip_loop_filter", "all"})
	}
	for _, o := range options {
		if r := l.setOption(d.ctx, o[0], o[1], 0); r < 0 {
			return nil, fmt.Errorf("set decoder option %s: error %d", o[0], r)
		}
	}
	if r := l.open(d.ctx, c, nil); r < 0 {
		return nil, fmt.Errorf("open decoder %q: error %d", name, r)
	}
	return d, nil
}

// send hands one access unit to the decoder. On true, the caller takes the pictures with receive.
func (d *decoder) send(u unit) bool {
	if d.lib.newPacket(d.packet, int32(len(u.data))) < 0 {
		return false
	}
	defer d.lib.unrefPacket(d.packet)
	copy(unsafe.Slice((*byte)(field[unsafe.Pointer](d.packet, packetData)), len(u.data)), u.data)
	*(*int64)(unsafe.Add(d.packet, packetPTS)) = int64(u.pts)
	return d.lib.sendPacket(d.ctx, d.packet) >= 0
}

// drain tells the decoder that nothing follows, so that it gives what it holds back. [decoder.flush] must follow.
func (d *decoder) drain() { d.lib.sendPacket(d.ctx, nil) }

func (d *decoder) flush() { d.lib.flush(d.ctx) }

// receive passes each picture that is ready to take; the picture is only valid inside the call. It says how many there were.
func (d *decoder) receive(take func(raw)) (int, error) {
	for n := 0; ; n++ {
		switch r := d.lib.receiveFrame(d.ctx, d.frame); {
		case r == averrorAgain || r == averrorEOF:
			return n, nil
		case r < 0:
			return n, fmt.Errorf("%w: decoder error %d", ErrBadStream, r)
		}
		p, err := d.raw()
		if err == nil {
			take(p)
		}
		d.lib.unrefFrame(d.frame)
		if err != nil {
			return n, err
		}
	}
}

// decodeAll decodes units without history, passes every picture that comes out to take, and leaves the decoder empty.
// Units that cannot be decoded are an error only if no picture came out.
func (d *decoder) decodeAll(units []unit, take func(raw)) error {
	defer d.flush()
	pictures := 0
	var failed error
	for _, u := range units {
		if !d.send(u) {
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
	w, h := int(field[int32](d.frame, frameWidth)), int(field[int32](d.frame, frameHeight))
	if w < 16 || h < 16 || w*h > maxPixels {
		return raw{}, fmt.Errorf("%w: picture of %dx%d", ErrBadStream, w, h)
	}
	p := raw{layout: layout, width: w, height: h, pts: time.Duration(field[int64](d.frame, framePTS))}
	for i := range layout.planes {
		stride := int(field[int32](d.frame, frameLinesize+4*uintptr(i)))
		data := field[unsafe.Pointer](d.frame, frameData+8*uintptr(i))
		pw, ph := p.planeSize(i)
		if data == nil || stride < pw*layout.bytes {
			return raw{}, fmt.Errorf("%w: picture without pixels", ErrBadStream)
		}
		p.planes[i] = plane{pix: unsafe.Slice((*byte)(data), stride*(ph-1)+pw*layout.bytes), stride: stride, width: pw, height: ph}
	}
	return p, nil
}

func (d *decoder) close() {
	d.lib.freeContext(&d.ctx)
}

// field reads a public field of a libav struct.
func field[T any](p unsafe.Pointer, offset uintptr) T { return *(*T)(unsafe.Add(p, offset)) }
