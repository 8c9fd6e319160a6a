package classes

import (
	"bytes"
	_ "embed" // the default catalogue
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"gridgate/central/calendar"
	"gridgate/central/cases"
	"gridgate/central/workflow"
	"gridgate/protocols/alert"
)

// MaxCSV bounds a file, in bytes.
const MaxCSV = 4 << 20

//go:embed default.csv
var defaultCSV []byte

// Default is the catalogue that is built in.
func Default() ([]Class, error) { return ParseCSV(defaultCSV) }

// columns are those of a file, in the order in which they are written.
var columns = []string{"code", "title_zh", "title_en", "opening_zh", "opening_en", "closing_zh", "closing_en", "kinds", "level", "workflow", "unit_kind", "limits"}

// chinese are the column names of published tables that are understood, too.
var chinese = map[string]string{
	"代码": "code", "类别代码": "code", "事件代码": "code", "名称": "title_zh", "类别名称": "title_zh", "英文名称": "title_en",
	"立案条件": "opening_zh", "结案条件": "closing_zh", "预警类型": "kinds", "级别": "level", "流程": "workflow",
	"责任单位类型": "unit_kind", "时限": "limits",
}

// ParseCSV reads a catalogue: a header row, then one row for each class. Columns are code, title_zh, title_en, opening_zh, opening_en, closing_zh,
// closing_en, kinds (separated by spaces), level, workflow, unit_kind and limits, in any order; code and title_zh are demanded, and the names of
// published tables (代码, 名称, 立案条件, 结案条件, 时限, ...) are understood. Limits are separated by ";", each
// "name from>to span" or "name from>to span yellow": "handle dispatched>handled w2d 0.8"; spans are those of [calendar.ParseSpan].
// A file that is not UTF-8 is read as GB 18030. The error joins one [Problem] for each thing that is wrong.
func ParseCSV(data []byte) ([]Class, error) {
	text, err := decode(data)
	if err != nil {
		return nil, err
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord = -1
	header, err := r.Read()
	if err != nil {
		return nil, &Problem{Row: 1, Why: "there is no header row: " + err.Error()}
	}
	at, err := readHeader(header)
	if err != nil {
		return nil, err
	}
	var wrong problems
	var list []Class
	var rows []int
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			wrong.add(0, "", "", "%v", err) // tells the line
			return nil, wrong.err()
		}
		row, _ := r.FieldPos(0)
		if blank(record) {
			continue
		}
		if len(list) >= MaxClasses {
			wrong.add(row, "", "", "more than %d classes", MaxClasses)
			return nil, wrong.err()
		}
		list, rows = append(list, readRow(row, record, len(header), at, &wrong)), append(rows, row)
	}
	if err := wrong.err(); err != nil {
		return nil, err
	}
	if _, err := build(list, rows, nil); err != nil {
		return nil, err
	}
	return list, nil
}

// decode returns the text in UTF-8, without a byte-order mark.
func decode(data []byte) ([]byte, error) {
	if len(data) > MaxCSV {
		return nil, fmt.Errorf("the file has %d bytes, more than %d", len(data), MaxCSV)
	}
	if !utf8.Valid(data) {
		text, err := simplifiedchinese.GB18030.NewDecoder().Bytes(data)
		if err != nil || bytes.ContainsRune(text, utf8.RuneError) {
			return nil, errors.New("the file is neither UTF-8 nor GB 18030")
		}
		data = text
	}
	return bytes.TrimPrefix(data, []byte("\ufeff")), nil
}

// readHeader says at which place of a row each column stands.
func readHeader(header []string) (map[string]int, error) {
	var wrong problems
	at := make(map[string]int, len(header))
	for i, name := range header {
		name = strings.ToLower(strings.TrimSpace(name))
		if known, ok := chinese[name]; ok {
			name = known
		}
		if _, doubled := at[name]; doubled {
			wrong.add(1, "", name, "stands twice")
		}
		at[name] = i
	}
	known := map[string]bool{}
	for _, c := range columns {
		known[c] = true
	}
	for _, name := range header {
		name = strings.ToLower(strings.TrimSpace(name))
		if !known[name] && chinese[name] == "" {
			wrong.add(1, "", fmt.Sprintf("%.40q", name), "is not known; columns are %s", strings.Join(columns, ", "))
		}
	}
	for _, demanded := range columns[:2] {
		if _, ok := at[demanded]; !ok {
			wrong.add(1, "", demanded, "is missing")
		}
	}
	return at, wrong.err()
}

