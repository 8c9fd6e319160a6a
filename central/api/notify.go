package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/auth"
	"gridgate/central/notify"
	"gridgate/central/setup/parts"
	"gridgate/central/store"
)

// Notices is what the API reads and changes of notices, see [store.Jobs].
type Notices interface {
	NoticesOf(ctx context.Context, caseID string) ([]store.Notice, error)
	SettleNotice(ctx context.Context, n store.Notice) error
}

// NotifySetup is who is told what, see [parts.Notify].
type NotifySetup interface {
	Get() *notify.Desk
	Put(ctx context.Context, body json.RawMessage, how parts.Change) error
}

// Notify is what the API needs to show and set up who is told what. All of it is demanded, or none: there are no such endpoints then.
type Notify struct {
	Notices  Notices
	Setup    NotifySetup
	Channels []string                                                 // of the configuration
	Try      func(ctx context.Context, channel, address string) error // sends a test message; its error may be shown
}

// Notice is one as it is shown.
type Notice struct {
	ID       string            `json:"id"`
	Position int64             `json:"position" doc:"of the event that it tells of"`
	Channel  string            `json:"channel"`
	To       string            `json:"to" doc:"the recipient of the set-up"`
	What     notify.What       `json:"what"`
	Step     int               `json:"step,omitzero" doc:"of the escalation chain"`
	Urgent   bool              `json:"urgent,omitempty"`
	At       time.Time         `json:"at" doc:"not before"`
	State    store.NoticeState `json:"state" enum:"waiting,sent,given-up,acknowledged,needless"`
	Attempts int               `json:"attempts,omitzero"`
	Trouble  string            `json:"trouble,omitempty"`
	Done     time.Time         `json:"done,omitzero"`
}

type (
	noticesOutput struct {
		Body struct {
			Items []Notice `json:"items" nullable:"false" doc:"oldest first, at most 500"`
		}
	}
	noticeInput struct {
		ID string `path:"id" maxLength:"100"`
	}
	noticeOutput  struct{ Body Notice }
	routingOutput struct {
		ETag string `header:"ETag"`
		Body notify.Setup
	}
	routingInput struct {
		VersionInput
		Body notify.Setup
	}
	tryInput struct {
		Body struct {
			Channel string `json:"channel" maxLength:"64"`
			Address string `json:"address,omitempty" maxLength:"256" doc:"for mail and sms"`
		}
	}
)

func (s *Server) notifyOperations() {
	if s.o.Notify == nil {
		return
	}
	huma.Register(s.huma, operation(http.MethodGet, "/v1/cases/{id}/notices", "list-notices", "Who was told what of a case, and how that ended", auth.Read, http.StatusNotFound), s.listNotices)
	huma.Register(s.huma, operation(http.MethodPost, "/v1/notices/{id}/acknowledge", "acknowledge-notice", "Answer a notice that was sent: its chain ends", auth.Operate, http.StatusNotFound, http.StatusConflict), s.acknowledgeNotice)
	huma.Register(s.huma, whole(operation(http.MethodGet, "/v1/notify", "get-notify", "Who is told what", auth.Configure)), s.getNotify)
	huma.Register(s.huma, changing(http.MethodPut, "/v1/notify", "put-notify", "Set up who is told what", notify.MaxBody), s.putNotify)
	huma.Register(s.huma, whole(operation(http.MethodPost, "/v1/notify/test", "test-notify", "Send a test message by a channel", auth.Administer, http.StatusNotFound, http.StatusBadGateway)), s.testNotify)
}

func noticeOf(n store.Notice) Notice {
	what, step := notify.TemplateOf(n.Template)
	return Notice{
		ID: n.ID, Position: n.Position, Channel: n.Channel, To: n.To, What: what, Step: step, Urgent: n.Urgent, At: n.At, State: n.State,
		Attempts: n.Attempts, Trouble: n.Trouble, Done: n.Done,
	}
}

func (s *Server) listNotices(ctx context.Context, in *CaseInput) (*noticesOutput, error) {
	if _, err := s.o.Store.Case(ctx, in.ID); err != nil { // also: may they see it
		return nil, s.failure(ctx, "read the case", err)
	}
	list, err := s.o.Notify.Notices.NoticesOf(ctx, in.ID)
	if err != nil {
		return nil, s.failure(ctx, "list the notices", err)
	}
	out := &noticesOutput{}
	out.Body.Items = make([]Notice, len(list))
	for i, n := range list {
		out.Body.Items[i] = noticeOf(n)
	}
	return out, nil
}

// acknowledgeNotice takes only what was sent: one that waits belongs to who sends it.
func (s *Server) acknowledgeNotice(ctx context.Context, in *noticeInput) (*noticeOutput, error) {
	n, err := s.notice(ctx, in.ID)
	if err != nil {
		return nil, s.failure(ctx, "read the notice", err)
	}
	switch n.State {
	case store.NoticeAcknowledged:
		return &noticeOutput{Body: noticeOf(n)}, nil
	case store.NoticeSent:
	default:
		return nil, huma.Error409Conflict("the notice is " + string(n.State) + ": only one that was sent can be acknowledged")
	}
	n.State, n.Done = store.NoticeAcknowledged, s.o.Now().UTC()
	if err := s.o.Notify.Notices.SettleNotice(ctx, n); err != nil {
		return nil, s.failure(ctx, "acknowledge the notice", err)
	}
	return &noticeOutput{Body: noticeOf(n)}, nil
}

// notice finds one of a case that whoever asks may see.
func (s *Server) notice(ctx context.Context, id string) (store.Notice, error) {
	caseID, ok := notify.CaseOf(id)
	if !ok {
		return store.Notice{}, store.ErrNotFound
	}
	if _, err := s.o.Store.Case(ctx, caseID); err != nil {
		return store.Notice{}, err
	}
	list, err := s.o.Notify.Notices.NoticesOf(ctx, caseID)
	for _, n := range list {
		if n.ID == id {
			return n, nil
		}
	}
	if err == nil {
		err = store.ErrNotFound
	}
	return store.Notice{}, err
}

func (s *Server) getNotify(ctx context.Context, _ *struct{}) (*routingOutput, error) {
	tag, err := s.etagOf(ctx, notify.Kind, notify.DocumentID)
	if err != nil {
		return nil, err
	}
	return &routingOutput{ETag: tag, Body: s.o.Notify.Setup.Get().Setup()}, nil
}

func (s *Server) putNotify(ctx context.Context, in *routingInput) (*goneOutput, error) {
	how, err := s.change(ctx, in.IfMatch)
	if err != nil {
		return nil, err
	}
	if _, err := notify.NewDesk(in.Body, s.o.Notify.Channels); err != nil {
		return nil, huma.Error422UnprocessableEntity("nothing was changed: who is told what has mistakes", details(err)...)
	}
	body, err := json.Marshal(in.Body)
	if err != nil {
		return nil, s.failure(ctx, "encode the set-up", err)
	}
	if err := s.o.Notify.Setup.Put(ctx, body, how); err != nil {
		return nil, s.unchanged(ctx, "set this up", how, err)
	}
	return &goneOutput{}, nil
}

func (s *Server) testNotify(ctx context.Context, in *tryInput) (*goneOutput, error) {
	if err := s.o.Notify.Try(ctx, in.Body.Channel, in.Body.Address); err != nil {
		return nil, huma.NewError(http.StatusBadGateway, err.Error())
	}
	return &goneOutput{}, nil
}
