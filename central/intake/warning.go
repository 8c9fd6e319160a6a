package intake

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"gridgate/central/cases"
	"gridgate/protocols/alert"
	"gridgate/protocols/cap"
)

// ClassList is the name under which a sender's eventCode names one of our event classes (CAP 1.2, section 3.2.2, eventCode).
const ClassList = "gridgate"

// MaxWarned is how many grids one warning may open cases in.
const MaxWarned = 500

// Lands says which grids an area touches, by their codes: the smallest ones.
type Lands interface {
	Touching(a cap.Area, at time.Time) []string
}

// Warned is what a warning leads to.
type Warned struct {
	Reports []Report // cases to open, one for each grid and class
	Over    []string // keys of the warning that it replaces or ends, without their grids
	Why     cases.Words
}

// Warn says what a public warning leads to: a case for each grid that it touches. Tests, acknowledgements, and what is past or expired
// lead to nothing. classes gives the event class of a category whose sender names none of ours.
func Warn(m cap.Message, lands Lands, c Catalogue, classes map[cap.Category]string, now time.Time) (Warned, error) {
	var w Warned
	if m.Status != cap.Actual && m.Status != cap.Exercise || m.Type == cap.Ack || m.Type == cap.Error {
		return w, nil
	}
	w.Why = cases.Words{ZH: "公共预警已更新或解除", EN: "the public warning was replaced or cancelled"}
	for _, r := range m.References {
		w.Over = append(w.Over, WarningKey(r.Sender, r.Identifier))
	}
	if m.Type == cap.Cancel {
		return w, nil
	}
	for _, info := range m.Infos {
		if info.Urgency == "Past" || !info.Expires.IsZero() && !info.Expires.After(now) {
			continue
		}
		class := classOf(info, c, classes)
		for _, code := range touched(info, lands, now) {
			w.take(report(m, info, class, code, now))
		}
		if len(w.Reports) > MaxWarned {
			return Warned{}, fmt.Errorf("%w: the warning touches more than %d grids", ErrReport, MaxWarned)
		}
	}
	return w, nil
}

// take adds a report unless another info of the message leads to the same case; the graver severity stays.
func (w *Warned) take(r Report) {
	i := slices.IndexFunc(w.Reports, func(o Report) bool { return o.Key == r.Key })
	switch {
	case i < 0:
		w.Reports = append(w.Reports, r)
	case r.Severity.Rank() > w.Reports[i].Severity.Rank():
		w.Reports[i].Severity = r.Severity
	}
}

func touched(info cap.Info, lands Lands, now time.Time) (codes []string) {
	for _, a := range info.Areas {
		for _, code := range lands.Touching(a, now) {
			if !slices.Contains(codes, code) {
				codes = append(codes, code)
			}
		}
	}
	return codes
}

func report(m cap.Message, info cap.Info, class, grid string, now time.Time) Report {
	key := WarningKey(m.Sender, m.Identifier) + "/" + class + "/" + grid
	return Report{
		ID: alert.ForeignID("warning", key), Key: key, Origin: cases.ByWarning, Class: class, Grid: grid,
		Severity: severityOf(info.Severity), Exercise: m.Status == cap.Exercise, At: now,
	}
}

// WarningKey is what the keys of all cases of a warning begin with. It is a hash: what a sender writes is nobody's business.
func WarningKey(sender, identifier string) string {
	sum := sha256.Sum256([]byte(sender + "\x00" + identifier))
	return "warning/" + hex.EncodeToString(sum[:12])
}

func classOf(info cap.Info, c Catalogue, classes map[cap.Category]string) string {
	for _, code := range info.Codes {
		if _, known := c.Class(code.Value); code.List == ClassList && known {
			return code.Value
		}
	}
	for _, category := range info.Categories {
		if class := classes[category]; class != "" {
			return class
		}
	}
	return OtherClass
}

// OtherClass is the event class of what no other class is for.
const OtherClass = "0901"

func severityOf(s string) alert.Severity {
	switch s {
	case "Extreme":
		return alert.Critical
	case "Severe":
		return alert.Major
	case "Moderate":
		return alert.Minor
	}
	return alert.Info
}
