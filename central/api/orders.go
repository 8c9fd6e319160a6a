package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/auth"
	"gridgate/central/orders"
	"gridgate/central/store"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// Orders keeps what the centre wants of its edges, see [orders.Service].
type Orders interface {
	Arrangement(ctx context.Context, who auth.Principal, edge, camera string) (orders.Arranged, error)
	Arrange(ctx context.Context, who auth.Principal, edge, camera string, zones []ingest.OrderZone, masks []ingest.Outline, seen int64) error
	Unarrange(ctx context.Context, who auth.Principal, edge, camera string, seen int64) error
	Modes(ctx context.Context, who auth.Principal, edge string) (orders.Modes, error)
	SetMode(ctx context.Context, who auth.Principal, edge string, order ingest.ModeOrder, reason string, seen int64) error
	EndMode(ctx context.Context, who auth.Principal, edge, device, zone string, seen int64) error
	Open(ctx context.Context, who auth.Principal, r orders.LookRequest) (orders.Look, error)
	Look(ctx context.Context, who auth.Principal, id string) (orders.Look, error)
	Looks(ctx context.Context, who auth.Principal, edge string) ([]orders.Look, error)
	Stop(ctx context.Context, who auth.Principal, id string) error
	Watch(ctx context.Context, who auth.Principal, id, tag string, wait time.Duration) (orders.Picture, error)
	Try(ctx context.Context, who auth.Principal, edge, camera string, zones []ingest.OrderZone, masks []ingest.Outline, lastSec int64) (orders.Trial, error)
	Tried(ctx context.Context, who auth.Principal, id string, wait time.Duration) (orders.Tried, error)
	Discover(ctx context.Context, who auth.Principal, edge string, seconds int64) (orders.Discovery, error)
	Discoveries(ctx context.Context, who auth.Principal, edge string) ([]orders.Discovery, error)
	Discovered(ctx context.Context, who auth.Principal, id string, wait time.Duration) (orders.Discovered, error)
}

// maxArrangement is how large the body of an arrangement may be, in bytes: every zone and mask with every point, written at length.
const maxArrangement = 128 << 10

// CameraPath names a camera. It is exported because huma reads no members of others when they are embedded.
type CameraPath struct {
	Edge   string `path:"edge" pattern:"^[a-z0-9][a-z0-9._-]{0,63}$"`
	Camera string `path:"camera" pattern:"^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$"`
}

// EdgePath names an edge.
type EdgePath struct {
	Edge string `path:"edge" pattern:"^[a-z0-9][a-z0-9._-]{0,63}$"`
}

// LookPath names a look.
type LookPath struct {
	Look string `path:"look" format:"uuid"`
}

// ArrangementBody is how a camera's picture is divided.
type ArrangementBody struct {
	Zones []ingest.OrderZone `json:"zones" minItems:"1" maxItems:"16" nullable:"false" doc:"an outline has 3 to 64 points [x, y], 0 to 1, the origin top left; without one it is the whole picture"`
	Masks []ingest.Outline   `json:"masks,omitempty" maxItems:"16" nullable:"false" doc:"on top of those of the edge's file"`
}

// LookView is a look and what it costs.
type LookView struct {
	orders.Look
	State          string  `json:"state" enum:"waiting,live,ended" doc:"waiting: no picture came yet"`
	BytesPerSecond float64 `json:"bytesPerSecond" doc:"what it costs the uplink of the edge, over its pictures so far; 0 before the second"`
}

func lookView(l orders.Look) LookView {
	v := LookView{Look: l, State: "live"}
	switch {
	case !l.EndedAt.IsZero():
		v.State = "ended"
	case l.Pictures == 0:
		v.State = "waiting"
	}
	if took := l.Last.Sub(l.First).Seconds(); l.Pictures > 1 && took > 0 {
		// the first picture was there when the time began
		v.BytesPerSecond = float64(l.Bytes) * float64(l.Pictures-1) / float64(l.Pictures) / took
	}
	return v
}

// LookList lists looks, the newest first.
type LookList struct {
	Items []LookView `json:"items" nullable:"false"`
}

