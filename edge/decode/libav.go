package decode

import (
	"fmt"
	"unsafe"

	"github.com/ebitengine/purego"
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
	frameFlags    = 316
)

// frameCorrupt is AV_FRAME_FLAG_CORRUPT: the picture refers to others that were never decoded.
const frameCorrupt = 1

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
	freePacket   func(packet *unsafe.Pointer)
	allocFrame   func() unsafe.Pointer
	freeFrame    func(frame *unsafe.Pointer)
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
		{codec, "av_packet_free", &l.freePacket},
		{util, "av_frame_alloc", &l.allocFrame},
		{util, "av_frame_free", &l.freeFrame},
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
