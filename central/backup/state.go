package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"gridgate/protocols/kit/durable"
)

// StateFile is the file in the data folder that tells of the last backup.
const StateFile = "backup.json"

// State tells of the last backup that succeeded.
type State struct {
	LastSuccess time.Time `json:"lastSuccess"` // when it was begun: what it shows is as old as that
	Name        string    `json:"name"`
	Bytes       int64     `json:"bytes"`
	Seconds     float64   `json:"seconds"`
}

// Note writes what central tells of the last backup.
func Note(data string, m Manifest) error {
	text, err := json.Marshal(State{LastSuccess: m.MadeAt, Name: m.Name, Bytes: m.Bytes(), Seconds: m.Seconds})
	if err != nil {
		return err
	}
	return durable.Write(filepath.Join(data, StateFile), append(text, '\n'), 0o640)
}

// Last reads it; the zero State if there was none.
func Last(data string) (s State, err error) {
	text, err := os.ReadFile(filepath.Join(data, StateFile))
	if errors.Is(err, os.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		return State{}, fmt.Errorf("read when the last backup was made: %w", err)
	}
	return s, nil
}
