package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"gridgate/protocols/kit/pack"
	"gridgate/protocols/kit/seal"
)

// maxFindings bounds what [Verify] tells.
const maxFindings = 100

// Verify compares every file of the backup in a folder with what its manifest says, and returns what is wrong, in words; none means that all
// is well. With the secret key, or where nothing is sealed, it also reads all to its end and compares each picture with its name.
func Verify(ctx context.Context, dir string, key *seal.SecretKey) (m Manifest, findings []string, err error) {
	if m, err = Read(dir); err != nil {
		return m, nil, err
	}
	o, err := m.options()
	if err != nil {
		return m, nil, err
	}
	v := &verifier{dir: dir, o: o, pace: pack.NewPace(ctx, 0), read: key != nil || o.Recipient == nil}
	if key != nil {
		v.key = *key
		if o.Recipient != nil && key.Recipient().String() != m.Recipient {
			return m, nil, errors.New("the key is not the one that the backup is sealed to, " + m.Recipient)
		}
	}
	for _, p := range m.Parts {
		if err := v.part(p); err != nil {
			return m, nil, err
		}
	}
	if len(v.findings) > 0 { // the list of pictures may be among them
		return m, v.findings, nil
	}
	if err := v.objects(m.Objects.Count); err != nil {
		return m, nil, err
	}
	return m, v.findings, nil
}

type verifier struct {
	dir      string
	o        pack.Options
	key      seal.SecretKey
	read     bool
	pace     *pack.Pace
	findings []string
}

func (v *verifier) found(format string, a ...any) {
	if len(v.findings) < maxFindings {
		v.findings = append(v.findings, fmt.Sprintf(format, a...))
	}
}

func (v *verifier) part(p Part) error {
	path := filepath.Join(v.dir, p.File)
	whole, err := v.same(path, p.Sum)
	if err != nil || !whole || !v.read || p.Name == partList {
		return err
	}
	if err := v.through(path, v.o, io.Discard); err != nil {
		v.found("%s cannot be read: %v", p.File, err)
	}
	return nil
}

// same compares a file with what it was. A disk that fails is a finding, too.
func (v *verifier) same(path string, want pack.Sum) (bool, error) {
	name, _ := filepath.Rel(v.dir, path)
	got, err := pack.SumOf(path, v.pace)
	switch {
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return false, err
	case errors.Is(err, os.ErrNotExist):
		v.found("%s is missing", name)
	case err != nil:
		v.found("%v", err)
	case got.Bytes != want.Bytes:
		v.found("%s has %d bytes, it had %d", name, got.Bytes, want.Bytes)
	case got != want:
		v.found("%s is not what was written", name)
	default:
		return true, nil
	}
	return false, nil
}

func (v *verifier) through(path string, o pack.Options, w io.Writer) error {
	r, err := pack.Open(path, o, v.key)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return errors.Join(err, r.Close())
}

func (v *verifier) objects(count int64) error {
	o := v.o
	o.Loose = true
	var n int64
	err := eachObject(v.dir, func(one object) error {
		n++
		path := objectPath(v.dir, one.digest, o.Suffix())
		whole, err := v.same(path, one.Sum)
		if err != nil || !whole || !v.read {
			return err
		}
		sum := sha256.New()
		if err := v.through(path, o, sum); err != nil || hex.EncodeToString(sum.Sum(nil)) != one.digest {
			v.found("the picture %s is not what its name says", one.digest)
		}
		return nil
	})
	if err == nil && n != count {
		v.found("the list of pictures has %d lines, the manifest says %d", n, count)
	}
	return err
}
