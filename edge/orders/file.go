package orders

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/go-json-experiment/json"

	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/durable"
)

// maxFile bounds the file, in bytes: what is written is judged, and this is more than all of it.
const maxFile = 2 * ingest.MaxOrders

// stored is the file.
type stored struct {
	At time.Time `json:"at"` // central's clock, as far as it was known, when it was written
	Held
}

// read reads the file; one that is not there holds nothing.
func read(file string) (s stored, err error) {
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil && info.Size() > maxFile {
		err = errors.New("it is too large")
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(file)
	}
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err != nil {
		return stored{}, fmt.Errorf("read the orders of central in %s: %w", file, err)
	}
	return s, nil
}

func (s stored) write(file string) error {
	data, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encode the orders of central: %w", err)
	}
	if err := durable.Write(file, data, 0o600); err != nil {
		return fmt.Errorf("keep the orders of central: %w", err)
	}
	return nil
}

// orders are what is stored, as if they had just been heard: the edge's file may be another one since.
func (s stored) orders() ingest.Orders {
	var o ingest.Orders
	for camera, a := range s.Arrangements {
		a.Camera = camera
		o.Cameras = append(o.Cameras, a)
	}
	o.Modes = s.Modes
	return o
}
