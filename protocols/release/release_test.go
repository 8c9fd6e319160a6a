package release_test

import (
	"archive/tar"
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"aead.dev/minisign"

	"gridgate/protocols/release"
)

type signer struct {
	public minisign.PublicKey
	secret minisign.PrivateKey
}

func newSigner(t testing.TB) signer { return signerOf(t, rand.Reader) }

func signerOf(t testing.TB, random io.Reader) signer {
	t.Helper()
	public, secret, err := minisign.GenerateKey(random)
	if err != nil {
		t.Fatal(err)
	}
	return signer{public, secret}
}

func (s signer) keys() release.Keys { return release.Keys{s.public} }

func manifest() release.Manifest {
	return release.Manifest{
		Format: release.Format, Name: "gridgate-edge", Version: "1.4.0", Platform: "linux-amd64", Schema: 1,
		Outbox: release.Outbox{Writes: 3, Readable: 3}, Made: time.Unix(1_790_000_000, 0).UTC(),
	}
}

var program = bytes.Repeat([]byte("a program that does something "), 1000)

// pack makes the parts of an archive of a program.
func pack(t testing.TB, s signer, m release.Manifest) (release.Head, []byte, release.Manifest) {
	t.Helper()
	var packed bytes.Buffer
	var err error
	if m.Program, m.Packed, err = release.Pack(&packed, bytes.NewReader(program), 3); err != nil {
		t.Fatal(err)
	}
	text, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return release.Head{Manifest: text, Signature: release.Sign(s.secret, text, "1.4.0")}, packed.Bytes(), m
}

func archive(t testing.TB, s signer, m release.Manifest) []byte {
	t.Helper()
	head, packed, m := pack(t, s, m)
	var out bytes.Buffer
	if err := release.Write(&out, head, bytes.NewReader(packed), m); err != nil {
		t.Fatal(err)
	}
	if max := m.MaxArchive(); int64(out.Len()) > max || release.MaxHead > out.Len() && out.Len() < 1024 {
		t.Fatalf("an archive of %d bytes, at most %d expected", out.Len(), max)
	}
	return out.Bytes()
}

