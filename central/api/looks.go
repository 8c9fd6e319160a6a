package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"gridgate/central/auth"
	"gridgate/central/orders"
	"gridgate/protocols/alert"
)

func (s *Server) openLook(ctx context.Context, in *openLookInput) (*lookOutput, error) {
	p, _ := auth.From(ctx)
	l, err := s.o.Orders.Open(ctx, p, orders.LookRequest{
		Edge: in.Edge, Camera: in.Camera, Reason: in.Body.Reason, Seconds: in.Body.Seconds, EveryMs: in.Body.EveryMs, Count: in.Body.Count, MaxSide: in.Body.MaxSide,
	})
	if err != nil {
		return nil, s.ordered(ctx, "open the look", 0, err)
	}
	noteOf(ctx).target = in.Edge + "," + in.Camera + "," + l.ID
	return &lookOutput{Body: lookView(l)}, nil
}

func (s *Server) listLooks(ctx context.Context, in *looksInput) (*lookList, error) {
	p, _ := auth.From(ctx)
	list, err := s.o.Orders.Looks(ctx, p, in.Edge)
	if err != nil {
		return nil, s.ordered(ctx, "list the looks", 0, err)
	}
	out := &lookList{Body: LookList{Items: make([]LookView, 0, len(list))}}
	for _, l := range list {
		out.Body.Items = append(out.Body.Items, lookView(l))
	}
	return out, nil
}

func (s *Server) oneLook(ctx context.Context, in *lookInput) (*lookOutput, error) {
	p, _ := auth.From(ctx)
	l, err := s.o.Orders.Look(ctx, p, in.Look)
	if err != nil {
		return nil, s.ordered(ctx, "read the look", 0, err)
	}
	return &lookOutput{Body: lookView(l)}, nil
}

func (s *Server) stopLook(ctx context.Context, in *lookInput) (*goneOutput, error) {
	p, _ := auth.From(ctx)
	if err := s.o.Orders.Stop(ctx, p, in.Look); err != nil {
		return nil, s.ordered(ctx, "end the look", 0, err)
	}
	return &goneOutput{}, nil
}

// watchLook answers with the newest picture, or that there is no other yet. It is not recorded picture by picture: the look itself is, with
// how many there were.
func (s *Server) watchLook(ctx context.Context, in *watchInput) (*watchOutput, error) {
	p, _ := auth.From(ctx)
	seen := strings.Trim(strings.TrimSpace(in.IfNoneMatch), `"`)
	picture, err := s.o.Orders.Watch(ctx, p, in.Look, seen, time.Duration(in.Wait)*time.Second)
	out := &watchOutput{Status: http.StatusOK, Body: picture.Data, ContentType: alert.JPEG}
	switch {
	case err != nil:
		return nil, s.ordered(ctx, "read the picture", 0, err)
	case picture.Tag == "":
		return &watchOutput{Status: http.StatusNoContent}, nil
	case picture.Data == nil:
		out.Status, out.ContentType = http.StatusNotModified, ""
	}
	out.ETag = `"` + picture.Tag + `"`
	return out, nil
}
