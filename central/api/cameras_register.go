package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/auth"
	"gridgate/central/register"
	"gridgate/central/store"
)

// Cameras is the register of cameras, see [register.Register].
type Cameras interface {
	Page(ctx context.Context, before string, limit int) ([]register.Sheet, error)
	Sheet(ctx context.Context, edge string) (register.Sheet, error)
	History(ctx context.Context, edge, camera string) ([]register.CameraVersion, error)
	Filing
	Mark(ctx context.Context, actor, note string) (edges, cameras int, err error)
}

// RegisteredCamera is a camera of the register.
type RegisteredCamera struct {
	Edge string `json:"edge"`
	register.Camera
	State register.State `json:"state" enum:"registered,untold,refused" doc:"of a refused camera central takes no picture; its alerts are taken"`
	Why   []string       `json:"why,omitempty" nullable:"false" doc:"of a refused one"`
}

func registered(edge string, c register.Camera) RegisteredCamera {
	out := RegisteredCamera{Edge: edge, Camera: c}
	out.State, out.Why = c.Judge()
	return out
}

// CameraPage is a part of the register: some edges with all their cameras.
type CameraPage struct {
	Items []RegisteredCamera `json:"items" nullable:"false"`
	Next  string             `json:"next,omitempty" doc:"cursor of the next page"`
}

// CameraFile is a camera and how it changed.
type CameraFile struct {
	RegisteredCamera
	History []register.CameraVersion `json:"history" nullable:"false" doc:"newest first"`
}

type (
	camerasInput struct {
		State  register.State `query:"state" enum:"registered,untold,refused"`
		Cursor string         `query:"cursor" pattern:"^[a-z0-9][a-z0-9._-]{0,63}$"`
	}
	camerasOutput    struct{ Body CameraPage }
	cameraFileInput  struct{ CameraPath }
	cameraFileOutput struct{ Body CameraFile }
)

// edgesOfPage is how many edges one page of the register holds: each has at most some hundred cameras.
const edgesOfPage = 20

func (s *Server) registerOperations() {
	if s.o.Cameras == nil {
		return
	}
	huma.Register(s.huma, operation(http.MethodGet, "/v1/cameras", "list-cameras", "The register of cameras: unit, purpose, basis and place of each, by edge from the last name to the first", auth.Read), s.listCameras)
	huma.Register(s.huma, operation(http.MethodGet, "/v1/edges/{edge}/cameras/{camera}/register", "get-camera", "A camera of the register, and how it changed", auth.Read, http.StatusNotFound), s.cameraFile)
}

func (s *Server) listCameras(ctx context.Context, in *camerasInput) (*camerasOutput, error) {
	sheets, err := s.o.Cameras.Page(ctx, in.Cursor, edgesOfPage)
	if err != nil {
		return nil, s.failure(ctx, "read the register", err)
	}
	p, _ := auth.From(ctx)
	out := &camerasOutput{Body: CameraPage{Items: []RegisteredCamera{}}}
	for _, sheet := range sheets {
		for _, c := range sheet.Cameras {
			if one := registered(sheet.Edge, c); p.Sees(c.Grid) && (in.State == "" || in.State == one.State) {
				out.Body.Items = append(out.Body.Items, one)
			}
		}
	}
	if len(sheets) == edgesOfPage {
		out.Body.Next = sheets[len(sheets)-1].Edge
	}
	return out, nil
}

func (s *Server) cameraFile(ctx context.Context, in *cameraFileInput) (*cameraFileOutput, error) {
	sheet, err := s.o.Cameras.Sheet(ctx, in.Edge)
	if err != nil {
		return nil, s.failure(ctx, "read the register", err)
	}
	for _, c := range sheet.Cameras {
		if c.ID != in.Camera || sees(ctx, c.Grid) != nil {
			continue
		}
		history, err := s.o.Cameras.History(ctx, in.Edge, in.Camera)
		if err != nil {
			return nil, s.failure(ctx, "read the history of the camera", err)
		}
		return &cameraFileOutput{Body: CameraFile{RegisteredCamera: registered(sheet.Edge, c), History: history}}, nil
	}
	return nil, s.failure(ctx, "read the register", store.ErrNotFound)
}
