package api

import (
	"time"

	"gridgate/central/cases"
)

// TimeLeft is how much time a deadline has left, in seconds as they count for it.
type TimeLeft struct {
	Deadline string `json:"deadline"`
	Working  bool   `json:"working" doc:"working time; else by the clock"`
	Left     int64  `json:"left" doc:"seconds; negative since it passed"`
	Day      int64  `json:"day" doc:"seconds of a working day; 0 by the clock"`
	Running  bool   `json:"running" doc:"whether they pass at this moment: not outside working time"`
}

// left is the time that the deadlines of a case have left.
func (s *Server) left(c cases.Case) []TimeLeft {
	out := []TimeLeft{}
	if s.o.Loops == nil || c.State == cases.Closed {
		return out
	}
	for _, t := range s.o.Loops.Of(c).Left(c, s.o.Now()) {
		out = append(out, TimeLeft{
			Deadline: t.Name, Working: t.Working, Left: int64(t.Left / time.Second), Day: int64(t.Day / time.Second), Running: t.Running,
		})
	}
	return out
}
