package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/auth"
	"gridgate/central/unseal"
)

// Unsealing opens sealed clips by two people, see [unseal.Service].
type Unsealing interface {
	Ask(ctx context.Context, who auth.Principal, id, clip string, reason unseal.Reason, text string) (unseal.Request, error)
	Decide(ctx context.Context, who auth.Principal, id string, approve bool) (unseal.Request, error)
	List(ctx context.Context, who auth.Principal) ([]unseal.Request, error)
	Get(ctx context.Context, who auth.Principal, id string) (unseal.Request, error)
	Open(ctx context.Context, who auth.Principal, id string) (unseal.Clip, unseal.Request, error)
	State(r unseal.Request) unseal.State
	Offline() bool
}

// UnsealingView is a request and how far it is.
type UnsealingView struct {
	unseal.Request
	State   unseal.State `json:"state" enum:"asked,expired,approved,refused,closed"`
	Offline bool         `json:"offline" doc:"the key is not at central: the two get the clip sealed, and open it with age --decrypt -i KEY"`
}

// UnsealingList lists requests, the newest first.
type UnsealingList struct {
	Items []UnsealingView `json:"items" nullable:"false"`
}

// UnsealingPath names a request.
type UnsealingPath struct {
	Unsealing string `path:"unsealing" format:"uuid"`
}

type (
	askInput struct {
		ID   string `path:"id" format:"uuid" doc:"of the alert"`
		Body struct {
			Clip   string        `json:"clip" pattern:"^[0-9a-f]{64}$" doc:"SHA-256 of the sealed clip"`
			Reason unseal.Reason `json:"reason" enum:"case-evidence,authority,accident,complaint"`
			Text   string        `json:"text" minLength:"10" maxLength:"500" doc:"why, in words, without naming anyone"`
		}
	}
	unsealingInput  struct{ UnsealingPath }
	unsealingOutput struct{ Body UnsealingView }
	unsealingList   struct{ Body UnsealingList }
	clipOutput      struct {
		ContentType  string `header:"Content-Type"`
		CacheControl string `header:"Cache-Control"`
		Disposition  string `header:"Content-Disposition"`
		Body         []byte
	}
)

func (s *Server) unsealingOperations() {
	if s.o.Unsealing == nil {
		return
	}
	const one = "/v1/unsealings/{unsealing}"
	op := func(method, path, id, summary string, scope auth.Scope) huma.Operation {
		return operation(method, path, id, summary, scope, http.StatusNotFound, http.StatusConflict, http.StatusGone, http.StatusTooManyRequests)
	}
	ask := op(http.MethodPost, "/v1/alerts/{id}/unsealings", "ask-unsealing", "Ask to see a sealed clip of an alert, with a reason (operators and supervisors)", auth.Operate)
	ask.DefaultStatus = http.StatusCreated
	huma.Register(s.huma, ask, s.askUnsealing)
	huma.Register(s.huma, operation(http.MethodGet, "/v1/unsealings", "list-unsealings", "Who asked to see which sealed clip, why, and who approved: the last hundred", auth.Read), s.listUnsealings)
	huma.Register(s.huma, op(http.MethodGet, one, "get-unsealing", "A request to see a sealed clip", auth.Read), s.unsealing)
	huma.Register(s.huma, op(http.MethodPost, one+"/approve", "approve-unsealing", "Approve another's request within 24 hours (supervisors); the clip can then be seen for an hour by the two", auth.Operate), s.approveUnsealing)
	huma.Register(s.huma, op(http.MethodPost, one+"/refuse", "refuse-unsealing", "Refuse another's request (supervisors)", auth.Operate), s.refuseUnsealing)
	clip := watched(op(http.MethodGet, one+"/clip", "get-unsealed-clip", "The clip of an approved request, for the one who asked and the one who approved; each look is recorded", auth.Operate))
	clip.Responses = map[string]*huma.Response{"200": {Description: "The clip, or the sealed clip where the key is kept off line.", Content: map[string]*huma.MediaType{
		unseal.MP4: {Schema: &huma.Schema{Type: "string", Format: "binary"}}, "application/vnd.age+mp4": {Schema: &huma.Schema{Type: "string", Format: "binary"}},
	}}}
	huma.Register(s.huma, clip, s.unsealedClip)
}

