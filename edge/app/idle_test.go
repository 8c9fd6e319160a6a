package app

import (
	"context"

	"gridgate/edge/decode"
	"gridgate/edge/detect"
	"gridgate/edge/raise"
	"gridgate/edge/source"
	"gridgate/protocols/alert"
)

// The idle parts stand where a camera is built but never runs.
type (
	idleSource  struct{ source.Source }
	idleDecoder struct{ decode.Decoder }
	idleHook    struct{ detect.Hook }
	idleRaiser  struct{}
)

func (idleRaiser) Raise(context.Context, string, []raise.Signal, []alert.Reading) ([]alert.Alert, error) {
	return nil, nil
}
