package register

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// FilingLine is a camera as it is filed (art. 14: the unit, places, number and type of the devices, and how long is kept).
type FilingLine struct {
	Edge     string    `json:"edge"`
	Camera   string    `json:"camera"`
	Grid     string    `json:"grid"`
	Owner    string    `json:"owner"`
	Purpose  string    `json:"purpose"`
	Basis    string    `json:"basis"`
	Place    string    `json:"placeKind"`
	PlaceZh  string    `json:"placeKindZh"`
	Type     string    `json:"type" enum:"alerts,pictures,clips" doc:"what is kept of it: alerts alone, redacted pictures, or sealed clips, too"`
	Sign     bool      `json:"sign"`
	Masks    int       `json:"masks"`
	KeepDays int       `json:"keepDays" doc:"how long its pictures are kept; 0: as long as the case"`
	Since    time.Time `json:"since"`
	State    State     `json:"state" enum:"registered,untold,refused"`
	FiledAt  time.Time `json:"filedAt,omitzero" doc:"when it was filed last; nothing: never"`
}

// LineOf is the line of a camera of p.
func (r *Register) LineOf(p Part, c Camera) FilingLine {
	l := FilingLine{
		Edge: p.Sheet.Edge, Camera: c.ID, Grid: c.Grid, Owner: c.Owner, Purpose: c.Purpose, Basis: c.Basis, Place: string(c.Place), PlaceZh: c.Place.Chinese(),
		Type: "alerts", Sign: c.Sign, Masks: c.Masks, Since: c.Since, FiledAt: p.FiledAt,
	}
	for _, change := range p.Changes {
		if change.Camera == c.ID && change.Sort == "added" {
			l.FiledAt = time.Time{}
		}
	}
	if c.Pictures {
		l.Type = "pictures"
	}
	if c.Clips {
		l.Type = "clips"
	}
	if r.Keep != nil {
		l.KeepDays = int(r.Keep(p.Sheet.Edge, c) / (24 * time.Hour))
	}
	l.State, _ = c.Judge()
	return l
}

// ErrTooMany says that there are more lines than were allowed.
var ErrTooMany = errors.New("the register has too many cameras for one answer: use gridgate-central filing export")

// lines gives each camera to do, at most limit (0: all).
func (r *Register) lines(ctx context.Context, limit int, do func(FilingLine) error) error {
	n := 0
	return r.Each(ctx, func(p Part) error {
		for _, c := range p.Sheet.Cameras {
			if n++; limit > 0 && n > limit {
				return ErrTooMany
			}
			if err := do(r.LineOf(p, c)); err != nil {
				return err
			}
		}
		return nil
	})
}

// columns are those of the CSV, in Chinese with the names of the JSON.
var columns = []string{
	"盒子 edge", "摄像机 camera", "网格 grid", "责任单位 owner", "用途 purpose", "依据 basis", "场所 placeKind", "类型 type", "提示标识 sign", "遮挡区 masks",
	"保存天数 keepDays", "启用 since", "状态 state", "备案 filedAt",
}

// WriteCSV writes the register as CSV (RFC 4180, UTF-8 with a byte order mark, which spreadsheets want), at most limit lines (0: all).
func (r *Register) WriteCSV(ctx context.Context, w io.Writer, limit int) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	if err := out.Write(columns); err != nil {
		return err
	}
	err := r.lines(ctx, limit, func(l FilingLine) error {
		return out.Write(safe([]string{
			l.Edge, l.Camera, l.Grid, l.Owner, l.Purpose, l.Basis, strings.TrimSpace(l.PlaceZh + " " + l.Place), l.Type, yes(l.Sign), strconv.Itoa(l.Masks),
			strconv.Itoa(l.KeepDays), dated(l.Since), string(l.State), dated(l.FiledAt),
		}))
	})
	out.Flush()
	if err = errors.Join(err, out.Error()); err != nil {
		return fmt.Errorf("write the register: %w", err)
	}
	return nil
}

func yes(b bool) string {
	if b {
		return "是 yes"
	}
	return "否 no"
}

func dated(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

// safe keeps a spreadsheet from taking a text for a formula.
func safe(row []string) []string {
	for i, cell := range row {
		if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
			row[i] = "'" + cell
		}
	}
	return row
}

// Filing is what is filed: all cameras, and what changed since the last mark.
type Filing struct {
	At      time.Time      `json:"at"`
	Units   []CameraUnit   `json:"units" nullable:"false"`
	Cameras []FilingLine   `json:"cameras" nullable:"false"`
	Changes []FilingChange `json:"changes" nullable:"false" doc:"since what was filed last"`
}

// CameraUnit is how many cameras a unit has.
type CameraUnit struct {
	Owner   string `json:"owner"`
	Cameras int    `json:"cameras"`
}

// Filing returns what is filed; [ErrTooMany] if there are more than limit cameras (0: all).
func (r *Register) Filing(ctx context.Context, limit int) (Filing, error) {
	f := Filing{At: r.now().UTC(), Units: []CameraUnit{}, Cameras: []FilingLine{}, Changes: []FilingChange{}}
	place := map[string]int{}
	err := r.Each(ctx, func(p Part) error {
		f.Changes = append(f.Changes, p.Changes...)
		for _, c := range p.Sheet.Cameras {
			if limit > 0 && len(f.Cameras) >= limit {
				return ErrTooMany
			}
			f.Cameras = append(f.Cameras, r.LineOf(p, c))
			i, known := place[c.Owner]
			if !known {
				i = len(f.Units)
				place[c.Owner], f.Units = i, append(f.Units, CameraUnit{Owner: c.Owner})
			}
			f.Units[i].Cameras++
		}
		return nil
	})
	return f, err
}

// WriteJSON writes a [Filing].
func (r *Register) WriteJSON(ctx context.Context, w io.Writer) error {
	f, err := r.Filing(ctx, 0)
	if err != nil {
		return err
	}
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	return out.Encode(f)
}
