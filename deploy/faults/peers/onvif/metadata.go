package onvif

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net"
	"sync"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/gortsplib/v4/pkg/liberrors"
	"github.com/pion/rtp"
)

// MetadataQuirks are how a stream with metadata is.
type MetadataQuirks struct {
	Username, Password string
	Gzip               bool // documents are compressed
	None               bool // there is video alone
}

// MetadataStream is the RTSP side of the camera, with metadata and without pictures.
type MetadataStream struct {
	URL string

	q      MetadataQuirks
	server *gortsplib.Server
	stream *gortsplib.ServerStream
	media  *description.Media

	mu      sync.Mutex
	number  uint16
	playing int
}

// NewMetadataStream starts to serve. Close must be called.
func NewMetadataStream(q MetadataQuirks) (*MetadataStream, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serving metadata: %w", err)
	}
	m := &MetadataStream{q: q, URL: "rtsp://" + l.Addr().String() + "/live"}
	m.server = &gortsplib.Server{
		Handler: m, RTSPAddress: l.Addr().String(), WriteQueueSize: 4096, Listen: func(string, string) (net.Listener, error) { return l, nil },
	}
	name := "vnd.onvif.metadata/90000"
	switch {
	case q.None:
		name = "H264/90000"
	case q.Gzip:
		name = "vnd.onvif.metadata.gzip/90000"
	}
	f := &format.Generic{PayloadTyp: 107, RTPMa: name}
	m.media = &description.Media{Type: description.MediaTypeApplication, Formats: []format.Format{f}}
	if err := f.Init(); err != nil {
		return nil, fmt.Errorf("serving metadata: %w", err)
	}
	if err := m.server.Start(); err != nil {
		return nil, fmt.Errorf("serving metadata: %w", err)
	}
	m.stream = &gortsplib.ServerStream{Server: m.server, Desc: &description.Session{Medias: []*description.Media{m.media}}}
	if err := m.stream.Initialize(); err != nil {
		m.server.Close()
		return nil, fmt.Errorf("serving metadata: %w", err)
	}
	return m, nil
}

// Close ends it.
func (m *MetadataStream) Close() {
	m.stream.Close()
	m.server.Close()
}

// Playing says how many clients have asked for the stream.
func (m *MetadataStream) Playing() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.playing
}

// mtu is how long a packet's payload may be.
const mtu = 400

// Send sends a document in packets; lose leaves out the packet of that number, from 1.
func (m *MetadataStream) Send(doc string, lose int) error {
	payload := []byte(doc)
	if m.q.Gzip {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		if _, err := z.Write(payload); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		payload = b.Bytes()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := 1; len(payload) > 0; i++ {
		n := min(mtu, len(payload))
		p := &rtp.Packet{
			Header:  rtp.Header{Version: 2, PayloadType: 107, SequenceNumber: m.number, SSRC: 1, Marker: n == len(payload)},
			Payload: payload[:n],
		}
		m.number++
		if payload = payload[n:]; i == lose {
			continue
		}
		if err := m.stream.WritePacketRTP(m.media, p); err != nil {
			return err
		}
	}
	return nil
}

// OnDescribe implements gortsplib's handler.
func (m *MetadataStream) OnDescribe(c *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if m.q.Username != "" && !c.Conn.VerifyCredentials(c.Request, m.q.Username, m.q.Password) {
		return &base.Response{StatusCode: base.StatusUnauthorized}, nil, liberrors.ErrServerAuth{}
	}
	return &base.Response{StatusCode: base.StatusOK}, m.stream, nil
}

// OnSetup implements gortsplib's handler.
func (m *MetadataStream) OnSetup(*gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return &base.Response{StatusCode: base.StatusOK}, m.stream, nil
}

// OnPlay implements gortsplib's handler.
func (m *MetadataStream) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.playing++
	return &base.Response{StatusCode: base.StatusOK}, nil
}
