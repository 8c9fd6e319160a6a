package rules

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gridgate/central/cases"
	"gridgate/protocols/alert"
	"gridgate/protocols/kit/conf"
)

// one writes a file of one rule.
func one(sort Sort, fields string) string {
	return "rules:\n  - id: r\n    sort: " + string(sort) + "\n    name: {zh: 规则, en: a rule}\n    " + strings.ReplaceAll(strings.TrimSpace(fields), "; ", "\n    ") + "\n"
}

// timelines are histories with what must come of them, by name.
type timelines map[string]struct {
	rules string
	play  func(w *world)
}

func TestTimelines(t *testing.T) {
	for _, all := range []timelines{groups(), causes(), crowds()} {
		for name, test := range all {
			t.Run(name, func(t *testing.T) { test.play(newWorld(t, test.rules)) })
		}
	}
}

func groups() timelines {
	group := one(Group, "same: [grid, kind]; within: 10m")
	return timelines{
		"a group": {group, func(w *world) {
			w.open("c1", alert.Motion, gridA, "d1")
			w.after(time.Minute)
			w.open("c2", alert.Motion, gridA, "d2")
			w.open("c3", alert.Motion, gridB, "d3")
			w.open("c4", alert.Presence, gridA, "d4")
			w.open("c5", alert.Motion, gridA, "d5", exercise)
			w.after(9 * time.Minute)
			w.open("c6", alert.Motion, gridA, "d6")
			w.after(time.Second)
			w.open("c7", alert.Motion, gridA, "d7")
			w.parents("c2", "c1", "c6", "c1")
		}},
		"a closed first": {group, func(w *world) {
			w.open("c1", alert.Motion, gridA, "d1")
			w.close("c1")
			w.open("c2", alert.Motion, gridA, "d2")
			w.open("c3", alert.Motion, gridA, "d3")
			w.parents("c3", "c2")
		}},
		"neighbours": {one(Group, "same: [grid, kind]; within: 10m; near: true"), func(w *world) {
			w.open("c1", alert.Motion, gridA, "d1")
			w.open("c2", alert.Motion, gridC, "d2")
			w.open("c3", alert.Motion, gridB, "d3")
			w.parents("c3", "c1")
		}},
		"a graver part raises the whole": {one(Group, "same: [grid]; within: 10m"), func(w *world) {
			w.open("c1", alert.Motion, gridA, "d1")
			w.open("c2", alert.Intrusion, gridA, "d2")
			w.parents("c2", "c1")
			w.severity("c1", alert.Major, cases.CommunityLevel)
		}},
		"life-safety stays in sight": {one(Group, "same: [grid]; within: 10m"), func(w *world) {
			w.open("c1", alert.Motion, gridA, "d1")
			w.open("c2", alert.Smoke, gridA, "d2")
			w.open("c3", alert.Smoke, gridA, "d3")
			w.open("c4", alert.Motion, gridA, "d4")
			w.parents("c3", "c2", "c4", "c1")
		}},
		"taken out by a person": {group, func(w *world) {
			w.open("c1", alert.Door, gridA, "d1")
			w.open("c2", alert.Door, gridA, "d2")
			w.parents("c2", "c1")
			w.do(cases.Event{CaseID: "c2", Type: cases.EventUnmerged, Into: "c1", Actor: "zhang"})
			w.close("c2")
			w.do(cases.Event{CaseID: "c2", Type: cases.EventReopened, Count: 1})
			w.parents()
		}},
	}
}

