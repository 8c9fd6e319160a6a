package evidence_test

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"gridgate/deploy/testkit/footage"
	"gridgate/edge/clip"
	"gridgate/edge/evidence"
	"gridgate/edge/outbox"
	"gridgate/edge/source"
	"gridgate/edge/source/recording"
	"gridgate/protocols/alert"
	"gridgate/protocols/kit/seal"
)

// outboxStore keeps evidence in a real outbox and tells when it has some.
type outboxStore struct {
	*outbox.Outbox
	done chan alert.Evidence
}

func (s outboxStore) Put(ctx context.Context, e alert.Evidence, object []byte) error {
	err := s.PutEvidence(ctx, e, object)
	if err == nil {
		s.done <- e
	}
	return err
}

// recorded is a ring that holds a whole recording.
type recorded []source.AccessUnit

func (r recorded) Window(time.Time) []source.AccessUnit { return r }

// TestASealedClipLeavesNothingInTheClear runs a clip into a real outbox and then looks for its pictures, and for the words of its
// container, in every file of the data folder and of the folder for temporary files.
func TestASealedClipLeavesNothingInTheClear(t *testing.T) {
	onset := time.Now().Add(-time.Second)
	units := record(t, onset.Add(-2*time.Second))
	data, temporary := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", temporary)
	box, err := outbox.Open(t.Context(), outbox.Options{Dir: data})
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	key, err := seal.NewSecretKey()
	if err != nil {
		t.Fatal(err)
	}
	clips, err := clip.New(clip.Options{Recipient: key.Recipient(), Before: 2 * time.Second, After: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	store := outboxStore{Outbox: box, done: make(chan alert.Evidence, 10)}
	m, err := evidence.New(evidence.Options{CameraID: "gate", Decoder: &fakeDecoder{}, Store: store, Clip: clips, Offsets: []time.Duration{0}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx) }()
	m.Want([]alert.Alert{{ID: alert.NewID(), Source: alert.CameraSource("east", "gate"), State: alert.Raised}}, onset, recorded(units))
	<-store.done // the picture
	sealed := <-store.done
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	nothingClear(t, units, data, temporary)
	checkSealed(t, box, sealed, key, units)
}

func record(t *testing.T, start time.Time) (units []source.AccessUnit) {
	t.Helper()
	path := footage.H264(t, footage.Clip{Seconds: 3})
	err := recording.Source{Path: path, FPS: 10, Start: start}.Run(t.Context(), func(u source.AccessUnit) { units = append(units, u) })
	if err != nil || len(units) != 30 {
		t.Fatalf("%d units, %v", len(units), err)
	}
	return units
}

// nothingClear looks for pieces of every coded picture in every file.
func nothingClear(t *testing.T, units []source.AccessUnit, folders ...string) {
	t.Helper()
	needles := [][]byte{[]byte("mdat"), []byte("moov"), []byte("ftyp"), []byte("avcC")}
	for _, u := range units {
		for _, n := range u.NALUs {
			needles = append(needles, n[:min(len(n), 24)])
		}
	}
	files := 0
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			files++
			data, err := os.ReadFile(path)
			if slices.ContainsFunc(needles, func(n []byte) bool { return bytes.Contains(data, n) }) {
				t.Errorf("%s holds a part of the clip in the clear", filepath.Base(path))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 3 { // database, picture, clip
		t.Errorf("looked into %d files", files)
	}
}

// checkSealed opens what the outbox keeps: the pictures are in there.
func checkSealed(t *testing.T, box *outbox.Outbox, e alert.Evidence, key seal.SecretKey, units []source.AccessUnit) {
	t.Helper()
	if !e.Sealed || e.MediaType != alert.SealedMP4 {
		t.Fatalf("%+v", e)
	}
	object, err := box.OpenEvidence(e.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	defer object.Close()
	plain, err := seal.Open(object, key)
	if err != nil {
		t.Fatal(err)
	}
	clear, err := io.ReadAll(plain)
	if err != nil {
		t.Fatal(err)
	}
	for i, u := range units {
		if !bytes.Contains(clear, u.NALUs[len(u.NALUs)-1]) {
			t.Fatalf("picture %d is not in the clip", i)
		}
	}
}
