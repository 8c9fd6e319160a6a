package desired

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/durable"
)

// wish is what stands in the file of wishes.
type wish struct {
	Heard    bool                        `json:"heard"`            // false: central has not said whether it wants anything
	Wanted   *ingest.WantedConfiguration `json:"wanted,omitempty"` // nil: nothing
	Since    time.Time                   `json:"since"`
	Refused  string                      `json:"refused,omitempty"` // version of the edge's file that refused it
	Problems []ingest.Problem            `json:"problems,omitempty"`
	Before   *Health                     `json:"before,omitempty"` // how the edge was before the trial
}

// maxWish bounds the file, in bytes: 10,000 sensors and their names of 64 letters are most of it.
const maxWish = 2 << 20

func readWish(file string) (w wish, err error) {
	data, err := readSmall(file, maxWish)
	if errors.Is(err, fs.ErrNotExist) {
		return w, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &w)
	}
	if err == nil && w.Wanted != nil && !revision.MatchString(w.Wanted.Revision) {
		err = errors.New("it names no revision")
	}
	if err != nil {
		return wish{}, fmt.Errorf("read %s: %w", wishFile, err)
	}
	return w, nil
}

func readSmall(file string, most int64) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(data)) > most {
		err = errors.New("it is too large")
	}
	return data, err
}

// keep changes the wish on stable storage, and then here.
func (k *Keeper) keep(how func(*wish)) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	next := k.wish
	how(&next)
	data, err := json.Marshal(next)
	if err == nil {
		err = durable.Write(k.path(wishFile), data, 0o600)
	}
	if err != nil {
		return fmt.Errorf("keep what central wants: %w", err)
	}
	k.wish = next
	return nil
}

func few(problems []ingest.Problem) []ingest.Problem {
	return problems[:min(len(problems), ingest.MaxProblems)]
}

// revision is the SHA-256 of a text: it is the name of its file.
var revision = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Revision is that of a text.
func Revision(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

const textSuffix = ".yaml"

// text reads the text of a revision; one that is not what it was is an error.
func (k *Keeper) text(rev string) ([]byte, error) {
	if !revision.MatchString(rev) {
		return nil, errors.New("it has no name of a revision")
	}
	text, err := readSmall(k.path(rev+textSuffix), ingest.MaxConfiguration)
	if err == nil && Revision(text) != rev {
		err = errors.New("it is another text")
	}
	if err != nil {
		return nil, fmt.Errorf("read the wanted configuration: %w", err)
	}
	return text, nil
}

// tidy removes texts that are neither run nor wanted nor could be gone back to.
func (k *Keeper) tidy() error {
	s := k.trials.State()
	keep := []string{s.Running, s.Previous, k.running}
	if s.Trial != nil {
		keep = append(keep, s.Trial.Wanted)
	}
	if w := k.wanted(); w != nil {
		keep = append(keep, w.Revision)
	}
	texts, err := filepath.Glob(k.path("*" + textSuffix))
	if err != nil {
		return err
	}
	for _, file := range texts {
		if !slices.Contains(keep, strings.TrimSuffix(filepath.Base(file), textSuffix)) {
			if err := durable.Remove(file); err != nil {
				return fmt.Errorf("remove a configuration that nobody wants: %w", err)
			}
		}
	}
	return nil
}

func (k *Keeper) wanted() *ingest.WantedConfiguration {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.wish.Wanted
}

// Reset asks the edge whose folder it is, running or not, to go back to its own file. Without the folder there is nothing to go back from: it
// is not made, since a folder that an administrator made would not be the edge's.
func Reset(dir string) error {
	if !there(dir) {
		return nil
	}
	if err := durable.Write(filepath.Join(dir, resetFile), nil, 0o600); err != nil {
		return fmt.Errorf("ask for the edge's own file: %w", err)
	}
	return nil
}
