package alert

import (
	"errors"
	"time"
)

// Reading is a numeric sample for the time-series database. It is not an alert and travels apart.
// (Source, Quantity, At) identifies a point: sending it twice changes nothing.
type Reading struct {
	Source   string    `json:"source"`   // as [Alert.Source]
	Grid     string    `json:"grid"`     // grid code of the device's place
	Quantity string    `json:"quantity"` // lower-case name, for example "temperature"
	Value    float64   `json:"value"`
	Unit     string    `json:"unit"` // UCUM code
	At       time.Time `json:"at"`   // UTC
}

// Validate reports every rule that r breaks, joined.
func (r Reading) Validate() error {
	var errs []error
	if _, _, _, err := ParseSource(r.Source); err != nil {
		errs = append(errs, errors.New("source is not that of a camera or sensor"))
	}
	if !ValidGridCode(r.Grid) {
		errs = append(errs, errors.New("grid is not a code of 12, 15 or 20 digits"))
	}
	if err := (Measure{Quantity: r.Quantity, Value: r.Value, Unit: r.Unit}).validate(); err != nil {
		errs = append(errs, err)
	}
	if r.At.IsZero() {
		errs = append(errs, errors.New("at is demanded"))
	}
	if !writable(r.At) {
		errs = append(errs, errors.New("at is outside the years 1 to 9999"))
	}
	return errors.Join(errs...)
}
