package camera

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"gridgate/edge/decode"
	"gridgate/edge/source"
	"gridgate/protocols/alert"
)

const (
	maxPictureJobs = 4
	pictureTimeout = 30 * time.Second
	// maxPictureUnits bounds what is decoded for one picture; an onset later in its group stays without.
	maxPictureUnits = 500
)

// pictureJob is the picture of one moment, for the alerts that were raised then. It is the only place where coded pictures
// outlive their group, and it holds at most [maxPictureJobs] of them.
type pictureJob struct {
	alerts []alert.Alert
	units  []source.AccessUnit // from the keyframe to the picture of the onset
}

// wantPicture asks for the picture of what was raised just now. It never waits: with too many to make there is none.
func (c *Camera) wantPicture(alerts []alert.Alert, s sample) {
	job := pictureJob{units: s.group}
	for _, a := range alerts {
		if a.State == alert.Raised {
			job.alerts = append(job.alerts, a)
		}
	}
	if len(job.alerts) == 0 || len(job.units) == 0 || c.opt.Evidence == nil {
		return
	}
	if len(job.units) > maxPictureUnits {
		c.status.count.noPicture.Add(uint64(len(job.alerts)))
		return
	}
	select {
	case c.jobs <- job:
	default:
		c.status.count.noPicture.Add(uint64(len(job.alerts)))
	}
}

// pictureLoop makes one picture at a time.
func (c *Camera) pictureLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case job := <-c.jobs:
			if err := c.makePicture(ctx, job); err != nil && ctx.Err() == nil {
				c.opt.Log.Warn("an alert stays without its picture", "err", err)
			}
		}
	}
}

// makePicture fails closed: whatever goes wrong, there is no picture.
func (c *Camera) makePicture(ctx context.Context, job pictureJob) error {
	ctx, cancel := context.WithTimeout(decode.WithStream(ctx, c.opt.ID), pictureTimeout)
	defer cancel()
	pictures, err := c.opt.Decoder.Pictures(ctx, decode.PictureRequest{Units: job.units, Masks: c.opt.Masks})
	if err == nil && (len(pictures) == 0 || len(pictures[0].JPEG) == 0) {
		err = errors.New("the decoder returned none")
	}
	if err != nil {
		c.status.count.noPicture.Add(uint64(len(job.alerts)))
		return fmt.Errorf("make picture: %w", err)
	}
	picture := pictures[0]
	var errs []error
	for _, a := range job.alerts {
		if err := c.opt.Evidence.Put(ctx, evidenceOf(a, picture), picture.JPEG); err != nil {
			c.status.count.noPicture.Add(1)
			errs = append(errs, fmt.Errorf("store picture: %w", err))
			continue
		}
		c.status.count.pictures.Add(1)
	}
	return errors.Join(errs...)
}

func evidenceOf(a alert.Alert, p decode.Picture) alert.Evidence {
	sum := sha256.Sum256(p.JPEG)
	at := p.At
	if at.IsZero() {
		at = a.OccurredAt
	}
	return alert.Evidence{
		ID: alert.NewID(), Source: a.Source, AlertID: a.ID, SHA256: hex.EncodeToString(sum[:]),
		MediaType: alert.JPEG, Bytes: int64(len(p.JPEG)), At: at.UTC(),
	}
}
