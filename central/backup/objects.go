package backup

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"gridgate/protocols/kit/pack"
)

// object is one line of the list of pictures.
type object struct {
	digest string
	pack.Sum
}

func (o object) line() string { return fmt.Sprintf("%s %d %s\n", o.digest, o.Bytes, o.SHA256) }

// objectPath is where a picture lies in a backup: spread over 256 folders.
func objectPath(dir, digest, suffix string) string {
	return filepath.Join(dir, objectsDir, digest[:2], digest+suffix)
}

// list reads a list of pictures, in ascending order of digests, line by line. The zero value is the end of a list.
type list struct {
	f    *os.File
	in   *bufio.Scanner
	one  object
	more bool
}

func openList(path string) (*list, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return &list{f: f, in: bufio.NewScanner(f)}, nil
}

// next moves to the next line; false is the end.
func (l *list) next() (bool, error) {
	l.more = false
	if l.in == nil || !l.in.Scan() {
		if l.in != nil {
			return false, l.in.Err()
		}
		return false, nil
	}
	one, err := parseObject(l.in.Text())
	if err != nil {
		return false, err
	}
	if one.digest <= l.one.digest {
		return false, errors.New("the list of pictures is out of order")
	}
	l.one, l.more = one, true
	return true, nil
}

// find moves to digest; false says that the list does not have it. Digests must be asked for in ascending order.
func (l *list) find(digest string) (object, bool, error) {
	for l.one.digest < digest {
		if more, err := l.next(); err != nil || !more {
			return object{}, false, err
		}
	}
	return l.one, l.more && l.one.digest == digest, nil
}

func (l *list) close() error {
	if l.f == nil {
		return nil
	}
	return l.f.Close()
}

const hexDigits = 64

func parseObject(line string) (o object, err error) {
	fields := strings.Split(line, " ")
	if len(fields) != 3 || !isDigest(fields[0]) || !isDigest(fields[2]) {
		return o, errors.New("the list of pictures has a line that cannot be read")
	}
	o.digest, o.SHA256 = fields[0], fields[2]
	if o.Bytes, err = strconv.ParseInt(fields[1], 10, 64); err != nil || o.Bytes < 0 {
		return o, errors.New("the list of pictures has a line that cannot be read")
	}
	return o, nil
}

func isDigest(s string) bool {
	return len(s) == hexDigits && strings.Trim(s, "0123456789abcdef") == ""
}

// eachObject calls do for every picture of a backup.
func eachObject(dir string, do func(object) error) error {
	l, err := openList(filepath.Join(dir, objectsFile))
	if err != nil {
		return err
	}
	defer l.close()
	for {
		more, err := l.next()
		if err != nil || !more {
			return err
		}
		if err := do(l.one); err != nil {
			return err
		}
	}
}

// copyObject writes a picture into the backup that is being made.
func copyObject(path string, from io.Reader, o pack.Options) (pack.Sum, error) {
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return pack.Sum{}, err
	}
	w, err := pack.Create(path, o)
	if err != nil {
		return pack.Sum{}, err
	}
	if _, err := io.Copy(w, from); err != nil {
		return pack.Sum{}, errors.Join(err, w.Abandon())
	}
	return w.Close()
}