func causes() timelines {
	inhibit := one(Inhibit, `cause: kind == "device-offline" and device startsWith "gateway"; held: kind in ["device-offline", "video-loss", "smoke"]; same: [edge]; within: 5m`)
	confirm := one(Confirm, `of: ['kind == "smoke"', 'kind == "heat"']; same: [grid]; within: 60s; severity: critical; level: district`)
	return timelines{
		"confirmed": {confirm, func(w *world) {
			w.open("c1", alert.Heat, gridA, "d1")
			w.after(61 * time.Second)
			w.open("c2", alert.Smoke, gridA, "d2")
			w.open("c3", alert.Smoke, gridB, "d3")
			w.severity("c1", alert.Major, cases.CommunityLevel)
			w.after(30 * time.Second)
			w.join("c1")
			w.join("c2")
			w.severity("c1", alert.Critical, cases.DistrictLevel)
			w.severity("c2", alert.Critical, cases.DistrictLevel)
			w.severity("c3", alert.Critical, cases.TownshipLevel)
			w.says("c1", "level-raised r")
			w.says("c2", "level-raised r")
		}},
		"a cause first": {inhibit, func(w *world) {
			w.open("gw", alert.DeviceOffline, gridA, "gateway-1")
			w.open("c1", alert.DeviceOffline, gridB, "d1")
			w.open("c2", alert.Motion, gridA, "d2")
			w.open("c3", alert.Smoke, gridA, "d3")
			w.after(6 * time.Minute)
			w.open("c4", alert.DeviceOffline, gridB, "d4")
			w.parents("c1", "gw")
		}},
		"a cause last": {inhibit, func(w *world) {
			w.open("c1", alert.DeviceOffline, gridB, "d1")
			w.open("c2", alert.VideoLoss, gridB, "d2")
			w.open("gw", alert.DeviceOffline, gridA, "gateway-1")
			w.open("gw2", alert.DeviceOffline, gridA, "gateway-2")
			w.parents("c1", "gw", "c2", "gw")
			w.severity("gw", alert.Major, cases.CommunityLevel)
		}},
	}
}

func crowds() timelines {
	water := one(Water, `match: kind in ["flood", "water-level"]; within: 1h; rivers: [{name: {zh: 清河, en: Qing}, grids: ["330106109001", "330106109002", "330106109003"]}]`)
	return timelines{
		"flapping": {one(Flapping, "times: 3; within: 1h"), func(w *world) {
			w.open("c1", alert.Door, gridA, "d1")
			w.close("c1")
			w.do(cases.Event{CaseID: "c1", Type: cases.EventReopened, Count: 1})
			w.close("c1")
			w.says("c1")
			w.after(31 * time.Minute)
			w.open("c2", alert.Door, gridA, "d1")
			w.says("c2", "annotated r")
			w.parents("c1", "c2")
			w.close("c2")
			w.after(2 * time.Hour)
			w.open("c3", alert.Door, gridA, "d1")
			w.says("c3")
		}},
		"storm": {one(Storm, "same: [grid]; times: 3; within: 10m"), func(w *world) {
			for i := range 6 {
				w.open(fmt.Sprint("c", i), alert.Kinds()[i%3], gridA, fmt.Sprint("d", i))
			}
			w.open("s", alert.Smoke, gridA, "d9")
			w.open("b", alert.Motion, gridB, "d1")
			w.parents("c1", "c0", "c2", "c0", "c3", "c0", "c4", "c0", "c5", "c0")
			w.says("c0", "annotated r", "level-raised r")
			w.after(11 * time.Minute)
			w.open("c6", alert.Motion, gridA, "d7")
			w.parents("c1", "c0", "c2", "c0", "c3", "c0", "c4", "c0", "c5", "c0")
		}},
		"water": {water, func(w *world) {
			w.open("up", alert.WaterLevel, gridA, "d1")
			w.open("down", alert.Flood, gridC, "d3")
			w.open("mid", alert.WaterLevel, gridB, "d2")
			w.says("down", "related r", "related r")
			w.says("mid", "related r")
			w.says("up")
			w.parents()
		}},
		"water, merged": {water + "    merge: true\n", func(w *world) {
			w.open("down", alert.Flood, gridC, "d3")
			w.open("mid", alert.WaterLevel, gridB, "d2")
			w.open("up", alert.WaterLevel, gridA, "d1")
			w.says("down", "related r", "related r")
			w.parents("mid", "up")
		}},
	}
}

