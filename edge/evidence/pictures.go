package evidence

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"gridgate/edge/decode"
	"gridgate/edge/source"
	"gridgate/protocols/alert"
)

// view is one stream's pictures as far as they are at hand.
type view struct {
	stream string // as in [decode.WithStream]
	units  []source.AccessUnit
}

// views are where the pictures of a job may come from, the best first.
func (m *Maker) views(j *job) (out []view) {
	if m.main != nil {
		// Under a name of its own, so that a main stream that kills workers does not keep the camera from being watched.
		out = append(out, view{stream: m.opt.CameraID + " main", units: lastRun(m.main.snapshot())})
	}
	return append(out,
		view{stream: m.opt.CameraID, units: lastRun(j.ring.Window(j.onset.Add(m.opt.Offsets[0])))},
		view{stream: m.opt.CameraID, units: lastRun(j.units)})
}

// makePictures makes the pictures of moments, which ascend. It fails closed: what one view cannot give is asked of the next, and
// what none can give is not there.
func (m *Maker) makePictures(ctx context.Context, j *job, moments []time.Time) error {
	var errs []error
	for _, v := range m.views(j) {
		if len(moments) == 0 {
			break
		}
		var err error
		moments, err = m.shoot(ctx, j, v, moments)
		errs = append(errs, err)
	}
	err := errors.Join(errs...)
	m.count.noPicture.Add(uint64(len(moments) * len(j.alerts)))
	switch {
	case len(moments) > 0 && err == nil:
		return fmt.Errorf("%d moments are not in the stream", len(moments))
	case len(moments) > 0 || errors.Is(err, errStore):
		return err
	}
	return nil // what one view could not give, another did
}

var errStore = errors.New("store evidence")

// shot is a moment and the unit that shows it.
type shot struct {
	moment time.Time
	unit   int
}

// shoot makes and stores what v can show and returns the moments that are still without a picture.
func (m *Maker) shoot(ctx context.Context, j *job, v view, moments []time.Time) (left []time.Time, err error) {
	shots := v.find(moments)
	if len(shots) == 0 {
		return moments, nil
	}
	ctx, cancel := context.WithTimeout(decode.WithStream(ctx, v.stream), pictureTimeout)
	defer cancel()
	wanted := make([]int, 0, len(shots))
	for _, s := range shots {
		if !slices.Contains(wanted, s.unit) {
			wanted = append(wanted, s.unit)
		}
	}
	units, times := cut(v.units, wanted)
	if len(times) == 0 {
		return moments, fmt.Errorf("make picture: its group is longer than %d pictures", maxUnits)
	}
	pictures, err := m.opt.Decoder.Pictures(ctx, decode.PictureRequest{Units: units, At: times, Masks: m.covered()})
	if err != nil {
		return moments, fmt.Errorf("make picture: %w", err)
	}
	return m.keep(ctx, j, v, shots, moments, pictures)
}

// find tells which of the moments v can show.
func (v view) find(moments []time.Time) (out []shot) {
	for _, moment := range moments {
		if i := at(v.units, moment); i >= 0 {
			out = append(out, shot{moment: moment, unit: i})
		}
	}
	return out
}

// keep stores pictures and returns the moments that none of them shows.
func (m *Maker) keep(ctx context.Context, j *job, v view, shots []shot, moments []time.Time, pictures []decode.Picture) ([]time.Time, error) {
	left := slices.Clone(moments)
	var errs []error
	for _, p := range pictures {
		if len(p.JPEG) == 0 {
			continue
		}
		unit := nearest(v.units, shots, p.At)
		if p.At.IsZero() {
			p.At = v.units[unit].At
		}
		err := m.put(ctx, j, alert.Evidence{MediaType: alert.JPEG, At: p.At}, p.JPEG)
		errs = append(errs, err)
		for _, s := range shots {
			if s.unit == unit {
				left = slices.DeleteFunc(left, s.moment.Equal)
			}
		}
	}
	return left, errors.Join(errs...)
}

// nearest is the unit of shots that came closest to t.
func nearest(units []source.AccessUnit, shots []shot, t time.Time) int {
	return slices.MinFunc(shots, func(a, b shot) int {
		return int(units[a.unit].At.Sub(t).Abs() - units[b.unit].At.Sub(t).Abs())
	}).unit
}

// put stores one object for each alert of the job, unless the job has stored the same bytes before.
func (m *Maker) put(ctx context.Context, j *job, e alert.Evidence, object []byte) error {
	sum := sha256.Sum256(object)
	e.SHA256, e.Bytes, e.At = hex.EncodeToString(sum[:]), int64(len(object)), e.At.UTC()
	if j.stored[e.SHA256] {
		return nil
	}
	j.stored[e.SHA256] = true
	done, failed := &m.count.pictures, &m.count.noPicture
	if e.Sealed {
		done, failed = &m.count.clips, &m.count.noClip
	}
	var errs []error
	for _, a := range j.alerts {
		e.ID, e.Source, e.AlertID = alert.NewID(), a.Source, a.ID
		if err := m.opt.Store.Put(ctx, e, object); err != nil {
			failed.Add(1)
			errs = append(errs, fmt.Errorf("%w: %w", errStore, err))
			continue
		}
		done.Add(1)
	}
	return errors.Join(errs...)
}
