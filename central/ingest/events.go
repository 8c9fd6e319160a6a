package ingest

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"gridgate/central/store"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// postEvents stores a CloudEvent or a batch of them and answers with a receipt for each, in order, after the commit.
func (s *Server) postEvents(w http.ResponseWriter, r *http.Request, p Principal) error {
	return s.serveBatch(w, r, p, s.parse)
}

// reader reads the body of a request, see [Server.parse].
type reader func(w http.ResponseWriter, r *http.Request, p Principal) (*request, error)

// serveBatch admits a batch, reads it, commits it and answers with its receipts.
func (s *Server) serveBatch(w http.ResponseWriter, r *http.Request, p Principal, read reader) error {
	told, err := headers(w, r, p)
	if err != nil {
		return err
	}
	lane := alert.Lane(r.Header.Get(ingest.LaneHeader))
	place, err := s.quotas.admit(p.sender(), lane, time.Now())
	if err != nil {
		return err
	}
	defer place.release()
	release, err := s.committer.admit(lane)
	if err != nil {
		return err
	}
	defer release()

	s.committer.parsing.Add(1)
	in, err := read(w, r, p)
	s.committer.parsing.Add(-1)
	if err != nil {
		return err
	}
	place.charge(len(in.events), time.Now())
	if told != nil && told.Sequence.Count() > int64(len(in.events)) {
		return refuse(http.StatusBadRequest, "%s has more numbers than the batch has events", ingest.SequenceHeader)
	}
	in.sender, in.delivery = p.sender(), told
	if len(in.alerts)+len(in.evidence) > 0 || told != nil {
		if err := s.committer.commit(r.Context(), lane, &in.batch); err != nil {
			return unavailable(err)
		}
	}
	receipts := in.receipts()
	for _, x := range receipts {
		s.metrics.events.WithLabelValues(string(x.Outcome)).Inc()
	}
	return answer(w, http.StatusOK, ingest.Receipts{Receipts: receipts})
}

// headers reads what a batch says before it is parsed: whether central knows its schema, and its sequence numbers.
func headers(w http.ResponseWriter, r *http.Request, p Principal) (*store.Delivery, error) {
	if err := checkSchema(w, r); err != nil {
		return nil, err
	}
	return delivery(r, p)
}

// request is a batch with the place of each event in the receipts.
type request struct {
	batch
	events []parsed
}

// parsed is one event: refused, or the next one of the alerts or of the evidence.
type parsed struct {
	sent     string // its id as its sender wrote it: for the receipt only
	reason   string // of a refused one
	evidence bool
}

// parse reads a request. Its error is a problem of the whole; what is wrong with one event is kept with that event.
func (s *Server) parse(w http.ResponseWriter, r *http.Request, p Principal) (*request, error) {
	typ, err := mediaType(r, alert.BatchContentType, alert.ContentType)
	if err != nil {
		return nil, err
	}
	body, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	raw, err := split(typ, body)
	if err != nil {
		return nil, err
	}
	return s.decodeAll(r.Context(), raw, p), nil
}

// decodeAll reads events one by one.
func (s *Server) decodeAll(ctx context.Context, raw [][]byte, p Principal) *request {
	in := &request{events: make([]parsed, 0, len(raw))}
	in.alerts = make([]store.Received, 0, len(raw))
	now := s.o.Now().UTC()
	for _, event := range raw {
		e, err := decode(event, p)
		switch {
		case err != nil:
			in.events = append(in.events, parsed{sent: echo(event), reason: oneLine(err)})
		case e.Evidence != nil && s.refuses(ctx, *e.Evidence):
			in.events = append(in.events, parsed{sent: p.sentID(event, e.Evidence.ID), reason: refusedCamera})
		case e.Evidence != nil:
			in.evidence = append(in.evidence, *e.Evidence)
			in.events = append(in.events, parsed{sent: p.sentID(event, e.Evidence.ID), evidence: true})
		default:
			in.alerts = append(in.alerts, store.Received{Alert: *e.Alert, ReceivedAt: now})
			in.events = append(in.events, parsed{sent: p.sentID(event, e.Alert.ID)})
		}
	}
	return in
}

