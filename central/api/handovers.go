package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/auth"
	"gridgate/central/shift"
	"gridgate/central/store"
	"gridgate/central/workflow"
	"gridgate/protocols/alert"
)

// Handovers keeps shift handovers, see [store.Documents].
type Handovers interface {
	PutDocuments(ctx context.Context, d []store.Document) error
	Document(ctx context.Context, kind, id string) (store.Document, error)
	DocumentsBefore(ctx context.Context, kind, before string, limit int) ([]store.Document, error)
	ForgetDocuments(ctx context.Context, kind string, ids []string) error
}

// Bounds of handovers.
const (
	defaultShift     = 8 * time.Hour
	maxHandoverBody  = 16 << 10
	handoversLooked  = 200 // looked at for one page of the list; a page may be short
	handoversADay    = 100 // begun by all accounts together
	forgottenAtOnce  = 50  // older than [shift.Keep], let go whenever one is begun
	handoverConflict = "the handover changed meanwhile, read it again"
)

// HandoverPage is one page of handovers without their pictures, newest first.
type HandoverPage struct {
	Items []shift.Head `json:"items" nullable:"false"`
	Next  string       `json:"next" doc:"cursor of the next page, empty on the last; a page may be short"`
}

// HandoverView is a handover and its version, which is its ETag, too.
type HandoverView struct {
	shift.Handover
	Version int64 `json:"version"`
}

func handoverOf(h shift.Handover, version int64) *handoverOutput {
	return &handoverOutput{ETag: etag(version), Body: HandoverView{Handover: h, Version: version}}
}