// unsealed turns what package unseal says into a problem.
func (s *Server) unsealed(ctx context.Context, doing string, err error) error {
	var no *unseal.No
	if errors.As(err, &no) {
		return huma.NewError(map[unseal.Why]int{
			unseal.Invalid: http.StatusUnprocessableEntity, unseal.Forbidden: http.StatusForbidden, unseal.Conflict: http.StatusConflict,
			unseal.Over: http.StatusGone, unseal.Busy: http.StatusTooManyRequests,
		}[no.Why], no.Text)
	}
	return s.failure(ctx, doing, err)
}

func (s *Server) viewUnsealing(r unseal.Request) UnsealingView {
	return UnsealingView{Request: r, State: s.o.Unsealing.State(r), Offline: s.o.Unsealing.Offline()}
}

// noteUnsealing has the audit log say which request and clip, and why.
func noteUnsealing(ctx context.Context, r unseal.Request) {
	n := noteOf(ctx)
	n.target, n.reason = r.ID+","+r.Alert+","+r.Clip, string(r.Reason)
}

func (s *Server) askUnsealing(ctx context.Context, in *askInput) (*unsealingOutput, error) {
	p, _ := auth.From(ctx)
	r, err := s.o.Unsealing.Ask(ctx, p, in.ID, in.Body.Clip, in.Body.Reason, in.Body.Text)
	if err != nil {
		return nil, s.unsealed(ctx, "keep the request", err)
	}
	noteUnsealing(ctx, r)
	return &unsealingOutput{Body: s.viewUnsealing(r)}, nil
}

func (s *Server) listUnsealings(ctx context.Context, _ *struct{}) (*unsealingList, error) {
	p, _ := auth.From(ctx)
	list, err := s.o.Unsealing.List(ctx, p)
	if err != nil {
		return nil, s.unsealed(ctx, "list the requests", err)
	}
	out := &unsealingList{Body: UnsealingList{Items: make([]UnsealingView, 0, len(list))}}
	for _, r := range list {
		out.Body.Items = append(out.Body.Items, s.viewUnsealing(r))
	}
	return out, nil
}

func (s *Server) unsealing(ctx context.Context, in *unsealingInput) (*unsealingOutput, error) {
	p, _ := auth.From(ctx)
	r, err := s.o.Unsealing.Get(ctx, p, in.Unsealing)
	if err != nil {
		return nil, s.unsealed(ctx, "read the request", err)
	}
	return &unsealingOutput{Body: s.viewUnsealing(r)}, nil
}

func (s *Server) approveUnsealing(ctx context.Context, in *unsealingInput) (*unsealingOutput, error) {
	return s.decideUnsealing(ctx, in, true)
}

func (s *Server) refuseUnsealing(ctx context.Context, in *unsealingInput) (*unsealingOutput, error) {
	return s.decideUnsealing(ctx, in, false)
}

func (s *Server) decideUnsealing(ctx context.Context, in *unsealingInput, approve bool) (*unsealingOutput, error) {
	p, _ := auth.From(ctx)
	r, err := s.o.Unsealing.Decide(ctx, p, in.Unsealing, approve)
	if err != nil {
		return nil, s.unsealed(ctx, "keep the decision", err)
	}
	noteUnsealing(ctx, r)
	return &unsealingOutput{Body: s.viewUnsealing(r)}, nil
}

// unsealedClip answers with the clip once the entry of this look is on stable storage, see [Server.audited].
func (s *Server) unsealedClip(ctx context.Context, in *unsealingInput) (*clipOutput, error) {
	p, _ := auth.From(ctx)
	c, r, err := s.o.Unsealing.Open(ctx, p, in.Unsealing)
	if r.ID != "" {
		noteUnsealing(ctx, r)
	}
	if err != nil {
		return nil, s.unsealed(ctx, "open the clip", err)
	}
	out := &clipOutput{ContentType: c.MediaType, CacheControl: "private, no-store", Disposition: "inline", Body: c.Data}
	if c.MediaType != unseal.MP4 {
		out.Disposition = `attachment; filename="clip.age"`
	}
	return out, nil
}
