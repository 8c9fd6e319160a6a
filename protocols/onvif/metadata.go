package onvif

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"time"

	"gridgate/protocols/sensors"
	"gridgate/protocols/vendor"
)

// Packet is a part of a document of metadata, as RTP brings it.
type Packet struct {
	Number  uint16 // of RTP
	Last    bool   // the document ends here
	Zipped  bool   // documents are compressed with gzip
	Payload []byte // may be used again after the call
}

// Metadata reads the metadata that a device streams beside its pictures: its events, and how many objects of which kind it sees (ONVIF
// Streaming, 5.2.1.2.1; Analytics, 5). It implements [vendor.Stream]; the connection is played by somebody else.
type Metadata struct {
	play func(ctx context.Context, take func(Packet)) error
	now  func() time.Time
}

var _ vendor.Stream = (*Metadata)(nil)

// NewMetadata takes who plays a stream: until ctx ends (nil), or until it fails with an error that wraps one of those of package
// vendor. take is called by one goroutine at a time.
func NewMetadata(play func(ctx context.Context, take func(Packet)) error, now func() time.Time) (*Metadata, error) {
	if play == nil {
		return nil, errors.New("onvif: nobody plays the metadata")
	}
	if now == nil {
		now = time.Now
	}
	return &Metadata{play: play, now: now}, nil
}

// Run implements [vendor.Stream].
func (m *Metadata) Run(ctx context.Context, emit vendor.Emit) error {
	a, t := &assembler{}, &teller{emit: emit, now: m.now}
	err := m.play(ctx, func(p Packet) {
		if doc := a.take(p); doc != nil {
			t.document(doc)
		}
	})
	if err == nil {
		return nil
	}
	return ended(ctx, err)
}

// assembler joins the packets of a document, which ends with the marker. What was begun before we came or lost a packet is left out.
type assembler struct {
	buf    []byte
	next   uint16
	begun  bool
	broken bool
}

func (a *assembler) take(p Packet) (doc []byte) {
	if a.begun && p.Number != a.next {
		a.broken = true
	}
	a.begun, a.next = true, p.Number+1
	if len(a.buf)+len(p.Payload) > vendor.MaxMessage {
		a.broken, a.buf = true, a.buf[:0]
	}
	if !a.broken {
		a.buf = append(a.buf, p.Payload...)
	}
	if !p.Last {
		return nil
	}
	if !a.broken {
		doc = a.document(p.Zipped)
	}
	a.buf, a.broken = a.buf[:0], false
	return doc
}

// document returns a copy, or nil for what cannot be read.
func (a *assembler) document(zipped bool) []byte {
	if !zipped {
		return bytes.Clone(a.buf)
	}
	r, err := gzip.NewReader(bytes.NewReader(a.buf))
	if err != nil {
		return nil
	}
	doc, err := io.ReadAll(io.LimitReader(r, vendor.MaxMessage+1))
	if err != nil {
		return nil
	}
	return doc
}

// frameEvery is how often frames are told that show the same kinds of objects as before.
const frameEvery = time.Second

// teller tells documents.
type teller struct {
	emit   vendor.Emit
	now    func() time.Time
	states states
	last   string
	told   time.Time
}

func (t *teller) document(doc []byte) {
	root, err := parse(doc)
	found := statementsOf(root)
	if len(found) == 0 {
		why := sensors.Learnt("", "metadata without events")
		if err != nil {
			why = sensors.Ignored("", err.Error())
		}
		t.emit(why)
		return
	}
	for _, one := range found {
		if t.same(one) {
			continue
		}
		t.states.take(&one)
		t.emit(join([]statement{one}, false))
	}
}

// same says whether a frame shows what was told a moment ago.
func (t *teller) same(s statement) bool {
	shows, frame := "", s.Meta.Topic == ""
	for _, o := range s.Observations {
		shows += string(o.Kind) + string(o.Object)
		frame = frame && o.Expires > 0
	}
	if !frame {
		return false
	}
	now := t.now()
	if shows == t.last && now.Sub(t.told) < frameEvery {
		return true
	}
	t.last, t.told = shows, now
	return false
}