func blank(record []string) bool {
	for _, field := range record {
		if strings.TrimSpace(field) != "" {
			return false
		}
	}
	return true
}

func readRow(row int, record []string, width int, at map[string]int, wrong *problems) Class {
	get := func(column string) string {
		if i, ok := at[column]; ok && i < len(record) {
			return strings.TrimSpace(record[i])
		}
		return ""
	}
	c := Class{
		Code: get("code"), Title: Text{Zh: get("title_zh"), En: get("title_en")},
		Opening: Text{Zh: get("opening_zh"), En: get("opening_en")}, Closing: Text{Zh: get("closing_zh"), En: get("closing_en")},
		Level: cases.Level(get("level")), Workflow: get("workflow"), UnitKind: get("unit_kind"),
	}
	if len(record) != width {
		wrong.add(row, c.Code, "", "has %d fields, the header has %d", len(record), width)
	}
	for _, k := range strings.Fields(get("kinds")) {
		c.Kinds = append(c.Kinds, alert.Kind(k))
	}
	for _, text := range strings.FieldsFunc(get("limits"), func(r rune) bool { return r == ';' || r == '；' }) {
		if strings.TrimSpace(text) == "" {
			continue
		}
		l, err := parseLimit(text)
		if err != nil {
			wrong.add(row, c.Code, "limits", "%.80q: %v", strings.TrimSpace(text), err)
			continue
		}
		c.Limits = append(c.Limits, l)
	}
	return c
}

// parseLimit reads "name from>to span" and "name from>to span yellow".
func parseLimit(text string) (l workflow.Limit, err error) {
	part := strings.Fields(text)
	if len(part) != 3 && len(part) != 4 {
		return l, errors.New(`is not of the form "handle dispatched>handled w2d 0.8"`)
	}
	from, to, ok := strings.Cut(part[1], ">")
	if !ok {
		return l, fmt.Errorf("%q does not say from what to what (dispatched>handled)", part[1])
	}
	l = workflow.Limit{Name: part[0], From: workflow.Mark(from), To: workflow.Mark(to)}
	if l.Span, err = calendar.ParseSpan(part[2]); err != nil {
		return l, err
	}
	if len(part) == 4 {
		if l.Yellow, err = strconv.ParseFloat(part[3], 64); err != nil || !(l.Yellow > 0 && l.Yellow <= 1) {
			return l, fmt.Errorf("the yellow share %q is not a number above 0 and up to 1", part[3])
		}
	}
	return l, nil
}

// CSV writes classes as [ParseCSV] reads them, in UTF-8 without a byte-order mark.
func CSV(list []Class) ([]byte, error) {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	rows := [][]string{columns}
	for _, c := range list {
		var kinds, limits []string
		for _, k := range c.Kinds {
			kinds = append(kinds, string(k))
		}
		for _, l := range c.Limits {
			text := fmt.Sprintf("%s %s>%s %s", l.Name, l.From, l.To, l.Span)
			if l.Yellow != 0 {
				text += " " + strconv.FormatFloat(l.Yellow, 'g', -1, 64)
			}
			limits = append(limits, text)
		}
		rows = append(rows, []string{
			c.Code, c.Title.Zh, c.Title.En, c.Opening.Zh, c.Opening.En, c.Closing.Zh, c.Closing.En,
			strings.Join(kinds, " "), string(c.Level), c.Workflow, c.UnitKind, strings.Join(limits, "; "),
		})
	}
	if err := w.WriteAll(rows); err != nil {
		return nil, fmt.Errorf("write classes: %w", err)
	}
	return out.Bytes(), nil
}
