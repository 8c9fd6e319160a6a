package alert

import "testing"

// What is checked by hand agrees with the patterns that the schema publishes.
func FuzzForms(f *testing.F) {
	for _, s := range []string{
		"", "a", "A", "-a", "a-b.c_d", "330106001001", "330106001001001", "33010600100100112345", "3301060010010", "a\n", "é",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"hikvision+motion", "a+b+c+d", "a+b+c+d+e", "+a", "a+",
		"/edges/e/cameras/C1", "/edges/e/sensors/s.1", "/edges/E/cameras/c", "/edges/e/doors/c", "/edges/e/cameras/", "/edges//cameras/c",
		"/edges/e/cameras/c/d", "edges/e/cameras/c", "/edges/e/cameras/-c", "/edges/e/cameras/c\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := isName(s, false), nameForm.MatchString(s); got != want {
			t.Errorf("name %q: %v, the pattern says %v", s, got, want)
		}
		if got, want := ValidOrigin(s), originForm.MatchString(s) && len(s) <= MaxName; got != want {
			t.Errorf("origin %q: %v, the pattern says %v", s, got, want)
		}
		if got, want := ValidGridCode(s), gridCode.MatchString(s); got != want {
			t.Errorf("grid code %q: %v, the pattern says %v", s, got, want)
		}
		edge, family, device, err := ParseSource(s)
		m := sourceForm.FindStringSubmatch(s)
		if (err == nil) != (m != nil) || m != nil && (m[1] != edge || m[2] != family || m[3] != device) {
			t.Errorf("source %q: %q %q %q, %v; the pattern says %q", s, edge, family, device, err, m)
		}
	})
}
