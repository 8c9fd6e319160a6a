package rig

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"

	"gridgate/deploy/testkit/mosquitto"
)

// external is a Mosquitto, and the tap between it and the edge.
type external struct {
	broker *mosquitto.Server
	tap    *tap
	life   atomic.Int64 // grows when the broker is killed, and forgets
}

func startExternal(dir string) (*external, error) {
	dir = filepath.Join(dir, "mosquitto")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the broker's folder: %w", err)
	}
	broker, err := mosquitto.Open(dir, "", "")
	if err != nil {
		return nil, err
	}
	tap, err := startTap(broker.Addr)
	if err != nil {
		return nil, err
	}
	if err := broker.Start(); err != nil {
		return nil, errors.Join(err, tap.close())
	}
	return &external{broker: broker, tap: tap}, nil
}

func (e *external) kill() {
	e.broker.Kill()
	e.life.Add(1)
}

func (e *external) close() error {
	e.broker.Kill()
	return e.tap.close()
}
