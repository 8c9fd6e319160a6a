package backup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"gridgate/protocols/kit/durable"
)

// Keep says which backups stay: the newest of each of the last so many days, weeks and months that have one, in UTC, and the newest
// of all anyhow.
type Keep struct{ Daily, Weekly, Monthly int }

// Choose divides backups, the oldest first as [List] has them, into those that stay and those that go.
func (k Keep) Choose(all []Manifest) (stay, gone []Manifest) {
	seen := map[string]bool{}
	left := map[string]int{"day": k.Daily, "week": k.Weekly, "month": k.Monthly}
	keep := make([]bool, len(all))
	for i := len(all) - 1; i >= 0; i-- {
		keep[i] = i == len(all)-1
		for sort, period := range periods(all[i].MadeAt) {
			if left[sort] > 0 && !seen[period] {
				seen[period], keep[i] = true, true
				left[sort]--
			}
		}
	}
	for i, m := range all {
		if keep[i] {
			stay = append(stay, m)
		} else {
			gone = append(gone, m)
		}
	}
	return stay, gone
}

func periods(at time.Time) map[string]string {
	at = at.UTC()
	year, week := at.ISOWeek()
	return map[string]string{"day": at.Format("2006-01-02"), "week": fmt.Sprintf("%d-W%d", year, week), "month": at.Format("2006-01")}
}

// Prune removes the backups in dir that k does not keep and says which they were. A backup that is being removed does not look like one
// any more. Pictures that a later backup has are linked there, and stay.
func Prune(dir string, k Keep) (gone []Manifest, err error) {
	if k.Daily < 0 || k.Weekly < 0 || k.Monthly < 0 || k == (Keep{}) {
		return nil, errors.New("say how many to keep, for example --keep-daily 7")
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := removePartial(dir); err != nil {
		return nil, err
	}
	all, _, err := List(dir)
	if err != nil {
		return nil, err
	}
	_, gone = k.Choose(all)
	for i, m := range gone {
		if err := remove(dir, m.Name); err != nil {
			return gone[:i], fmt.Errorf("remove the backup %s: %w", m.Name, err)
		}
	}
	return gone, nil
}

func remove(dir, name string) error {
	away := filepath.Join(dir, going+name)
	if err := os.Rename(filepath.Join(dir, name), away); err != nil {
		return err
	}
	if err := durable.SyncDir(dir); err != nil {
		return err
	}
	return os.RemoveAll(away)
}