type (
	handoversInput struct {
		State  string `query:"state" enum:"open,draft,signed,accepted,withdrawn" doc:"open: draft or signed"`
		Cursor string `query:"cursor" pattern:"^[0-9a-f-]{36}$" doc:"next of the page before"`
		Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"20"`
	}
	handoversOutput struct{ Body HandoverPage }
	// HandoverInput names a handover and the version that was seen.
	HandoverInput struct {
		ID      string `path:"id" format:"uuid"`
		IfMatch string `header:"If-Match" maxLength:"64" doc:"ETag of the handover as it was seen; a signature needs one"`
	}
	handoverOutput struct {
		ETag string `header:"ETag"`
		Body HandoverView
	}
	beginInput struct {
		Body struct {
			From  time.Time `json:"from,omitempty" doc:"when the shift that ends began, at most 24 h ago; left out: eight hours ago"`
			Until time.Time `json:"until,omitempty" doc:"when the next one ends, at most 24 h from now; left out: in eight hours"`
			Notes string    `json:"notes,omitempty" maxLength:"2000" doc:"words about places and things, never about a person"`
		}
	}
	changeHandoverInput struct {
		HandoverInput
		Body struct {
			Notes string `json:"notes" maxLength:"2000" doc:"words about places and things, never about a person"`
			Again bool   `json:"again,omitempty" doc:"take the picture anew, as of now"`
		}
	}
)

func (s *Server) handoverOperations() {
	if s.o.Handovers == nil {
		return
	}
	huma.Register(s.huma, operation(http.MethodGet, "/v1/handovers", "list-handovers", "Shift handovers, newest first, without their pictures", auth.Read, http.StatusBadRequest), s.listHandovers)
	begin := operation(http.MethodPost, "/v1/handovers", "begin-handover", "Begin a shift handover: central takes a picture of what stands open in your grids", auth.Operate, http.StatusConflict)
	begin.MaxBodyBytes = maxHandoverBody
	huma.Register(s.huma, begin, s.beginHandover)
	huma.Register(s.huma, operation(http.MethodGet, "/v1/handovers/{id}", "get-handover", "One handover with its picture", auth.Read, http.StatusNotFound), s.oneHandover)
	steps := []int{http.StatusBadRequest, http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed}
	change := operation(http.MethodPut, "/v1/handovers/{id}", "change-handover", "Change the notes of a handover that is not signed, or take its picture anew", auth.Operate, steps...)
	change.MaxBodyBytes = maxHandoverBody
	huma.Register(s.huma, change, s.changeHandover)
	steps = append(steps, http.StatusPreconditionRequired)
	huma.Register(s.huma, operation(http.MethodPost, "/v1/handovers/{id}/sign", "sign-handover", "Sign a handover as who goes", auth.Operate, steps...), s.signHandover)
	huma.Register(s.huma, operation(http.MethodPost, "/v1/handovers/{id}/accept", "accept-handover", "Sign a handover as who comes: another account than the one that goes; nothing changes any more", auth.Operate, steps...), s.acceptHandover)
	huma.Register(s.huma, operation(http.MethodPost, "/v1/handovers/{id}/withdraw", "withdraw-handover", "Take a handover back before the second signature; who began it, or a supervisor", auth.Operate, steps[:4]...), s.withdrawHandover)
}

// deskOnly refuses whom the desk is not for: programs, and roles that do not sit there.
func deskOnly(p auth.Principal) error {
	if p.Role == auth.Operator || p.Role == auth.Supervisor {
		return nil
	}
	return huma.Error403Forbidden("a shift is handed over by operators and supervisors", &huma.ErrorDetail{
		Location: string(workflow.NotAllowed), Message: "只有值守员和督办人员可以交接班",
	})
}

func (s *Server) listHandovers(ctx context.Context, in *handoversInput) (*handoversOutput, error) {
	heads, docs, err := s.handoversBefore(ctx, in.Cursor)
	if err != nil {
		return nil, s.failure(ctx, "list the handovers", err)
	}
	out := &handoversOutput{Body: HandoverPage{Items: []shift.Head{}}}
	for i, h := range heads {
		if h.Within(gridsOf(ctx)) && (in.State == "" || in.State == string(h.State) || in.State == "open" && h.State.Open()) {
			out.Body.Items = append(out.Body.Items, h)
		}
		more := i+1 < len(heads) || len(docs) == handoversLooked
		if more && (len(out.Body.Items) == in.Limit || i+1 == len(heads)) {
			out.Body.Next = docs[i].ID
			break
		}
	}
	return out, nil
}

// handoversBefore reads the heads of the handovers that were begun before one ("": the newest).
func (s *Server) handoversBefore(ctx context.Context, before string) ([]shift.Head, []store.Document, error) {
	docs, err := s.o.Handovers.DocumentsBefore(ctx, shift.Kind, before, handoversLooked)
	if err != nil {
		return nil, nil, err
	}
	heads := make([]shift.Head, len(docs))
	for i, d := range docs {
		if err := json.Unmarshal(d.Body, &heads[i]); err != nil {
			return nil, nil, fmt.Errorf("decode handover %s: %w", d.ID, err)
		}
	}
	return heads, docs, nil
}

func (s *Server) beginHandover(ctx context.Context, in *beginInput) (*handoverOutput, error) {
	p, _ := auth.From(ctx)
	if err := deskOnly(p); err != nil {
		return nil, err
	}
	now := s.o.Now().UTC()
	h := shift.Handover{Head: shift.Head{
		ID: alert.NewID(), State: shift.Draft, Grids: append([]string{}, p.Grids...), From: in.Body.From.UTC(), Until: in.Body.Until.UTC(), Outgoing: p.Actor(),
	}}
	if h.From.IsZero() {
		h.From = now.Add(-defaultShift)
	}
	if h.Until.IsZero() {
		h.Until = now.Add(defaultShift)
	}
	var err error
	if h.Notes, err = shift.Notes(in.Body.Notes); err == nil {
		err = shift.Period(h.From, now, h.Until)
	}
	if err == nil {
		err = s.roomForHandover(ctx, p.Actor(), now)
	}
	if err == nil {
		h.Picture, err = s.pictureOf(ctx, h, now)
	}
	if err != nil {
		return nil, s.handoverProblem(ctx, err)
	}
	noteOf(ctx).target = h.ID
	return s.putHandover(ctx, h, 0)
}

var errRoom = errors.New("you have a handover that is still open, or too many were begun today: sign or withdraw it first")

// roomForHandover lets go of those that were kept long enough, and refuses an account's second open one.
func (s *Server) roomForHandover(ctx context.Context, actor string, now time.Time) error {
	old, err := s.o.Handovers.DocumentsBefore(ctx, shift.Kind, firstID(now.Add(-shift.Keep)), forgottenAtOnce)
	if err != nil {
		return err
	}
	if ids := idsOf(old); len(ids) > 0 {
		if err := s.o.Handovers.ForgetDocuments(ctx, shift.Kind, ids); err != nil {
			return err
		}
	}
	heads, _, err := s.handoversBefore(ctx, "")
	if err != nil {
		return err
	}
	today := 0
	for _, h := range heads {
		if h.Outgoing == actor && h.State.Open() {
			return errRoom
		}
		if h.ID >= firstID(now.AddDate(0, 0, -1)) {
			today++
		}
	}
	if today >= handoversADay {
		return errRoom
	}
	return nil
}

// firstID sorts before all ids (UUIDv7, RFC 9562, section 5.7) that are minted from t on.
func firstID(t time.Time) string {
	ms := fmt.Sprintf("%012x", max(0, t.UnixMilli()))
	return ms[:8] + "-" + ms[8:] + "-0000-0000-000000000000"
}

func idsOf(docs []store.Document) (ids []string) {
	for _, d := range docs {
		ids = append(ids, d.ID)
	}
	return ids
}

// handover finds one that whoever asks may see.
func (s *Server) handover(ctx context.Context, id string) (h shift.Handover, version int64, err error) {
	d, err := s.o.Handovers.Document(ctx, shift.Kind, id)
	if err == nil {
		err = json.Unmarshal(d.Body, &h)
	}
	if err == nil && !h.Within(gridsOf(ctx)) {
		err = errOutside
	}
	if err != nil {
		return shift.Handover{}, 0, s.failure(ctx, "read the handover", err)
	}
	return h, d.Version, nil
}

func (s *Server) oneHandover(ctx context.Context, in *HandoverInput) (*handoverOutput, error) {
	h, version, err := s.handover(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return handoverOf(h, version), nil
}

// turn finds a handover, judges who asks and what they saw, lets do change it, and stores it.
func (s *Server) turn(ctx context.Context, in *HandoverInput, do func(h shift.Handover, p auth.Principal) (shift.Handover, error)) (*handoverOutput, error) {
	h, version, err := s.handover(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	p, _ := auth.From(ctx)
	if err := deskOnly(p); err != nil {
		return nil, err
	}
	seen, err := parseIfMatch(in.IfMatch)
	switch {
	case err != nil:
		return nil, huma.Error400BadRequest(err.Error())
	case seen != 0 && seen != version:
		return nil, huma.Error412PreconditionFailed(handoverConflict)
	}
	if h, err = do(h, p); err != nil {
		return nil, s.handoverProblem(ctx, err)
	}
	return s.putHandover(ctx, h, version)
}

func (s *Server) changeHandover(ctx context.Context, in *changeHandoverInput) (*handoverOutput, error) {
	return s.turn(ctx, &in.HandoverInput, func(h shift.Handover, p auth.Principal) (shift.Handover, error) {
		changed, err := h.Change(p.Actor(), in.Body.Notes, nil)
		if err == nil && in.Body.Again {
			changed.Picture, err = s.pictureOf(ctx, changed, s.o.Now().UTC())
		}
		return changed, err
	})
}

var errUnseen = errors.New("a signature is of what was seen: send the ETag of the handover as If-Match")

func (s *Server) signHandover(ctx context.Context, in *HandoverInput) (*handoverOutput, error) {
	return s.turn(ctx, in, func(h shift.Handover, p auth.Principal) (shift.Handover, error) {
		if in.IfMatch == "" || in.IfMatch == "*" {
			return h, errUnseen
		}
		return h.Sign(p.Actor(), s.o.Now().UTC())
	})
}

func (s *Server) acceptHandover(ctx context.Context, in *HandoverInput) (*handoverOutput, error) {
	return s.turn(ctx, in, func(h shift.Handover, p auth.Principal) (shift.Handover, error) {
		if in.IfMatch == "" || in.IfMatch == "*" {
			return h, errUnseen
		}
		return h.Accept(p.Actor(), s.o.Now().UTC())
	})
}

func (s *Server) withdrawHandover(ctx context.Context, in *HandoverInput) (*handoverOutput, error) {
	return s.turn(ctx, in, func(h shift.Handover, p auth.Principal) (shift.Handover, error) {
		return h.Withdraw(p.Actor(), p.Role == auth.Supervisor, s.o.Now().UTC())
	})
}

// putHandover stores the version after one.
func (s *Server) putHandover(ctx context.Context, h shift.Handover, version int64) (*handoverOutput, error) {
	p, _ := auth.From(ctx)
	body, err := json.Marshal(h)
	if err != nil {
		return nil, s.failure(ctx, "encode the handover", err)
	}
	d := store.Document{Kind: shift.Kind, ID: h.ID, Version: version + 1, Body: body, At: s.o.Now().UTC(), Actor: p.Actor()}
	switch err := s.o.Handovers.PutDocuments(ctx, []store.Document{d}); {
	case errors.Is(err, store.ErrConflict):
		return nil, huma.Error412PreconditionFailed(handoverConflict)
	case err != nil:
		return nil, s.failure(ctx, "store the handover", err)
	}
	return handoverOf(h, d.Version), nil
}

// handoverProblem turns what may not be into a problem.
func (s *Server) handoverProblem(ctx context.Context, err error) error {
	for _, conflict := range []error{shift.ErrState, shift.ErrOther, shift.ErrSame, shift.ErrEdits, errRoom} {
		if errors.Is(err, conflict) {
			return huma.Error409Conflict(err.Error())
		}
	}
	switch {
	case errors.Is(err, errUnseen):
		return huma.NewError(http.StatusPreconditionRequired, err.Error())
	case errors.Is(err, shift.ErrNotes), errors.Is(err, shift.ErrPeriod):
		return huma.Error422UnprocessableEntity(err.Error())
	}
	return s.failure(ctx, "hand over the shift", err)
}
