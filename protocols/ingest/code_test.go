package ingest

import (
	"strings"
	"testing"
)

func TestCode(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		code := NewCode()
		if len(code) != codeSymbols+4 || seen[code] {
			t.Fatalf("code %q", code)
		}
		seen[code] = true
		if got, err := ParseCode(code); err != nil || got != code {
			t.Fatalf("%q is read as %q, %v", code, got, err)
		}
	}
}

func TestCodeAsTyped(t *testing.T) {
	const code = "10000-00000-00000-00000-00009"
	want, err := ParseCode(checked(t, code))
	if err != nil {
		t.Fatal(err)
	}
	bare := strings.ReplaceAll(want, "-", "")
	for _, typed := range []string{
		strings.ToLower(want), bare, " " + bare[:7] + "\t" + bare[7:] + "\r\n",
		strings.NewReplacer("0", "o", "1", "l").Replace(want), strings.NewReplacer("0", "O", "1", "i").Replace(want),
	} {
		if got, err := ParseCode(typed); err != nil || got != want {
			t.Errorf("%q is read as %q, %v", typed, got, err)
		}
	}
	for _, bad := range []string{"", "-", bare[:24], bare + "0", bare[:24] + "U", strings.Repeat(bare, 10), bare[:24] + "\x00"} {
		if got, err := ParseCode(bad); err == nil {
			t.Errorf("%q is read as %q", bad, got)
		}
	}
}

// checked replaces the last symbol of a code by the one that is right.
func checked(t *testing.T, code string) string {
	t.Helper()
	for _, last := range codeAlphabet {
		c := code[:len(code)-1] + string(last)
		if _, err := ParseCode(c); err == nil {
			return c
		}
	}
	t.Fatal("no last symbol is right")
	return ""
}

// TestMistypedCode tries every wrong symbol at every place and every exchange of two.
func TestMistypedCode(t *testing.T) {
	code := []byte(strings.ReplaceAll(NewCode(), "-", ""))
	for i := range code {
		for _, wrong := range []byte(codeAlphabet) {
			typed := append([]byte(nil), code...)
			typed[i] = wrong
			if _, err := ParseCode(string(typed)); (err == nil) != (wrong == code[i]) {
				t.Fatalf("symbol %d of %s as %c: %v", i, code, wrong, err)
			}
		}
		for k := range i {
			typed := append([]byte(nil), code...)
			typed[i], typed[k] = typed[k], typed[i]
			if _, err := ParseCode(string(typed)); (err == nil) != (code[i] == code[k]) {
				t.Fatalf("symbols %d and %d of %s exchanged: %v", i, k, code, err)
			}
		}
	}
}

func FuzzParseCode(f *testing.F) {
	f.Add("7m2kd 00000-ooooo-lllll-zzzzz")
	f.Add(NewCode())
	f.Fuzz(func(t *testing.T, text string) {
		code, err := ParseCode(text)
		if err != nil {
			return
		}
		if again, err := ParseCode(code); err != nil || again != code {
			t.Errorf("%q is read as %q, and that as %q, %v", text, code, again, err)
		}
	})
}
