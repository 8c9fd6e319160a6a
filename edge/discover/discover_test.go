package discover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

// announcing answers a search with devices.
func announcing(list ...Announced) Announcer {
	return func(_ context.Context, found func(Announced)) error {
		for _, a := range list {
			found(a)
		}
		return nil
	}
}

func search(t *testing.T, o Options) Report {
	t.Helper()
	o.For = time.Second
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// camera is an entry of a proposal as the configuration reads it.
type camera struct {
	ID, URL, Sub, Username string
	Password               map[string]string
	Events                 struct {
		Protocol, URL, Username, Channel string
		Password                         map[string]string
	}
}

func entries(t *testing.T, f Found) (list []camera) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(f.Proposal), &list); err != nil {
		t.Fatalf("%v in:\n%s", err, f.Proposal)
	}
	return list
}

func TestProposesWhatADeviceTells(t *testing.T) {
	var asked []string
	ask := func(_ context.Context, address string) (Described, error) {
		asked = append(asked, address)
		if address != "http://192.0.2.10:8080/onvif/device_service" {
			return Described{}, errors.New("nobody is there")
		}
		return Described{
			Manufacturer: "HIKVISION", Model: "DS-7608NI-K2", SkewKnown: true, Skew: 90 * time.Second,
			Channels: []Channel{{Number: "1", Main: "rtsp://10.0.0.1:554/Streaming/Channels/101?transportmode=unicast", Sub: "rtsp://10.0.0.1:554/Streaming/Channels/102"}, {Number: "2", Main: "rtsp://0.0.0.0/2"}},
		}, nil
	}
	r := search(t, Options{
		Ask: ask, Account: Account{Username: "watch", Env: "CAMERAS"},
		Announce: announcing(
			Announced{From: netip.MustParseAddr("192.0.2.10"), Addresses: []string{"http://169.254.3.4/onvif/device_service", "https://192.0.2.10/onvif/device_service", "http://192.0.2.10/onvif/device_service", "http://192.0.2.10:8080/onvif/device_service"}},
			Announced{From: netip.MustParseAddr("::ffff:192.0.2.10")}, // the same, over another interface
		),
	})
	if len(r.Found) != 1 || r.More {
		t.Fatalf("found %+v", r)
	}
	if fmt.Sprint(asked) != "[http://192.0.2.10/onvif/device_service http://192.0.2.10:8080/onvif/device_service]" {
		t.Errorf("asked at %q", asked)
	}
	f := r.Found[0]
	if f.Manufacturer != "Hikvision" || f.Model != "DS-7608NI-K2" || !strings.HasPrefix(fmt.Sprint(f.Notes), "[its clock is 1m30s off: give it a time server which of its events") {
		t.Errorf("found %+v", f)
	}
	got := entries(t, f)
	if len(got) != 2 {
		t.Fatalf("%d entries:\n%s", len(got), f.Proposal)
	}
	first := got[0]
	if first.ID != "cam-192-0-2-10-1" || first.URL != "rtsp://192.0.2.10:554/Streaming/Channels/101?transportmode=unicast" || first.Sub != "rtsp://192.0.2.10:554/Streaming/Channels/102" {
		t.Errorf("first: %+v", first)
	}
	if !strings.Contains(f.Proposal, "# channel: ...") {
		t.Errorf("whose events are whose is not asked:\n%s", f.Proposal)
	}
	if first.Username != "watch" || first.Password["env"] != "CAMERAS" || first.Events.Protocol != ONVIF || first.Events.URL != "http://192.0.2.10:8080" || first.Events.Password["env"] != "CAMERAS" {
		t.Errorf("first: %+v", first)
	}
	if got[1].ID != "cam-192-0-2-10-2" || got[1].URL != "rtsp://192.0.2.10/2" || got[1].Sub != "" {
		t.Errorf("second: %+v", got[1])
	}
}

