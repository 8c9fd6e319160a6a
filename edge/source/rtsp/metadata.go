package rtsp

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/pion/rtp"

	"gridgate/edge/source"
)

// MetadataPacket is a part of a document of ONVIF metadata (ONVIF Streaming, 5.2.1.2.1).
type MetadataPacket struct {
	Number  uint16 // of RTP
	Last    bool   // the document ends here
	Zipped  bool   // documents are compressed with gzip
	Payload []byte // is used again after the call
}

// metadataSilence is how long metadata may say nothing: many cameras send none while nothing is there.
const metadataSilence = 2 * time.Minute

// PlayMetadata plays the metadata of the stream, over TCP and without its pictures, until ctx ends (nil) or the connection fails. A
// stream without metadata is [source.ErrUnsupported]. The source may not be run beside it.
func (s *Source) PlayMetadata(ctx context.Context, take func(MetadataPacket)) error {
	ss := newSession(s, TCP, nil)
	ss.client.ReadTimeout = metadataSilence
	inner, stop := context.WithCancelCause(ctx)
	if err := ss.client.Start2(); err != nil {
		stop(nil)
		return classify(err)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop(nil)
	wg.Go(func() { <-inner.Done(); ss.close() })
	connecting := time.AfterFunc(ss.opt.Connect, func() { stop(errConnect) })
	err := ss.playMetadata(take)
	ss.playing.Store(err == nil)
	if !connecting.Stop() {
		stop(errConnect)
	} else if err == nil {
		err = ss.client.Wait()
	}
	if ctx.Err() != nil {
		return nil
	}
	return cmp.Or(context.Cause(inner), classify(err))
}

func (ss *session) playMetadata(take func(MetadataPacket)) error {
	desc, _, err := ss.client.Describe(ss.url)
	if err != nil {
		return err
	}
	media, forma, zipped := metadataOf(desc)
	if media == nil {
		return fmt.Errorf("%w: it has no ONVIF metadata", source.ErrUnsupported)
	}
	if _, err := ss.client.Setup(desc.BaseURL, media, 0, 0); err != nil {
		return err
	}
	ss.client.OnPacketRTP(media, forma, func(p *rtp.Packet) {
		take(MetadataPacket{Number: p.SequenceNumber, Last: p.Marker, Zipped: zipped, Payload: p.Payload})
	})
	_, err = ss.client.Play(nil)
	return err
}

// metadataOf finds the metadata of a stream; EXI is not understood.
func metadataOf(desc *description.Session) (*description.Media, format.Format, bool) {
	for _, media := range desc.Medias {
		for _, f := range media.Formats {
			switch name, _, _ := strings.Cut(strings.ToLower(f.RTPMap()), "/"); name {
			case "vnd.onvif.metadata":
				return media, f, false
			case "vnd.onvif.metadata.gzip":
				return media, f, true
			}
		}
	}
	return nil, nil, false
}
