package app

import (
	"context"

	"gridgate/edge/decode"
	"gridgate/edge/raise"
	"gridgate/protocols/alert"
)

// idleDecoder and idleRaiser stand where a camera is built but never runs.
type (
	idleDecoder struct{ decode.Decoder }
	idleRaiser  struct{}
)

func (idleRaiser) Raise(context.Context, string, []raise.Signal, []alert.Reading) ([]alert.Alert, error) {
	return nil, nil
}
