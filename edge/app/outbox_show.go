package app

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"gridgate/edge/outbox"
)

// outboxStatus is what `outbox status` tells.
type outboxStatus struct {
	Epoch       string         `json:"epoch"`
	Lanes       []laneStatus   `json:"lanes"`
	Readings    streamStatus   `json:"readings"`
	Evidence    streamStatus   `json:"evidence"`
	DeadLetters int64          `json:"deadLetters"`
	SetAside    int            `json:"setAside"` // damaged files that are kept
	Damage      *outbox.Damage `json:"damage,omitempty"`
}

// laneStatus is one lane of it.
type laneStatus struct {
	Lane      string `json:"lane"`
	Waiting   int64  `json:"waiting"`
	Bytes     int64  `json:"bytes"`
	Oldest    string `json:"oldest,omitzero"` // when the oldest that waits was written
	Lowest    int64  `json:"lowest"`          // sequence of the oldest that waits
	Next      int64  `json:"next"`            // sequence of the next
	Shed      int64  `json:"shed"`            // given up for want of room, in this epoch
	Held      int64  `json:"held"`            // of those that wait: need a newer schema than central accepts, as far as is known
	Coalesced int64  `json:"coalesced"`       // gave way to a later alert of the same key, in this epoch
	GivenUp   string `json:"givenUp,omitzero"`
}

// streamStatus is that of readings or of evidence.
type streamStatus struct {
	Waiting int64 `json:"waiting"`
	Bytes   int64 `json:"bytes"`
	Shed    int64 `json:"shed"`
}

func statusOf(s outbox.Stats) outboxStatus {
	out := outboxStatus{
		Epoch: s.Epoch, DeadLetters: s.DeadLetters, SetAside: s.SetAside, Damage: s.Damage,
		Readings: streamStatus{Waiting: s.Readings.Pending, Bytes: s.Readings.Bytes, Shed: s.Readings.Shed},
		Evidence: streamStatus{Waiting: s.Evidence.Pending, Bytes: s.Evidence.Bytes, Shed: s.Evidence.Shed},
	}
	for _, l := range s.Lanes {
		out.Lanes = append(out.Lanes, laneStatus{
			Lane: string(l.Lane), Waiting: l.Pending, Bytes: l.Bytes, Oldest: when(l.Oldest), Lowest: l.Lowest, Next: l.Next,
			Shed: l.Shed, Coalesced: l.Coalesced, GivenUp: l.ShedRanges.String(),
		})
	}
	return out
}

// when writes a time, nothing for none.
func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// print writes the status for a person.
func (s outboxStatus) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "STREAM\tWAITING\tHELD\tBYTES\tOLDEST\tNEXT\tSHED\tCOALESCED")
	for _, l := range s.Lanes {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%s\t%d\t%d\t%d\n", l.Lane, l.Waiting, l.Held, l.Bytes, l.Oldest, l.Next, l.Shed, l.Coalesced)
	}
	for i, st := range []streamStatus{s.Readings, s.Evidence} {
		fmt.Fprintf(w, "%s\t%d\t\t%d\t\t\t%d\t\n", []string{"readings", "evidence"}[i], st.Waiting, st.Bytes, st.Shed)
	}
	fmt.Fprintf(w, "\nepoch\t%s\ndead letters\t%d\nfiles set aside\t%d\n", s.Epoch, s.DeadLetters, s.SetAside)
	if d := s.Damage; d != nil {
		fmt.Fprintf(w, "last damage\t%s\t%s\n\t%s\n", when(d.At), d.File, d.Why)
		fmt.Fprintf(w, "saved of it\t%d alerts, %d readings, %d pictures and clips, %d dead letters\n", d.Saved.Alerts, d.Saved.Readings, d.Saved.Evidence, d.Saved.DeadLetters)
		for _, lost := range d.Lost {
			fmt.Fprintf(w, "not all of\t%s\n", lost)
		}
	}
	return w.Flush()
}

// printLetters lists dead letters for a person.
func printLetters(out io.Writer, letters []deadLetter) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SEQ\tREFUSED\tSTREAM\tID\tREASON")
	for _, d := range letters {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%q\n", d.Seq, d.At, d.Stream, d.ID, d.Reason)
	}
	return w.Flush()
}
