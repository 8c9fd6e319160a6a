package classes

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"gridgate/central/calendar"
	"gridgate/central/workflow"
	"gridgate/protocols/alert"
)

const header = "code,title_zh,kinds,level,workflow,unit_kind,limits\n"

func catalogue(t *testing.T, list []Class) *Catalogue {
	t.Helper()
	c, err := New(list, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestDefault holds the built-in catalogue against the kinds: each leads to the class that an edge gives it, whose conditions are in both languages.
func TestDefault(t *testing.T) {
	list, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	loop := func(id string) bool { _, err := workflow.Shipped(id); return err == nil }
	c, err := New(list, loop)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range alert.Kinds() {
		traits, _ := alert.TraitsOf(k)
		class, ok := c.Class(traits.Class)
		if !ok || c.OfKind(k) != traits.Class || len(class.Kinds) == 0 {
			t.Errorf("%s leads to %s, an edge says %s", k, c.OfKind(k), traits.Class)
		}
	}
	for _, one := range list {
		if one.Title.En == "" || !one.Main() && (one.Opening.Zh == "" || one.Opening.En == "" || one.Closing.Zh == "" || one.Closing.En == "" || len(one.Limits) < 3) {
			t.Errorf("%s is incomplete: %+v", one.Code, one)
		}
		for _, l := range one.Limits {
			if traits, _ := alert.TraitsOf(append(one.Kinds, "")[0]); traits.Lane == alert.LifeSafety && l.Span.Unit != calendar.Clock {
				t.Errorf("%s: life-safety counts by the clock, %s does not", one.Code, l.Name)
			}
		}
	}
}

func TestParseCSV(t *testing.T) {
	got, err := ParseCSV([]byte("\ufeff" + header + "01,消防,,,,,\n\n0101,烟雾,smoke heat,township,base,fire,reach dispatched>accepted 30m; handle dispatched>handled 4工作时 0.8\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []Class{{Code: "01", Title: Text{Zh: "消防"}}, {
		Code: "0101", Title: Text{Zh: "烟雾"}, Kinds: []alert.Kind{alert.Smoke, alert.Heat}, Level: "township", Workflow: "base", UnitKind: "fire",
		Limits: []workflow.Limit{
			{Name: "reach", From: workflow.Dispatched, To: workflow.Accepted, Span: calendar.ByClock(30 * time.Minute)},
			{Name: "handle", From: workflow.Dispatched, To: workflow.Handled, Span: calendar.Hours(4 * time.Hour), Yellow: 0.8},
		},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	c := catalogue(t, got)
	if c.OfKind(alert.Heat) != "0101" || c.OfKind(alert.SOS) != "0301" || len(c.Limits("0101")) != 2 || c.Limits("9999") != nil {
		t.Errorf("heat leads to %s, sos to %s", c.OfKind(alert.Heat), c.OfKind(alert.SOS))
	}
}

func TestPublishedTable(t *testing.T) {
	text := "类别代码,类别名称,立案条件,结案条件,时限\r\n02,市容环境,,,\r\n0201,暴露垃圾,\"路面有垃圾,未清扫\",清扫干净,handle dispatched>handled 2工作时；close opened>closed 1工作日\r\n"
	old, err := simplifiedchinese.GBK.NewEncoder().Bytes([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range [][]byte{[]byte(text), old} {
		list, err := ParseCSV(data)
		if err != nil {
			t.Fatal(err)
		}
		if c := list[1]; c.Opening.Zh != "路面有垃圾,未清扫" || len(c.Limits) != 2 || c.Limits[1].Span != calendar.WorkingDays(1) {
			t.Errorf("%+v", c)
		}
	}
}

func TestCSVErrors(t *testing.T) {
	for name, tt := range map[string]struct{ file, want string }{
		"empty":             {"", "row 1: there is no header row"},
		"no code":           {"title_zh\n消防\n", "row 1, column code: is missing"},
		"no title column":   {"code\n01\n", "row 1, column title_zh: is missing"},
		"unknown column":    {"code,title_zh,officer\n01,消防,x\n", `row 1, column "officer": is not known`},
		"doubled column":    {"code,title_zh,代码\n01,消防,01\n", "row 1, column code: stands twice"},
		"code":              {header + "1,消防,,,,,\n", "row 2, class 1, column code: is not two digits"},
		"no title":          {header + "01,,,,,,\n", "row 2, class 01, column title_zh: is missing"},
		"no main class":     {header + "0101,烟雾,,,,,\n", "row 2, class 0101, column code: its main class 01 is not there"},
		"twice":             {header + "01,消防,,,,,\n01,消防,,,,,\n", "row 3, class 01, column code: there are two"},
		"kind":              {header + "01,消防,,,,,\n0101,烟雾,smog,,,,\n", `row 3, class 0101, column kinds: there is no kind "smog"`},
		"kind twice":        {header + "01,消防,,,,,\n0101,烟雾,smoke,,,,\n0102,火,smoke,,,,\n", "row 4, class 0102, column kinds: smoke leads to class 0101"},
		"level":             {header + "01,消防,,,,,\n0101,烟雾,,city,,,\n", "row 3, class 0101, column level: is none of"},
		"workflow":          {header + "01,消防,,,,,\n0101,烟雾,,,no such,,\n", "row 3, class 0101, column workflow: there is no workflow"},
		"unit kind":         {header + "01,消防,,,,,\n0101,烟雾,,,,Fire Brigade,\n", "row 3, class 0101, column unit_kind: is not of the form"},
		"main with a limit": {header + "01,消防,,,,,a opened>closed 1h\n", "row 2, class 01, column code: a main class has titles only"},
		"limit form":        {header + "01,消防,,,,,\n0101,烟雾,,,,,handle w2d\n", `row 3, class 0101, column limits: "handle w2d": is not of the form`},
		"limit marks":       {header + "01,消防,,,,,\n0101,烟雾,,,,,a opened>flown w2d\n", "row 3, class 0101, column limits: a: starts and ends are among"},
		"limit same marks":  {header + "01,消防,,,,,\n0101,烟雾,,,,,a opened>opened w2d\n", "a: starts and ends at the same moment"},
		"limit no marks":    {header + "01,消防,,,,,\n0101,烟雾,,,,,a opened w2d\n", "does not say from what to what"},
		"limit span":        {header + "01,消防,,,,,\n0101,烟雾,,,,,a opened>closed soon\n", `row 3, class 0101, column limits: "a opened>closed soon": span "soon"`},
		"limit yellow":      {header + "01,消防,,,,,\n0101,烟雾,,,,,a opened>closed w2d 80%\n", "the yellow share"},
		"limit twice":       {header + "01,消防,,,,,\n0101,烟雾,,,,,a opened>closed w2d; a opened>handled w1d\n", "there are two of the name a"},
		"fields":            {header + "01,消防\n", "row 2, class 01: has 2 fields, the header has 7"},
		"quotes":            {header + "01,\"消防,,,,,\n", "line 2"},
		"encoding":          {"code,title_zh\n01,\xff\xff\n", "neither UTF-8 nor GB 18030"},
		"too large":         {header + strings.Repeat("x", MaxCSV), "bytes, more than"},
	} {
		list, err := ParseCSV([]byte(tt.file))
		if err == nil || !strings.Contains(err.Error(), tt.want) || list != nil {
			t.Errorf("%s: %d classes, %v\nwant %s", name, len(list), err, tt.want)
		}
	}
}

func TestAllErrorsAtOnce(t *testing.T) {
	_, err := ParseCSV([]byte(header + "01,,,,,,\n0201,烟雾,smog,,,,\n"))
	for _, want := range []string{"row 2, class 01, column title_zh", "row 3, class 0201, column kinds", "row 3, class 0201, column code: its main class"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nsays nothing of %s", err, want)
		}
	}
	var one *Problem
	if !errors.As(err, &one) || one.Row != 2 || one.Column != "title_zh" {
		t.Errorf("%+v", one)
	}
}

func TestUnknownWorkflow(t *testing.T) {
	list := []Class{{Code: "01", Title: Text{Zh: "消防"}}, {Code: "0101", Title: Text{Zh: "烟雾"}, Workflow: "ours"}}
	if _, err := New(list, func(id string) bool { return id == "base" }); err == nil || !strings.Contains(err.Error(), `no workflow "ours"`) {
		t.Errorf("%v", err)
	}
	if _, err := New(list, func(id string) bool { return id == "ours" }); err != nil {
		t.Error(err)
	}
}

// FuzzCSV holds that what is read is written and read again as it was.
func FuzzCSV(f *testing.F) {
	f.Add(defaultCSV)
	f.Add([]byte(header + "01,消防,,,,,\n0101,\"烟,雾\",smoke,grid,base,fire,a opened>closed w4h 0.5\n"))
	f.Add([]byte("类别代码,类别名称,时限\n02,环境,\n0201,垃圾,a dispatched>handled 2工作时\n"))
	f.Add([]byte("code,title_zh\n01,\xbb\xf0\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := ParseCSV(data)
		if err != nil {
			return
		}
		out, err := CSV(list)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseCSV(out)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if !reflect.DeepEqual(again, list) {
			t.Fatalf("%+v\n%+v", list, again)
		}
	})
}