// ModeBody arms, disarms or tests for a while.
type ModeBody struct {
	Device string    `json:"device" pattern:"^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$" doc:"camera or sensor of the edge"`
	Zone   string    `json:"zone,omitempty" maxLength:"64" doc:"of a camera; left out: all of it"`
	Mode   string    `json:"mode" enum:"armed,disarmed,walk-test"`
	Until  time.Time `json:"until" doc:"at most 30 days ahead, 24 hours for a walk-test, 1 hour for that of a life-safety sensor"`
	Reason string    `json:"reason,omitempty" maxLength:"200" doc:"why, without naming anyone; demanded to disarm"`
}

type (
	arrangementInput  struct{ CameraPath }
	arrangementOutput struct {
		ETag string `header:"ETag"`
		Body orders.Arranged
	}
	putArrangementInput struct {
		CameraPath
		VersionInput
		Body ArrangementBody
	}
	removeArrangementInput struct {
		CameraPath
		VersionInput
	}
	modesInput  struct{ EdgePath }
	modesOutput struct {
		ETag string `header:"ETag"`
		Body orders.Modes
	}
	setModeInput struct {
		EdgePath
		VersionInput
		Body ModeBody
	}
	endModeInput struct {
		EdgePath
		VersionInput
		Device string `query:"device" required:"true" pattern:"^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$"`
		Zone   string `query:"zone" maxLength:"64"`
	}
	openLookInput struct {
		CameraPath
		Body struct {
			Reason  string `json:"reason" minLength:"1" maxLength:"200" doc:"why, in words, without naming anyone"`
			Seconds int    `json:"seconds,omitempty" minimum:"1" maximum:"300" doc:"60 if left out"`
			EveryMs int64  `json:"everyMs,omitempty" minimum:"500" maximum:"60000" doc:"least time between two pictures; 500 if left out"`
			Count   int    `json:"count,omitempty" minimum:"1" maximum:"600" doc:"pictures after which it is over; 1 is a still, which whoever sets the centre up may ask for, too"`
			MaxSide int    `json:"maxSide,omitempty" minimum:"160" maximum:"1920" doc:"width at most in pixels; left out: as pictures of alerts are"`
		}
	}
	lookInput  struct{ LookPath }
	lookOutput struct{ Body LookView }
	looksInput struct{ EdgePath }
	lookList   struct{ Body LookList }
	watchInput struct {
		LookPath
		IfNoneMatch string `header:"If-None-Match" maxLength:"64" doc:"ETag of the picture that was seen: 304 if there is no other yet"`
		Wait        int    `query:"wait" minimum:"0" maximum:"8" doc:"seconds to wait for another picture"`
	}
	watchOutput struct {
		Status      int
		ETag        string `header:"ETag"`
		ContentType string `header:"Content-Type"`
		Body        []byte
	}
	trialOrder struct {
		CameraPath
		Body struct {
			ArrangementBody
			LastSec int64 `json:"lastSec" minimum:"1" maximum:"86400" doc:"how far back in seconds"`
		}
	}
	trialOutput struct{ Body orders.Tried }
	trialInput  struct {
		Trial string `path:"trial" format:"uuid"`
		Wait  int    `query:"wait" minimum:"0" maximum:"8" doc:"seconds to wait for the result"`
	}
)