// open does all that is done to an archive before it is believed.
func open(r io.Reader, keys release.Keys) ([]byte, error) {
	a, err := release.NewReader(r)
	if err != nil {
		return nil, err
	}
	m, _, err := a.Head.Open(keys)
	if err != nil {
		return nil, err
	}
	var packed, out bytes.Buffer
	if err := a.Packed(&packed, m); err != nil {
		return nil, err
	}
	if err := release.Unpack(&out, &packed, m); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func TestAnArchiveIsReadAsItWasWritten(t *testing.T) {
	s, next := newSigner(t), newSigner(t)
	data := archive(t, s, manifest())
	for name, keys := range map[string]release.Keys{"one key": s.keys(), "the next key beside it": {next.public, s.public}} {
		got, err := open(bytes.NewReader(data), keys)
		if err != nil || !bytes.Equal(got, program) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	for name, keys := range map[string]release.Keys{"no key": nil, "another key": next.keys()} {
		if _, err := open(bytes.NewReader(data), keys); !errors.Is(err, release.ErrUntrusted) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := release.NewReader(bytes.NewReader(data[:min(len(data), release.MaxHead)])); err != nil {
		t.Errorf("the head alone: %v", err)
	}
}

// tarOf makes a tar of headers and bodies.
func tarOf(t testing.TB, files ...any) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for i := 0; i < len(files); i += 2 {
		h, body := files[i].(tar.Header), files[i+1].([]byte)
		if h.Size == 0 && h.Typeflag == tar.TypeReg {
			h.Size = int64(len(body))
		}
		if err := errors.Join(w.WriteHeader(&h)); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func plain(name string) tar.Header { return tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644} }

func TestArchivesThatAreRefused(t *testing.T) {
	s := newSigner(t)
	good := archive(t, s, manifest())
	h, packed, m := pack(t, s, manifest())
	other := manifest()
	other.Version = "1.5.0"
	h5, _, _ := pack(t, s, other)
	changed := bytes.Clone(packed)
	changed[len(changed)/2] ^= 1
	head := []any{plain("manifest.json"), h.Manifest, plain("manifest.json.minisig"), h.Signature}
	with := func(more ...any) []byte { return tarOf(t, append(append([]any{}, head...), more...)...) }
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":                 {nil, "ends before manifest.json"},
		"no tar":                  {bytes.Repeat([]byte("x"), 2048), "no tar"},
		"cut in the manifest":     {good[:600], "ends within"},
		"cut in the program":      {good[:len(good)-3000], ""},
		"no program":              {with(), "ends before program.zst"},
		"a program changed":       {with(plain("program.zst"), changed), "digest"},
		"a program too short":     {with(plain("program.zst"), packed[:len(packed)-1]), "the manifest says"},
		"a program too long":      {with(plain("program.zst"), append(bytes.Clone(packed), 0)), "not 1 to"},
		"one file more":           {with(plain("program.zst"), packed, plain("more"), []byte("x")), "goes on"},
		"a traversal":             {with(plain("../../../usr/bin/gridgate-edge"), packed), "something else"},
		"an absolute name":        {with(plain("/program.zst"), packed), "something else"},
		"a link":                  {with(tar.Header{Name: "program.zst", Typeflag: tar.TypeSymlink, Linkname: "/etc/shadow"}, []byte{}), "something else"},
		"another order":           {tarOf(t, head[2], head[3], head[0], head[1]), "something else"},
		"a manifest too large":    {tarOf(t, plain("manifest.json"), make([]byte, release.MaxManifest+1)), "not 1 to"},
		"a signature too large":   {tarOf(t, head[0], head[1], plain("manifest.json.minisig"), make([]byte, release.MaxSignature+1)), "not 1 to"},
		"an empty signature":      {tarOf(t, head[0], head[1], plain("manifest.json.minisig"), []byte{}), "not 1 to"},
		"another's signature":     {tarOf(t, plain("manifest.json"), h5.Manifest, head[2], head[3], plain("program.zst"), packed), "no key"},
		"extended headers":        {with(tar.Header{Name: "program.zst", Typeflag: tar.TypeReg, PAXRecords: map[string]string{"GRIDGATE.x": "y"}}, packed), "something else"},
		"a program not as packed": {repack(t, s, m, packed), "unpack"},
	} {
		_, err := open(bytes.NewReader(c.data), s.keys())
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// repack signs a manifest whose program is longer than it says: a bomb, as if by mistake.
func repack(t *testing.T, s signer, m release.Manifest, packed []byte) []byte {
	t.Helper()
	m.Program.Bytes = 10
	text, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return tarOf(t, plain("manifest.json"), text, plain("manifest.json.minisig"), release.Sign(s.secret, text, ""), plain("program.zst"), packed)
}

func TestManifestsThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*release.Manifest)
		want   string
	}{
		"another format":    {func(m *release.Manifest) { m.Format = "gridgate-release/2" }, "format"},
		"no name":           {func(m *release.Manifest) { m.Name = "" }, "name"},
		"a path as name":    {func(m *release.Manifest) { m.Name = "../x" }, "name"},
		"a bad platform":    {func(m *release.Manifest) { m.Platform = "linux/amd64" }, "platform"},
		"no version":        {func(m *release.Manifest) { m.Version = "008e7be" }, "version"},
		"a v":               {func(m *release.Manifest) { m.Version = "v1.4.0" }, "version"},
		"a path as version": {func(m *release.Manifest) { m.Version = "../../1.4.0" }, "version"},
		"from newer":        {func(m *release.Manifest) { m.From = "1.5.0" }, "from"},
		"instead of older":  {func(m *release.Manifest) { m.Instead = []string{"1.3.0"} }, "instead"},
		"many instead":      {func(m *release.Manifest) { m.Instead = make([]string, 33) }, "more than"},
		"no digest":         {func(m *release.Manifest) { m.Packed.SHA256 = strings.Repeat("A", 64) }, "digest"},
		"too large":         {func(m *release.Manifest) { m.Program.Bytes = release.MaxProgram + 1 }, "size"},
		"no schema":         {func(m *release.Manifest) { m.Schema = 0 }, "schema"},
		"no outbox":         {func(m *release.Manifest) { m.Outbox.Readable = 4 }, "outbox"},
		"no time":           {func(m *release.Manifest) { m.Made = time.Time{} }, "times"},
		"over before":       {func(m *release.Manifest) { m.Expires = m.Made.Add(-1) }, "times"},
	} {
		_, _, m := pack(t, newSigner(t), manifest())
		c.change(&m)
		if _, err := m.Encode(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	for name, text := range map[string]string{
		"a field of later": `{"format":"gridgate-release/1","oneWay":true}`,
		"a name twice":     `{"format":"x","format":"gridgate-release/1"}`,
		"no object":        `[]`,
		"too large":        strings.Repeat(" ", release.MaxManifest+1),
	} {
		if _, err := release.ParseManifest([]byte(text)); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}

func TestVersions(t *testing.T) {
	order := []string{"0.9.9", "v1.0.0", "1.0.0-1-g0123456", "v1.0.0-12-gabcdef0", "1.0.1", "1.2.0", "1.10.0", "2.0.0"}
	for i, a := range order {
		for k, b := range order {
			v, err := release.ParseVersion(a)
			w, other := release.ParseVersion(b)
			if err != nil || other != nil || (v.Compare(w) < 0) != (i < k) || (v.Compare(w) == 0) != (i == k) {
				t.Errorf("%s and %s: %d, %v, %v", a, b, v.Compare(w), err, other)
			}
		}
	}
	for _, bad := range []string{"", "unknown", "008e7be", "1.0", "1.0.0-dirty", "1.0.0-1-g0123456-dirty", "01.0.0", "1.0.0/..", "1.0.0\n", "100000.0.0", "1.0.0-rc1"} {
		if _, err := release.ParseVersion(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
	if !release.Same("v1.4.0", "1.4.0") || release.Same("1.4.0", "1.4.1") || release.Same("x", "x") || release.Same("1.4.0-1-g0123456", "1.4.0-1-g0123457") {
		t.Error("what is the same is not told")
	}
}

func TestKeys(t *testing.T) {
	s := newSigner(t)
	text, err := s.public.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := release.ParseKeys(string(text)+"\n", s.public.String())
	if err != nil || len(keys) != 2 || !keys[0].Equal(s.public) || !keys[1].Equal(s.public) {
		t.Errorf("%v, %v", keys, err)
	}
	for _, bad := range []string{"", "RWQ", "untrusted comment: x", s.public.String() + "A", s.public.String() + " " + s.public.String()} {
		if _, err := release.ParseKeys(bad); err == nil {
			t.Errorf("%q was taken for a key", bad)
		}
	}
	if _, err := release.ParseKeys(make([]string, release.MaxKeys+1)...); err == nil {
		t.Error("any number of keys was taken")
	}
	// As the program minisign signs without hashing.
	if id, err := s.keys().Verify([]byte("x"), minisign.Sign(s.secret, []byte("x"))); err != nil || id != release.KeyID(s.public) {
		t.Errorf("%s, %v", id, err)
	}
}

// Nothing panics, and what is accepted is what was signed. The key is a fixed one: each process of a fuzzing run makes it anew, and with
// another key in each none believed what another had signed, and nothing behind the signature was reached. Fuzz with -fuzzminimizetime 1x:
// an archive is some thousand bytes, and making a single one smaller takes all of the minute that Go grants it.
func FuzzArchive(f *testing.F) {
	s := signerOf(f, bytes.NewReader(bytes.Repeat([]byte{7}, ed25519.SeedSize)))
	good := archive(f, s, manifest())
	f.Add(good)
	f.Add(good[:len(good)/2])
	h, packed, _ := pack(f, s, manifest())
	f.Add(tarOf(f, plain("manifest.json"), h.Manifest, plain("manifest.json.minisig"), h.Signature, plain("program.zst"), packed[:20]))
	f.Add(tarOf(f, plain("../manifest.json"), h.Manifest))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := open(bytes.NewReader(data), s.keys())
		if err == nil && !bytes.Equal(got, program) {
			t.Error("something else was believed")
		}
	})
}

// A manifest that is read is written as it was, but for space; none that does not check is read.
func FuzzManifest(f *testing.F) {
	h, _, _ := pack(f, newSigner(f), manifest())
	f.Add(h.Manifest)
	f.Add([]byte(`{"format":"gridgate-release/1","name":"gridgate-edge","version":"1.0.0"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := release.ParseManifest(data)
		if err != nil {
			return
		}
		text, err := m.Encode()
		if err != nil {
			t.Fatalf("what was read is not valid: %v", err)
		}
		if again, err := release.ParseManifest(text); len(text) <= release.MaxManifest && (err != nil || again.Version != m.Version || again.Packed != m.Packed) {
			t.Errorf("%v", err)
		}
	})
}
