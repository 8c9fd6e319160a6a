package ingest

import (
	"context"

	"gridgate/protocols/alert"
)

// refusedCamera is why evidence of a camera is not taken that the register refuses. Its alerts are: nothing acknowledged may be lost.
const refusedCamera = "the register of cameras refuses this camera, so that no picture of it is taken: see it in the register of central"

// refuses says whether e is of a camera that the register refuses. An object that is here already goes with the next round of retention: an
// upload names a digest alone, so that what it shows is known only now.
func (s *Server) refuses(ctx context.Context, e alert.Evidence) bool {
	if s.o.Refuses == nil {
		return false
	}
	edge, family, id, err := alert.ParseSource(e.Source)
	if err != nil || family != alert.Cameras || !s.o.Refuses(ctx, edge, id) {
		return false
	}
	if err := s.o.Store.NoteOrphan(ctx, e.SHA256); err != nil {
		s.o.Logger.Error("a picture of a refused camera stays stored", "edge", edge, "camera", id, "error", err)
	}
	return true
}