func (s *Server) orderOperations() {
	if s.o.Orders == nil {
		return
	}
	const arrangement, modes = "/v1/edges/{edge}/cameras/{camera}/arrangement", "/v1/edges/{edge}/modes"
	huma.Register(s.huma, operation(http.MethodGet, arrangement, "get-arrangement", "Zones and masks of a camera that were drawn at the centre, and whether its edge follows", auth.Read, http.StatusNotFound), s.arrangement)
	huma.Register(s.huma, changing(http.MethodPut, arrangement, "put-arrangement", "Draw zones and masks of a camera", maxArrangement, http.StatusNotFound), s.arrange)
	huma.Register(s.huma, changing(http.MethodDelete, arrangement, "remove-arrangement", "Let a camera have the zones of its edge's file", maxBody, http.StatusNotFound), s.unarrange)
	op := func(method, path, id, summary string) huma.Operation {
		return operation(method, path, id, summary, auth.Operate, http.StatusBadRequest, http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed)
	}
	huma.Register(s.huma, operation(http.MethodGet, modes, "list-modes", "What is armed, disarmed or tested for a while by order of the centre", auth.Read, http.StatusNotFound), s.modes)
	huma.Register(s.huma, op(http.MethodPost, modes, "set-mode", "Arm, disarm or test a device for a while (operators and supervisors)"), s.setMode)
	huma.Register(s.huma, op(http.MethodDelete, modes, "end-mode", "Let a device be armed as its edge's file says (operators and supervisors)"), s.endMode)
	s.lookOperations()
	s.discoveryOperations()
	try := changing(http.MethodPost, "/v1/edges/{edge}/cameras/{camera}/trials", "open-trial", "Ask an edge what zones and masks would have raised", maxArrangement, http.StatusNotFound, http.StatusTooManyRequests)
	try.DefaultStatus = http.StatusCreated
	huma.Register(s.huma, try, s.openTrial)
	huma.Register(s.huma, operation(http.MethodGet, "/v1/trials/{trial}", "get-trial", "A trial and its result, kept for ten minutes", auth.Read, http.StatusNotFound, http.StatusServiceUnavailable), s.trial)
}

func (s *Server) lookOperations() {
	open := operation(http.MethodPost, "/v1/edges/{edge}/cameras/{camera}/looks", "open-look", "Look at a camera now: redacted pictures, for a while, with a reason (operators and supervisors; a still also who draws zones)",
		auth.Read, http.StatusNotFound, http.StatusConflict, http.StatusTooManyRequests)
	open.DefaultStatus = http.StatusCreated
	huma.Register(s.huma, open, s.openLook)
	huma.Register(s.huma, operation(http.MethodGet, "/v1/edges/{edge}/looks", "list-looks", "Who looked at cameras of an edge, when, why, and what it cost: the last hundred", auth.Read), s.listLooks)
	huma.Register(s.huma, operation(http.MethodGet, "/v1/looks/{look}", "get-look", "A look and what it costs", auth.Read, http.StatusNotFound), s.oneLook)
	huma.Register(s.huma, operation(http.MethodDelete, "/v1/looks/{look}", "stop-look", "End a look: of one's own, or as an operator or supervisor", auth.Read, http.StatusNotFound), s.stopLook)
	picture := operation(http.MethodGet, "/v1/looks/{look}/picture", "get-look-picture", "The newest picture of a look, for whoever asked for it", auth.Read, http.StatusNotFound, http.StatusGone, http.StatusServiceUnavailable)
	picture.Responses = map[string]*huma.Response{
		"200": {Description: "The picture.", Content: map[string]*huma.MediaType{alert.JPEG: {Schema: &huma.Schema{Type: "string", Format: "binary"}}}},
		"204": {Description: "No picture came yet."}, "304": {Description: "There is no other picture yet."},
	}
	huma.Register(s.huma, picture, s.watchLook)
}

// ordered turns an error of [Orders] into a problem.
func (s *Server) ordered(ctx context.Context, doing string, seen int64, err error) error {
	var refused *orders.Refused
	switch {
	case errors.As(err, &refused):
		return huma.NewError(map[orders.Why]int{
			orders.Invalid: http.StatusUnprocessableEntity, orders.Forbidden: http.StatusForbidden, orders.Conflict: http.StatusConflict, orders.TooMany: http.StatusTooManyRequests,
		}[refused.Why], refused.Text)
	case errors.Is(err, orders.ErrOver):
		return huma.NewError(http.StatusGone, "the look is over")
	case errors.Is(err, store.ErrConflict) && seen > 0:
		return huma.Error412PreconditionFailed("it changed meanwhile, read it again")
	case errors.Is(err, store.ErrConflict):
		return huma.Error409Conflict("others changed it at the same time, try again")
	}
	return s.failure(ctx, doing, err)
}

// versionTag is the tag of a version; none of what is not there.
func versionTag(version int64) string {
	if version == 0 {
		return ""
	}
	return etag(version)
}