func (w *world) severity(id string, s alert.Severity, l cases.Level) {
	w.t.Helper()
	if c := w.cases[id]; c.Severity != s || c.Level != l {
		w.t.Errorf("%s is %s at %s, want %s at %s", id, c.Severity, c.Level, s, l)
	}
}

func (w *world) says(id string, want ...string) {
	w.t.Helper()
	if got := w.said(id); !slices.Equal(got, want) {
		w.t.Errorf("of %s rules said %q, want %q", id, got, want)
	}
}

// TestApproval: a rule that would put life-safety under something else does so only once a second person said yes.
func TestApproval(t *testing.T) {
	text := one(Storm, "same: [grid]; times: 2; within: 10m; lifeSafety: true")
	for _, approved := range []bool{false, true} {
		w := newWorld(t, text, func(o *Options) { o.Approved = map[string]bool{"r": approved} })
		w.open("c1", alert.Motion, gridA, "d1")
		w.open("c2", alert.Smoke, gridA, "d2")
		w.open("c3", alert.Motion, gridA, "d3")
		if approved {
			w.parents("c2", "c1", "c3", "c1")
		} else {
			w.parents()
		}
	}
}

// TestDefaults: the shipped file is good, and what it says about the kinds that our edges raise holds.
func TestDefaults(t *testing.T) {
	w := newWorld(t, DefaultText())
	w.open("cam", alert.VideoLoss, gridA, "cam1")
	w.open("gw", alert.DeviceOffline, gridA, "nvr-1")
	w.open("heat", alert.Heat, gridB, "h1")
	w.open("smoke", alert.Smoke, gridB, "s1")
	w.open("smoke2", alert.Smoke, gridB, "s2")
	w.parents("cam", "gw", "smoke2", "smoke")
	w.severity("smoke", alert.Critical, cases.DistrictLevel)
	w.severity("heat", alert.Critical, cases.DistrictLevel)
}

// TestBadFiles reads testdata/*.txt: a bad file, "=====", and the lines that it must bring.
func TestBadFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d golden files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			input, want, _ := strings.Cut(string(data), "\n=====\n")
			_, err = Parse("rules.yaml", []byte(input))
			var problems conf.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("error %v, want problems", err)
			}
			if got := strings.TrimSpace(err.Error()); got != strings.TrimSpace(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestConditions(t *testing.T) {
	f := FactsOf(cases.Case{ID: "c", Opening: cases.Opening{Kind: alert.Smoke, Class: "0101", Grid: gridA, Source: alert.CameraSource("e1", "cam1")}, Severity: alert.Critical})
	for text, want := range map[string]bool{
		`kind == "smoke"`: true, `kind in ["heat", "smoke"] and lifeSafety`: true, `rank >= 2 and not exercise`: true,
		`device matches "^cam[0-9]$"`: true, `grid startsWith "330106" ? edge == "e1" : false`: true, `severity != "critical"`: false,
		`1 / 0 == 1`: false, `rank % (rank - rank) == 0`: false, `community == "` + gridA + `"`: true,
	} {
		c, err := compile(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if c.holds(f) != want {
			t.Errorf("%s: want %v", text, want)
		}
	}
	for _, text := range []string{
		`kind`, `kind == 1`, `person == "x"`, `len(kind) > 1`, `any([1], # > 0)`, `1..100000000 == []`, `rank in 1..9`, `let a = 1; a == 1`, `kind matches zone`,
		`kind matches "("`, `now() == now()`, `kind[0] == "s"`, `2 ** 1000 > 1`, `kind | upper() == "S"`, `$env == nil`, strings.Repeat(`kind == "a" or `, 80) + "true",
		"kind == '" + strings.Repeat("x", maxCondition) + "'", `kind ?? "a" == "b"`, `{"a": 1} == {"a": 1}`, strings.Repeat("(", 500),
	} {
		if _, err := compile(text); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v", text, err)
		}
	}
}
