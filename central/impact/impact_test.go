package impact_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"gridgate/central/impact"
)

var update = flag.Bool("update", false, "write the golden sheets")

func demo() impact.Facts {
	return impact.Facts{
		Profile: "cn", Purposes: []impact.Purpose{{Owner: "东门物业", Purpose: "公共场所安全", Basis: "条例第七条", Cameras: 3, Pictures: 3, Clips: 1, Masked: 1, Signed: 2}},
		Pictures: "2160h", Clips: "2160h", Cases: "4320h", Audit: "26280h", Readings: "2160h", Recipients: []string{"wecom night-post"},
		Accounts: map[string]int{"operator": 4, "supervisor": 2}, TLS: true,
	}
}

func written(t *testing.T, f impact.Facts, lang string) string {
	t.Helper()
	var out strings.Builder
	if err := impact.Write(&out, f, lang); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestSheet(t *testing.T) {
	for _, lang := range []string{"zh", "en"} {
		file, got := "testdata/demo."+lang+".md", written(t, demo(), lang)
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil || got != string(want) || strings.Contains(got, "%!") {
			t.Errorf("%s: %v\n%s", lang, err, got)
		}
	}
}

// What is in force otherwise is written otherwise.
func TestAChangeChangesTheSheet(t *testing.T) {
	for name, change := range map[string]func(*impact.Facts){
		"profile": func(f *impact.Facts) { f.Profile = "eu" }, "pictures": func(f *impact.Facts) { f.Pictures = "72h" }, "tls": func(f *impact.Facts) { f.TLS = false },
		"key": func(f *impact.Facts) { f.KeyHere = true }, "recipients": func(f *impact.Facts) { f.Recipients = nil }, "cameras": func(f *impact.Facts) { f.Purposes = nil },
		"accounts": func(f *impact.Facts) { f.Accounts = nil }, "sign-on": func(f *impact.Facts) { f.SignOn = true },
	} {
		for _, lang := range []string{"zh", "en"} {
			f := demo()
			if change(&f); written(t, f, lang) == written(t, demo(), lang) {
				t.Errorf("%s is not seen in %s", name, lang)
			}
		}
	}
}
