package checkup

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var book = Catalogue{
	"full": {Wrong, Words{"%[1]s is full to %[2]d%%.", "%[1]s 已用 %[2]d%%。"}, Words{"Make room in %[1]s.", "请在 %[1]s 腾出空间。"}},
	"late": {Note, Words{"A note.", "一条提示。"}, Words{"Nothing.", "无需处理。"}},
}

func TestReport(t *testing.T) {
	checks := []Check{
		{ID: "disk", Title: Words{"disk", "磁盘"}, Run: func(_ context.Context, s *Sheet) { s.Find("full", errors.New("/data\nx"), 97) }},
		{ID: "clock", Title: Words{"clock", "时钟"}, Run: func(_ context.Context, s *Sheet) {}},
		{ID: "link", Title: Words{"link", "链路"}, Run: func(_ context.Context, s *Sheet) { s.Skip(Words{"none of %[1]d", "%[1]d 个都没有"}, 3) }},
		{ID: "odd", Title: Words{"odd", "异常"}, Run: func(_ context.Context, s *Sheet) { panic("lost") }},
	}
	for lang, want := range map[Lang][]string{
		English: {"WRONG  disk: /data x is full to 97%.\n    Do: Make room in /data x.", "Well: clock\n", "Not looked at: link (none of 3)", "the check itself broke (lost)"},
		Chinese: {"错误  磁盘：/data x 已用 97%。\n    处理：请在 /data x 腾出空间。", "正常：时钟\n", "未检查：链路（3 个都没有）", "检查程序本身出错（lost）"},
	} {
		r := Run(t.Context(), lang, book, checks)
		var out bytes.Buffer
		if err := r.Text(&out, lang); err != nil {
			t.Fatal(err)
		}
		for _, text := range want {
			if !strings.Contains(out.String(), text) {
				t.Errorf("%s: %q is not in\n%s", lang, text, out.String())
			}
		}
		if got := r.Codes(); r.Exit() != ExitWrong || !slices.Equal(got, []string{"full", "check-broken"}) {
			t.Errorf("exit %d, codes %v", r.Exit(), got)
		}
		out.Reset()
		var again Report
		if err := errors.Join(r.JSON(&out), json.Unmarshal(out.Bytes(), &again)); err != nil || again.Checks[0].Findings[0] != r.Checks[0].Findings[0] {
			t.Errorf("JSON: %v, %s", err, out.String())
		}
	}
}

func TestANoteAsksForNothing(t *testing.T) {
	r := Run(t.Context(), English, book, []Check{{ID: "n", Run: func(_ context.Context, s *Sheet) { s.Find("late") }}})
	if r.Exit() != ExitFine || len(r.Codes()) != 1 {
		t.Errorf("%+v", r)
	}
}

func TestALateCheckHoldsUpNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun, free, sheets := time.Now(), make(chan struct{}), make(chan *Sheet, 1)
		r := Run(t.Context(), English, book, []Check{
			{ID: "hangs", Within: time.Second, Run: func(_ context.Context, s *Sheet) { sheets <- s; <-free }},
			{ID: "ends", Within: time.Second, Run: func(ctx context.Context, s *Sheet) { <-ctx.Done() }},
		})
		if took := time.Since(begun); took != time.Second+grace || !slices.Equal(r.Codes(), []string{codeLate}) {
			t.Errorf("%s, %v", took, r.Codes())
		}
		(<-sheets).Find("full")
		close(free)
		if got := r.Codes(); len(got) != 1 {
			t.Errorf("told afterwards: %v", got)
		}
	})
}

func TestFindingsAreBounded(t *testing.T) {
	r := Run(t.Context(), English, book, []Check{{ID: "many", Title: Words{"many", "许多"}, Run: func(_ context.Context, s *Sheet) {
		for range maxFindings + 5 {
			s.Find("full", strings.Repeat("x", 10_000), 1)
		}
	}}})
	var out bytes.Buffer
	if err := r.Text(&out, English); err != nil || len(r.Codes()) != maxFindings || !strings.Contains(out.String(), "many: 5 more of these") || out.Len() > 20_000 {
		t.Errorf("%d findings, %d bytes, %v", len(r.Codes()), out.Len(), err)
	}
}

func TestLangOf(t *testing.T) {
	env := func(pairs ...string) func(string) string {
		return func(name string) string {
			if i := slices.Index(pairs, name); i >= 0 {
				return pairs[i+1]
			}
			return ""
		}
	}
	for i, tc := range []struct {
		asked string
		env   func(string) string
		want  Lang
	}{
		{"", env(), English}, {"zh", env("LANG", "en_US.UTF-8"), Chinese}, {"en", env("LANG", "zh_CN.UTF-8"), English},
		{"", env("LANG", "zh_CN.UTF-8"), Chinese}, {"", env("LANG", "zh_CN.UTF-8", "LC_ALL", "C"), English}, {"", env("LC_MESSAGES", "zh_CN"), Chinese},
	} {
		if got := LangOf(tc.asked, tc.env); got != tc.want {
			t.Errorf("%d: %s", i, got)
		}
	}
}

func TestFaults(t *testing.T) {
	if f := append(book.Faults(), own.Faults()...); len(f) > 0 {
		t.Error(f)
	}
	bad := Catalogue{"a": {"", Words{"%[1]s", "无"}, Words{"only", ""}}}
	if f := bad.Faults(); len(f) != 3 {
		t.Error(f)
	}
}
