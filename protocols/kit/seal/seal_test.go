package seal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"filippo.io/age"

	"gridgate/protocols/kit/seal"
)

func newKey(t testing.TB) seal.SecretKey {
	t.Helper()
	key, err := seal.NewSecretKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sealed(t testing.TB, data []byte, to seal.Recipient) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := seal.Seal(&out, to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = w.Write(data); err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func open(file []byte, key seal.SecretKey) ([]byte, error) {
	r, err := seal.Open(bytes.NewReader(file), key)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func TestRoundTripAndOverhead(t *testing.T) {
	key := newKey(t)
	for _, size := range []int{0, 1, 64<<10 - 1, 64 << 10, 64<<10 + 1, 1 << 20} {
		data := bytes.Repeat([]byte("mdat"), size/4+1)[:size]
		file := sealed(t, data, key.Recipient())
		if got, err := open(file, key); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes: %v", size, err)
		}
		if over := int64(len(file) - size); over > seal.Overhead(int64(size)) {
			t.Errorf("%d bytes grew by %d, more than %d", size, over, seal.Overhead(int64(size)))
		}
		if size > 4 && bytes.Contains(file, []byte("mdatmdat")) {
			t.Error("what was sealed can be read")
		}
	}
}

// TestAnotherProgramOpensIt uses the library of the format's author, as the age command does.
func TestAnotherProgramOpensIt(t *testing.T) {
	key := newKey(t)
	theirs, err := age.ParseIdentities(strings.NewReader(key.File()))
	if err != nil {
		t.Fatal(err)
	}
	r, err := age.Decrypt(bytes.NewReader(sealed(t, []byte("clip"), key.Recipient())), theirs...)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || string(got) != "clip" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestWhoeverElseCannotOpenIt(t *testing.T) {
	key := newKey(t)
	file := sealed(t, bytes.Repeat([]byte{7}, 200<<10), key.Recipient())
	changed := bytes.Clone(file)
	changed[len(changed)/2] ^= 1
	for name, c := range map[string]struct {
		file []byte
		key  seal.SecretKey
	}{
		"another key": {file, newKey(t)},
		"changed":     {changed, key},
		"cut off":     {file[:100<<10], key},
		"no age file": {[]byte("ftyp"), key},
	} {
		if _, err := open(c.file, c.key); !errors.Is(err, seal.ErrOpen) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKeyFiles(t *testing.T) {
	key := newKey(t)
	again, err := seal.ParseSecretKey("# made by hand\n\n" + key.File())
	if err != nil || again.Recipient().String() != key.Recipient().String() {
		t.Errorf("%v", err)
	}
	public, err := seal.ParseRecipient(" " + key.Recipient().String() + "\n")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := open(sealed(t, []byte("x"), public), again); err != nil || string(got) != "x" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestNoErrorHoldsAKey gives keys that are damaged or in the wrong place.
func TestNoErrorHoldsAKey(t *testing.T) {
	key := newKey(t)
	lines := strings.Split(strings.TrimSpace(key.File()), "\n")
	secret := lines[len(lines)-1]
	var errs []error
	for _, text := range []string{secret, strings.ToLower(secret), secret[:40], "age1" + secret, key.Recipient().String()[:30], ""} {
		_, err := seal.ParseRecipient(text)
		errs = append(errs, err)
	}
	for _, text := range []string{secret[:50], secret[:20] + "!" + secret[21:], key.Recipient().String(), secret + "\n" + secret, "", "# only\n"} {
		_, err := seal.ParseSecretKey(text)
		errs = append(errs, err)
	}
	for i, err := range errs {
		if err == nil {
			t.Errorf("%d was taken", i)
		} else if strings.Contains(strings.ToUpper(err.Error()), secret[17:25]) {
			t.Errorf("%d: the error holds a part of the key", i)
		}
	}
}

func TestASecretKeyDoesNotPrint(t *testing.T) {
	key := newKey(t)
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", key)
	encoded, err := json.Marshal(map[string]any{"key": key})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(key), fmt.Sprintf("%v %+v %#v %s %q", key, key, key, key, key), log.String(), string(encoded)} {
		if strings.Contains(text, "AGE-SECRET") || !strings.Contains(text, "(secret)") {
			t.Errorf("printed: %d bytes", len(text))
		}
	}
}

func TestZeroValuesAreRefused(t *testing.T) {
	if _, err := seal.Seal(io.Discard, seal.Recipient{}); err == nil {
		t.Error("sealed to nobody")
	}
	if _, err := seal.Open(strings.NewReader("x"), seal.SecretKey{}); err == nil {
		t.Error("opened without a key")
	}
	if (seal.SecretKey{}).File() != "" || (seal.SecretKey{}).Recipient().String() != "" {
		t.Error("a zero value has a text")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p")
	f.Add("# comment\nAGE-SECRET-KEY-1")
	f.Fuzz(func(t *testing.T, text string) {
		if r, err := seal.ParseRecipient(text); err == nil && r.String() == "" {
			t.Error("a recipient without a text")
		}
		if i, err := seal.ParseSecretKey(text); err == nil && i.Recipient().String() == "" {
			t.Error("a secret key without a public half")
		}
	})
}
