package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gridgate/edge/discover"
)

// neighbours answers a search with one recorder that has two channels.
func neighbours(t *testing.T) DiscoverOptions {
	t.Helper()
	return DiscoverOptions{
		For: time.Second, Format: "yaml",
		Announce: func(_ context.Context, found func(discover.Announced)) error {
			found(discover.Announced{From: netip.MustParseAddr("192.0.2.10"), Make: "DS-7608NI-K2"})
			return nil
		},
		Ask: func(username, password string) discover.Asker {
			return func(context.Context, string) (discover.Described, error) {
				if username != "watch" || password != "open sesame" {
					return discover.Described{SkewKnown: true, Refused: true}, errors.New("401")
				}
				return discover.Described{Manufacturer: "HIKVISION", Channels: []discover.Channel{{Number: "1", Main: "rtsp://192.0.2.10/1"}, {Number: "2", Main: "rtsp://192.0.2.10/2", Sub: "rtsp://192.0.2.10/2s"}}}, nil
			}
		},
	}
}

func discovered(t *testing.T, o DiscoverOptions) (stdout, stderr string, code int) {
	t.Helper()
	var out, reasons bytes.Buffer
	code = Discover(t.Context(), o, &out, &reasons)
	return out.String(), reasons.String(), code
}

// filled writes what the law demands into a proposal, as an integrator does.
func filled(proposal string) string {
	for comment, text := range map[string]string{
		`# demanded: place: {grid: "...", kind: ...}`: `place: {grid: "110101001001001", kind: gate}`,
		"# demanded: owner: ...":                      "owner: East Gate",
		"# demanded: purpose: ...":                    "purpose: safety",
		"# demanded: legal_basis: ...":                "legal_basis: art. 7",
	} {
		proposal = strings.ReplaceAll(proposal, comment, text)
	}
	return proposal
}

func TestCheckNamesWhatAProposalLeavesOut(t *testing.T) {
	o := neighbours(t)
	o.Username, o.PasswordFile = "watch", filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(o.PasswordFile, []byte("open sesame\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	proposal, _, code := discovered(t, o)
	if code != ExitOK || strings.Contains(proposal, "sesame") {
		t.Fatalf("exit %d:\n%s", code, proposal)
	}
	const head = "edge: east-gate\ndata: data\ncentral: {url: \"http://127.0.0.1:8420\", token: {env: TOKEN}}\n"
	var out, reasons bytes.Buffer
	if code := Check(CheckOptions{Config: folder(t, head+proposal, goodMapping)}, &out, &reasons); code != ExitFailed {
		t.Errorf("what the law demands is not missed: exit %d", code)
	}
	for _, field := range []string{"cameras[0].owner", "cameras[1].legal_basis", "cameras[0].place.grid", "cameras[1].purpose"} {
		if !strings.Contains(out.String(), field) {
			t.Errorf("%s is not named:\n%s", field, out.String())
		}
	}
	out.Reset()
	if code := Check(CheckOptions{Config: folder(t, head+filled(proposal), goodMapping)}, &out, &reasons); code != ExitOK {
		t.Errorf("exit %d: %s\n%s", code, out.String(), filled(proposal))
	}
}

func TestDiscoverSaysWhatItDoesNotKnow(t *testing.T) {
	o := neighbours(t)
	o.Format = "json"
	out, reasons, code := discovered(t, o)
	var f struct {
		Address, Manufacturer, Model, Proposal string
		Notes                                  []string
	}
	if err := json.Unmarshal([]byte(out), &f); code != ExitOK || err != nil {
		t.Fatalf("exit %d, %v: %s", code, err, out)
	}
	if f.Address != "192.0.2.10" || f.Manufacturer != "Hikvision" || f.Model != "DS-7608NI-K2" || !strings.Contains(strings.Join(f.Notes, ""), "to an account only") {
		t.Errorf("found %+v", f)
	}
	if !strings.Contains(f.Proposal, "not tried") || !strings.Contains(reasons, "not among them") {
		t.Errorf("%s\n%s", f.Proposal, reasons)
	}
	o.Format = "text"
	if out, _, _ := discovered(t, o); !strings.HasPrefix(out, "# 192.0.2.10       Hikvision DS-7608NI-K2 at 192.0.2.10 (onvif)\n") {
		t.Errorf("text:\n%s", out)
	}
}

func TestDiscoverRefuses(t *testing.T) {
	for name, change := range map[string]func(*DiscoverOptions){
		"a subnet that is too large":   func(o *DiscoverOptions) { o.Subnet = "10.0.0.0/8" },
		"a subnet that is none":        func(o *DiscoverOptions) { o.Subnet = "here" },
		"a search that takes too long": func(o *DiscoverOptions) { o.For = time.Hour },
		"two places of a password":     func(o *DiscoverOptions) { o.Username, o.PasswordFile, o.PasswordEnv = "a", "b", "c" },
		"an address that is none":      func(o *DiscoverOptions) { o.Announce, o.At = nil, []string{"camera.example"} },
		"an interface that is none":    func(o *DiscoverOptions) { o.Announce, o.Interface = nil, "nowhere0" },
		"a file that is not there":     func(o *DiscoverOptions) { o.Username, o.PasswordFile = "a", "/nowhere/password" },
	} {
		o := neighbours(t)
		change(&o)
		if _, reasons, code := discovered(t, o); code != ExitUsage || reasons == "" {
			t.Errorf("%s: exit %d, %q", name, code, reasons)
		}
	}
	o := neighbours(t)
	o.Announce = func(context.Context, func(discover.Announced)) error { return errors.New("no network") }
	if out, reasons, code := discovered(t, o); code != ExitFailed || !strings.Contains(reasons, "no network") || !strings.Contains(out, "nothing was found") {
		t.Errorf("no network: exit %d, %q, %q", code, reasons, out)
	}
}
