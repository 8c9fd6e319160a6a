package probe

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/vendor"
)

// telling is a device that tells this and fails, or waits for the end.
type telling struct {
	list []observation.Translation
	err  error
}

func (s telling) Run(ctx context.Context, emit vendor.Emit) error {
	for _, t := range s.list {
		emit(t)
	}
	if s.err != nil {
		return s.err
	}
	<-ctx.Done()
	return nil
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func hearNow(s vendor.Stream) EventReport {
	return Listen(context.Background(), s, 20*time.Millisecond, func() time.Time { return noon })
}

func told(list ...observation.Observation) observation.Translation {
	return observation.Translation{Observations: list}
}

func TestListenTellsSortsOfEvents(t *testing.T) {
	motion := observation.Observation{Device: "1", Zone: "2", Kind: alert.Motion, Phase: observation.Active, Expires: 5 * time.Second}
	over, kept := motion, motion
	over.Phase, kept.Retained = observation.Inactive, true
	r := hearNow(telling{list: []observation.Translation{
		{Quiet: true, Ignored: "a heartbeat", Meta: observation.Meta{Time: noon.Add(-8 * time.Hour)}},
		told(kept), told(motion, observation.Observation{Device: "2", Kind: alert.Tamper, Phase: observation.Momentary}), told(motion), told(over),
		{Ignored: "it says who somebody is", Meta: observation.Meta{Topic: "FaceRecognition"}}, {Ignored: "it says who somebody is", Meta: observation.Meta{Topic: "FaceRecognition"}},
	}})
	if r.Err != nil || r.Messages != 7 || r.Heartbeats != 1 || r.Skew != -8*time.Hour {
		t.Errorf("%+v", r)
	}
	if got := fmt.Sprintf("%+v", r.Kinds); got != "[{Kind:motion Channel:1 Zone:2 Raises:2 Held:1 Ends:1 Expires:true} {Kind:tamper Channel:2 Zone: Raises:1 Held:0 Ends:0 Expires:false}]" {
		t.Errorf("kinds %s", got)
	}
	if got := fmt.Sprintf("%+v", r.Ignored); got != "[{Topic:FaceRecognition Why:it says who somebody is Times:2}]" {
		t.Errorf("ignored %s", got)
	}
	if advice := strings.Join(r.Advice("onvif"), "; "); !strings.Contains(advice, "-8h0m0s off") || !strings.Contains(advice, "tells no end") {
		t.Errorf("advice %q", advice)
	}
}

func TestAdviceOnEvents(t *testing.T) {
	kept := told(observation.Observation{Kind: alert.Motion, Phase: observation.Active, Retained: true})
	for want, s := range map[string]telling{
		"Notify Surveillance Center":  {},
		"refused the user name":       {err: fmt.Errorf("events: %w", vendor.ErrAuth)},
		"locked this address out":     {err: vendor.ErrBlocked},
		"does not tell events":        {err: vendor.ErrUnsupported},
		"--fingerprint":               {err: vendor.ErrCertificate},
		"failed: the cable is cut":    {err: errors.New("the cable is cut")},
		"nothing that would be heede": {list: []observation.Translation{{Quiet: true}}},
		"nothing happened":            {list: []observation.Translation{kept}},
	} {
		if got := hearNow(s).Advice("hikvision"); len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("%q: %q", want, got)
		}
	}
}

func TestListenIsBounded(t *testing.T) {
	var s telling
	for i := range 3 * maxSorts {
		s.list = append(s.list, told(observation.Observation{Device: fmt.Sprint(i), Kind: alert.Motion}), observation.Translation{Ignored: fmt.Sprint(i)})
	}
	if r := hearNow(s); len(r.Kinds) != maxSorts || len(r.Ignored) != maxSorts || r.Messages != 6*maxSorts {
		t.Errorf("%d kinds, %d ignored, %d messages", len(r.Kinds), len(r.Ignored), r.Messages)
	}
}
