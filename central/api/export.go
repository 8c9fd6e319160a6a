package api

import (
	"context"
	"encoding/csv"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/auth"
	"gridgate/central/cases"
)

// maxExport is how many cases one export holds; the last line then says that there are more.
const maxExport = 50_000

type (
	exportInput struct {
		CaseFilter
	}
	exportOutput struct {
		ContentType string `header:"Content-Type"`
		Disposition string `header:"Content-Disposition"`
		Body        func(huma.Context)
	}
)

func (s *Server) exportOperations() {
	op := watched(operation(http.MethodGet, "/v1/cases.csv", "export-cases", "The cases of a list as CSV (RFC 4180, UTF-8 with a byte order mark), drills left out", auth.Read, http.StatusBadRequest))
	huma.Register(s.huma, op, s.exportCases)
}

var exportColumns = []string{
	"id", "opened_at", "state", "step", "class", "kind", "level", "severity", "grid", "source", "unit", "workflow", "alerts", "due_at",
	"last_at", "closed_at", "reason", "extended", "sent_back", "reworked", "supervised", "rating", "origin", "parent", "previous",
}

func exportRow(c cases.Case) []string {
	return []string{
		c.ID, csvTime(c.OpenedAt), string(c.State), c.Step, c.Class, string(c.Kind), string(c.Level), string(c.Severity), c.Grid, c.Source, c.Unit, c.Workflow,
		strconv.FormatInt(c.Alerts, 10), csvTime(c.DueAt()), csvTime(c.LastAt), csvTime(c.ClosedAt), string(c.Reason), strconv.Itoa(c.Extended),
		strconv.Itoa(c.SentBack), strconv.Itoa(c.Reworked), strconv.Itoa(c.Supervised), strconv.Itoa(c.Rating), string(c.Origin), c.Parent, c.Previous,
	}
}

func csvTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// exportCases streams pages of the list. An error in the midst of it cuts the answer off, so that nobody takes a part for the whole.
func (s *Server) exportCases(ctx context.Context, in *exportInput) (*exportOutput, error) {
	q := in.query()
	q.Limit = 500
	p, _ := auth.From(ctx)
	return &exportOutput{
		ContentType: "text/csv; charset=utf-8", Disposition: `attachment; filename="cases.csv"`,
		Body: func(out huma.Context) {
			ctx, cancel := context.WithTimeout(auth.With(out.Context(), p), exportWithin)
			defer cancel()
			w := out.BodyWriter()
			_, _ = io.WriteString(w, "\ufeff") // spreadsheets take it for a local encoding without
			lines := csv.NewWriter(w)
			_ = lines.Write(exportColumns)
			for written := 0; written < maxExport; {
				page, next, err := s.o.Store.Cases(ctx, q)
				if err != nil {
					s.o.Logger.Error("request failed", "doing", "export cases", "error", err)
					panic(http.ErrAbortHandler)
				}
				for _, c := range page {
					if !c.Exercise {
						_ = lines.Write(safe(exportRow(c)))
						written++
					}
				}
				lines.Flush()
				if q.Cursor = next; next == "" || lines.Error() != nil {
					return
				}
			}
			_ = lines.Write([]string{"# there are more: ask for a shorter time"})
			lines.Flush()
		},
	}, nil
}

// exportWithin bounds an export.
const exportWithin = 2 * time.Minute

// safe keeps a spreadsheet from taking a text for a formula.
func safe(row []string) []string {
	for i, cell := range row {
		if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
			row[i] = "'" + cell
		}
	}
	return row
}
