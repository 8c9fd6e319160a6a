package outbox

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"gridgate/edge/raise/raisetest"
	"gridgate/protocols/alert"
)

// logged returns a copy of an outbox whose twenty commits are all in the write-ahead log, as a power cut leaves it.
func logged(t *testing.T) (dir, epoch string) {
	t.Helper()
	from := t.TempDir()
	b := open(t, Options{Dir: from})
	for n := range 20 {
		put(t, b, raisetest.Alert(alert.Gas, n))
	}
	return copyOf(t, from), b.Epoch()
}

// TestATornLogIsNoDamage: what a power cut cuts off was told to nobody.
func TestATornLogIsNoDamage(t *testing.T) {
	for name, tear := range map[string]func([]byte) []byte{
		"cut off":        func(data []byte) []byte { return data[:len(data)-5000] },
		"not as written": func(data []byte) []byte { data[len(data)-100] ^= 1; return data },
		"empty":          func([]byte) []byte { return nil },
	} {
		dir, epoch := logged(t)
		rewrite(t, filepath.Join(dir, fileName+"-wal"), tear)
		b := open(t, Options{Dir: dir})
		if name == "empty" {
			if s := stats(t, b); s.SetAside != 0 || len(peek(t, b, alert.LifeSafety)) != 0 {
				t.Errorf("%s: %+v", name, s)
			}
			continue // nothing tells that there was a log
		}
		if got := peek(t, b, alert.LifeSafety); b.Epoch() != epoch || len(got) != 19 {
			t.Errorf("%s: %d alerts, epoch %s, was %s", name, len(got), b.Epoch(), epoch)
		}
	}
}

// TestADamagedLogIsNotPassedOver: SQLite would go on with what is ahead of the damage, and give its numbers out again.
func TestADamagedLogIsNotPassedOver(t *testing.T) {
	dir, epoch := logged(t)
	rewrite(t, filepath.Join(dir, fileName+"-wal"), func(data []byte) []byte {
		data[len(data)*3/4] ^= 1
		return data
	})
	if found, err := Check(t.Context(), dir); err != nil || len(found) != 1 {
		t.Errorf("Check: %v, %v", found, err)
	}
	b := open(t, Options{Dir: dir})
	s := stats(t, b)
	if got := peek(t, b, alert.LifeSafety); b.Epoch() == epoch || s.SetAside != 1 || len(got) < 10 || len(got) > 18 || s.Damage.Saved.Alerts != len(got) {
		t.Errorf("%d alerts, epoch %s, was %s: %+v", len(got), b.Epoch(), epoch, s.Damage)
	}
}

// FuzzLostCommits reads any bytes as a log; what they lose is at most what they hold.
func FuzzLostCommits(f *testing.F) {
	head := make([]byte, walHeader)
	binary.BigEndian.PutUint32(head, walMagic)
	binary.BigEndian.PutUint32(head[8:], 512)
	sum := walSum([2]uint32{}, head[:24], binary.LittleEndian)
	binary.BigEndian.PutUint32(head[24:], sum[0])
	binary.BigEndian.PutUint32(head[28:], sum[1])
	frame := make([]byte, walFrame+512)
	binary.BigEndian.PutUint32(frame[4:], 1)
	f.Add(append(append(bytes.Clone(head), frame...), frame...))
	f.Add(head)
	f.Fuzz(func(t *testing.T, data []byte) {
		lost, err := lostCommits(bytes.NewReader(data))
		if err != nil || lost*(walFrame+512) > len(data) {
			t.Errorf("%d lost of %d bytes, %v", lost, len(data), err)
		}
	})
}

func TestLostCommitsOfARealLog(t *testing.T) {
	dir, _ := logged(t)
	data, err := os.ReadFile(filepath.Join(dir, fileName+"-wal"))
	if err != nil {
		t.Fatal(err)
	}
	if lost, err := lostCommits(bytes.NewReader(data)); err != nil || lost != 0 {
		t.Errorf("a good log: %d, %v", lost, err)
	}
	data[walHeader+walFrame] ^= 1
	if lost, err := lostCommits(bytes.NewReader(data)); err != nil || lost < 20 {
		t.Errorf("damaged at the first frame: %d, %v", lost, err)
	}
}