func TestSaysWhatIsNotKnown(t *testing.T) {
	silent := func(context.Context, string) (Described, error) { return Described{}, errors.New("no") }
	refusing := func(context.Context, string) (Described, error) {
		return Described{SkewKnown: true, Refused: true}, errors.New("401")
	}
	from := netip.MustParseAddr("192.0.2.11")
	for _, test := range []struct {
		name     string
		ask      Asker
		a        Announced
		url      string
		says     []string
		manufact string
	}{
		{"nothing but that it is there", silent, Announced{From: from}, "", []string{"could not be asked", "demanded: url: rtsp://192.0.2.11:554/...", "unknown manufacturer"}, ""},
		{"wants an account", refusing, Announced{From: from, Name: "Reolink"}, "rtsp://192.0.2.11:554/h264Preview_01_main", []string{"to an account only", "not tried"}, "Reolink"},
		{"a name that holds another's", nil, Announced{From: from, Name: "praxis of dr. li", Make: "front door"}, "", nil, ""},
		{"an account in the address of a stream", func(context.Context, string) (Described, error) {
			return Described{Channels: []Channel{{Number: "1", Main: "rtsp://192.0.2.11/user=admin&password=tlJwpbo6&channel=1"}}}, nil
		}, Announced{From: from}, "", []string{"writes an account into the address"}, ""},
		{"an account before the host", func(context.Context, string) (Described, error) {
			return Described{Channels: []Channel{{Number: "1", Main: "rtsp://admin:tlJwpbo6@192.0.2.11/1"}}}, nil
		}, Announced{From: from}, "rtsp://192.0.2.11/1", nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := search(t, Options{Announce: announcing(test.a), Ask: test.ask})
			f := r.Found[0]
			all := fmt.Sprint(f.Notes) + f.Proposal
			for _, want := range test.says {
				if !strings.Contains(all, want) {
					t.Errorf("%q is not said in:\n%s", want, all)
				}
			}
			for _, wrong := range []string{"tlJwpbo6", "dr. li", "front door", "admin"} {
				if strings.Contains(all, wrong) {
					t.Errorf("%q is told:\n%s", wrong, all)
				}
			}
			if got := entries(t, f)[0]; got.URL != test.url || f.Manufacturer != test.manufact {
				t.Errorf("%q %+v", f.Manufacturer, got)
			}
		})
	}
}

func TestTellsNoSerialNumber(t *testing.T) {
	for text, model := range map[string]string{
		"DS-2CD2142FWD-I":                      "DS-2CD2142FWD-I",
		"DS-2CD2142FWD-I20160101CCWR123456789": "",
		"Login to 3K04F1BPAZ12345":             "",
		"Login to 8f2a9c":                      "",
		"IP Camera(23306)":                     "",
		"IPC-HDW5442TM-AS":                     "IPC-HDW5442TM-AS",
		"RLC-810A":                             "RLC-810A",
		"AXIS_ACCC8E0A1B2C":                    "",
		"00:11:22:aa:bb:cc":                    "",
		"ACCC8E0A1B2C":                         "",
		"Frau Schmidt":                         "",
		"2 Zhang San":                          "",
		"E22 1234567890":                       "",
	} {
		var f Found
		f.realm(text)
		f.model(text)
		if f.Model != model {
			t.Errorf("%q: model %q, want %q", text, f.Model, model)
		}
		if told, _ := json.Marshal(f); model == "" && strings.Contains(string(told), text) {
			t.Errorf("%q is told: %s", text, told)
		}
	}
}

func TestFindsNoMoreThanThereIsRoomFor(t *testing.T) {
	var many []Announced
	a := netip.MustParseAddr("10.0.0.1")
	for range MaxFound + 10 {
		many = append(many, Announced{From: a})
		a = a.Next()
	}
	r := search(t, Options{Announce: announcing(many...)})
	if len(r.Found) != MaxFound || !r.More {
		t.Errorf("%d found, more: %v", len(r.Found), r.More)
	}
}

func TestSearchThatFails(t *testing.T) {
	broken := func(_ context.Context, found func(Announced)) error {
		found(Announced{From: netip.MustParseAddr("192.0.2.1")})
		return errors.New("no network")
	}
	r, err := Run(t.Context(), Options{Announce: broken, For: time.Second})
	if err == nil || len(r.Found) != 1 {
		t.Errorf("%v, %+v", err, r)
	}
}

func FuzzTextOfStrangers(f *testing.F) {
	for _, s := range []string{"rtsp://1.2.3.4/a\"b\n  evil: true", "DS-2CD2142FWD-I", "HIKVISION", "rtsp://u:p@h/\u2028x", "http://[::1]:80/x", "a: b\n- c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ask := func(context.Context, string) (Described, error) {
			return Described{Manufacturer: s, Model: s, Channels: []Channel{{Number: s, Main: s, Sub: s}, {Number: "2", Main: "rtsp://h/" + s}}}, nil
		}
		r, err := Run(t.Context(), Options{For: time.Second, Ask: ask, Announce: announcing(Announced{From: netip.MustParseAddr("192.0.2.1"), Name: s, Make: s, Addresses: []string{s, "http://192.0.2.1/" + s}})})
		if err != nil {
			t.Fatal(err)
		}
		got := entries(t, r.Found[0])
		if len(got) != 2 || got[0].Password["env"] == "" || got[0].Username != "" {
			t.Fatalf("%+v from:\n%s", got, r.Found[0].Proposal)
		}
		if len(r.Found[0].Proposal) > 8<<10 {
			t.Fatalf("%d bytes", len(r.Found[0].Proposal))
		}
	})
}