// checkSchema refuses a schema newer than ours as a whole: the sender keeps the batch until central is upgraded, instead of
// having each event rejected for good.
func checkSchema(w http.ResponseWriter, r *http.Request) error {
	header := r.Header.Get(ingest.SchemaHeader)
	if header == "" {
		return nil
	}
	version, err := strconv.Atoi(header)
	if err != nil || version < 1 {
		return refuse(http.StatusBadRequest, "%s is not a version", ingest.SchemaHeader)
	}
	if version > ingest.SchemaVersion {
		w.Header().Set(ingest.SchemaHeader, strconv.Itoa(ingest.SchemaVersion))
		return refuse(http.StatusConflict, "schema %d is newer than central's %d; upgrade central first", version, ingest.SchemaVersion)
	}
	return nil
}

// split cuts a body into events without judging them.
func split(typ string, body []byte) ([][]byte, error) {
	if typ == alert.ContentType {
		body = bytes.Join([][]byte{[]byte("["), body, []byte("]")}, nil)
	}
	events, err := alert.SplitBatch(body, ingest.MaxBatch)
	switch {
	case err != nil && strings.Contains(err.Error(), "more than"):
		return nil, refuse(http.StatusRequestEntityTooLarge, "%s", err)
	case err != nil:
		return nil, refuse(http.StatusBadRequest, "%s", err)
	case typ == alert.ContentType && len(events) != 1:
		return nil, refuse(http.StatusBadRequest, "the body is not one event")
	}
	return events, nil
}

// decode reads one event and checks that p may post it.
func decode(event []byte, p Principal) (alert.Event, error) {
	read := alert.DecodeEvent
	if p.foreign() {
		read = alert.DecodeForeign
	}
	e, err := read(event)
	if err != nil {
		return alert.Event{}, err
	}
	if e.Evidence != nil {
		return e, p.mayPost(e.Evidence.Source)
	}
	if err := p.mayPost(e.Alert.Source); err != nil {
		return e, err
	}
	if p.Edge != "" && !strings.HasPrefix(e.Alert.Key, p.Edge+"/") {
		return e, errors.New("key does not begin with the token's edge")
	}
	return e, nil
}

// receipts answers each event in the order of the request.
func (in *request) receipts() []ingest.Receipt {
	out := make([]ingest.Receipt, len(in.events))
	alerts, evidence := in.ofAlerts, in.ofEvidence
	for i, e := range in.events {
		out[i] = ingest.Receipt{ID: e.sent, Outcome: ingest.Rejected, Reason: e.reason}
		switch {
		case e.reason != "":
		case e.evidence:
			out[i].Outcome, evidence = evidence[0], evidence[1:]
		default:
			out[i].Outcome, alerts = alerts[0], alerts[1:]
		}
	}
	return out
}

// Bounds of what a receipt repeats.
const (
	maxEcho   = alert.MaxForeignID
	maxReason = 512
)

// echo is the id of an event as its sender wrote it and as a receipt may repeat it: one that is too long for an id is left out.
func echo(event []byte) string {
	id := alert.PeekID(event)
	if len(id) > maxEcho {
		return ""
	}
	return id
}

// sentID is the id of an event that was taken, as its sender wrote it: an edge's is ours, a foreign one may have been derived.
func (p Principal) sentID(event []byte, ours string) string {
	if p.foreign() {
		return echo(event)
	}
	return ours
}

// oneLine is the reason of a refusal; several rules broken are joined.
func oneLine(err error) string {
	s := strings.ReplaceAll(err.Error(), "\n", "; ")
	if len(s) > maxReason {
		s = strings.ToValidUTF8(s[:maxReason], "")
	}
	return s
}