func (s *Server) arrangement(ctx context.Context, in *arrangementInput) (*arrangementOutput, error) {
	p, _ := auth.From(ctx)
	a, err := s.o.Orders.Arrangement(ctx, p, in.Edge, in.Camera)
	if err != nil {
		return nil, s.ordered(ctx, "read the arrangement", 0, err)
	}
	return &arrangementOutput{ETag: versionTag(a.Version), Body: a}, nil
}

func (s *Server) arrange(ctx context.Context, in *putArrangementInput) (*arrangementOutput, error) {
	how, err := s.change(ctx, in.IfMatch)
	if err != nil {
		return nil, err
	}
	p, _ := auth.From(ctx)
	if err := s.o.Orders.Arrange(ctx, p, in.Edge, in.Camera, in.Body.Zones, in.Body.Masks, how.Version); err != nil {
		return nil, s.ordered(ctx, "keep the arrangement", how.Version, err)
	}
	return s.arrangement(ctx, &arrangementInput{in.CameraPath})
}

func (s *Server) unarrange(ctx context.Context, in *removeArrangementInput) (*goneOutput, error) {
	how, err := s.change(ctx, in.IfMatch)
	if err != nil {
		return nil, err
	}
	p, _ := auth.From(ctx)
	if err := s.o.Orders.Unarrange(ctx, p, in.Edge, in.Camera, how.Version); err != nil {
		return nil, s.ordered(ctx, "remove the arrangement", how.Version, err)
	}
	return &goneOutput{}, nil
}

func (s *Server) modes(ctx context.Context, in *modesInput) (*modesOutput, error) {
	p, _ := auth.From(ctx)
	m, err := s.o.Orders.Modes(ctx, p, in.Edge)
	if err != nil {
		return nil, s.ordered(ctx, "read the modes", 0, err)
	}
	return &modesOutput{ETag: versionTag(m.Version), Body: m}, nil
}

func (s *Server) setMode(ctx context.Context, in *setModeInput) (*modesOutput, error) {
	how, err := s.change(ctx, in.IfMatch)
	if err != nil {
		return nil, err
	}
	p, _ := auth.From(ctx)
	noteOf(ctx).target = in.Edge + "," + in.Body.Device + "," + in.Body.Mode
	order := ingest.ModeOrder{Device: in.Body.Device, Zone: in.Body.Zone, Mode: in.Body.Mode, Until: in.Body.Until}
	if err := s.o.Orders.SetMode(ctx, p, in.Edge, order, in.Body.Reason, how.Version); err != nil {
		return nil, s.ordered(ctx, "set the mode", how.Version, err)
	}
	return s.modes(ctx, &modesInput{in.EdgePath})
}

func (s *Server) endMode(ctx context.Context, in *endModeInput) (*goneOutput, error) {
	how, err := s.change(ctx, in.IfMatch)
	if err != nil {
		return nil, err
	}
	p, _ := auth.From(ctx)
	noteOf(ctx).target = in.Edge + "," + in.Device
	if err := s.o.Orders.EndMode(ctx, p, in.Edge, in.Device, in.Zone, how.Version); err != nil {
		return nil, s.ordered(ctx, "end the mode", how.Version, err)
	}
	return &goneOutput{}, nil
}

func (s *Server) openTrial(ctx context.Context, in *trialOrder) (*trialOutput, error) {
	p, _ := auth.From(ctx)
	t, err := s.o.Orders.Try(ctx, p, in.Edge, in.Camera, in.Body.Zones, in.Body.Masks, in.Body.LastSec)
	if err != nil {
		return nil, s.ordered(ctx, "open the trial", 0, err)
	}
	return &trialOutput{Body: orders.Tried{Trial: t}}, nil
}

func (s *Server) trial(ctx context.Context, in *trialInput) (*trialOutput, error) {
	p, _ := auth.From(ctx)
	t, err := s.o.Orders.Tried(ctx, p, in.Trial, time.Duration(in.Wait)*time.Second)
	if err != nil {
		return nil, s.ordered(ctx, "read the trial", 0, err)
	}
	return &trialOutput{Body: t}, nil
}
