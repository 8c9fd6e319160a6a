package remote

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"

	"gridgate/deploy/testkit/leak"
	"gridgate/edge/decode"
	"gridgate/edge/detect"
	"gridgate/protocols/alert"
)

// actAs makes this test binary a local detector: the variable holds its script, the first argument.
const actAs = "as-detector"

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == actAs {
		localDetector(os.Args[2])
		return
	}
	leak.Main(m)
}

// localDetector answers each line by script: the text of the predictions, or a word for what goes wrong.
func localDetector(script string) {
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var r Request
		if err := json.Unmarshal(line, &r); err != nil || !bytes.Equal(r.Image, jpeg) {
			os.Exit(3)
		}
		switch script {
		case "die":
			os.Exit(1)
		case "hang":
			continue
		case "garbage":
			fmt.Println("hello")
		case "flood":
			fmt.Println(strings.Repeat("x", maxAnswer+1))
		default:
			fmt.Printf(`{"id":%d,"predictions":%s}`+"\n", r.ID, script)
		}
	}
}

var jpeg = []byte("\xff\xd8 a redacted picture")

// still is a [detect.Looker] with one picture of 200x100 pixels.
type still struct{ err error }

func (s still) Picture(context.Context) (decode.Picture, error) {
	return decode.Picture{JPEG: jpeg, Width: 200, Height: 100}, s.err
}
func (s still) Faces(context.Context) ([]decode.Face, error) {
	return nil, errors.New("a remote detector gets no faces")
}

// overHTTP answers as localDetector does.
func overHTTP(t *testing.T, script string) Options {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		file, _, err := r.FormFile("image")
		switch {
		case err != nil && script == "hang": // who asked has gone
			return
		case err != nil:
			t.Errorf("no image: %v", err)
			return
		}
		if got, _ := io.ReadAll(file); !bytes.Equal(got, jpeg) {
			t.Errorf("image is %q", got)
		}
		switch script {
		case "die":
			w.WriteHeader(http.StatusInternalServerError)
		case "hang":
			<-r.Context().Done()
		case "garbage":
			fmt.Fprintln(w, "hello")
		case "flood":
			fmt.Fprintln(w, strings.Repeat("x", maxAnswer+1))
		default:
			fmt.Fprintf(w, `{"success":true,"predictions":%s,"moduleName":"example","count":1}`, script)
		}
	}))
	t.Cleanup(server.Close)
	return Options{URL: server.URL}
}

func byProcess(_ *testing.T, script string) Options {
	return Options{Command: []string{os.Args[0], actAs, script}}
}

// start runs a detector of either sort.
func start(t *testing.T, o Options) *Detector {
	t.Helper()
	o.Name = "test"
	o.Timeout = cmp.Or(o.Timeout, time.Minute) // a process may take its time to start
	o.Labels = map[string]alert.Kind{"person": alert.Intrusion, "smoke": alert.Smoke}
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return d
}

var zones = []detect.Zone{
	{Name: "left", Polygon: detect.Polygon{{X: 0, Y: 0}, {X: 0.5, Y: 0}, {X: 0.5, Y: 1}, {X: 0, Y: 1}}},
	{Name: "all"},
}

func (d *Detector) try(t *testing.T) (detect.Verdict, error) {
	t.Helper()
	return d.Hook(zones).Detect(t.Context(), detect.Input{Look: still{}})
}

const twoBoxes = `[{"label":"person","confidence":0.8,"x_min":20,"y_min":20,"x_max":60,"y_max":80,"extra":{"area":1}},
	{"label":"smoke","confidence":0.9,"x_min":120,"y_min":0,"x_max":240,"y_max":50},
	{"label":"cat","confidence":0.9,"x_min":0,"y_min":0,"x_max":10,"y_max":10},
	{"label":"person","confidence":0.2,"x_min":0,"y_min":0,"x_max":10,"y_max":10}]`

// TestContract is what both sorts of detector promise.
func TestContract(t *testing.T) {
	for name, make := range map[string]func(*testing.T, string) Options{"http": overHTTP, "process": byProcess} {
		t.Run(name, func(t *testing.T) {
			t.Run("boxes", func(t *testing.T) {
				v, err := start(t, make(t, strings.ReplaceAll(twoBoxes, "\n", ""))).try(t)
				if err != nil || !v.Judged || len(v.Detections) != 3 {
					t.Fatalf("%+v, %v", v, err)
				}
				left := v.Detections[0]
				if left.Zone != "left" || left.Kind != alert.Intrusion || left.Score != 0.8 || fmt.Sprintf("%.3f", left.Boxes[0]) != "{0.100 0.200 0.200 0.600}" {
					t.Errorf("%+v", left)
				}
				if smoke := v.Detections[2]; smoke.Zone != "all" || smoke.Kind != alert.Smoke || fmt.Sprintf("%.3f", smoke.Boxes[0].W) != "0.400" {
					t.Errorf("%+v", smoke)
				}
			})
			t.Run("nothing", func(t *testing.T) {
				d := start(t, make(t, "[]"))
				for range 3 {
					if v, err := d.try(t); err != nil || !v.Judged || len(v.Detections) != 0 {
						t.Fatalf("%+v, %v", v, err)
					}
				}
			})
			for _, text := range []string{
				`[{"label":"person","confidence":0.8,"x_min":1,"y_min":1,"x_max":6,"y_max":8,"userid":"somebody"}]`,
				`[{"label":"person","confidence":0.8,"x_min":1,"y_min":1,"x_max":6,"y_max":8,"more":[{"gender":"x"}]}]`,
				`[{"label":"male","confidence":0.1,"x_min":1,"y_min":1,"x_max":6,"y_max":8}]`,
			} {
				t.Run("identity", func(t *testing.T) {
					d := start(t, make(t, text))
					if v, err := d.try(t); !errors.Is(err, errIdentity) || v.Judged || d.Stats().Identity != 1 {
						t.Fatalf("%+v, %v, %+v", v, err, d.Stats())
					}
				})
			}
			for _, script := range []string{"die", "hang", "garbage", "flood", `{}`, `[{"label":"person","confidence":0.9}]`} {
				t.Run(script, func(t *testing.T) {
					o := make(t, script)
					if script == "hang" {
						o.Timeout = 200 * time.Millisecond
					}
					d := start(t, o)
					if v, err := d.try(t); err == nil || v.Judged || d.Stats().Failed != 1 {
						t.Fatalf("%+v, %v, %+v", v, err, d.Stats())
					}
				})
			}
		})
	}
}

// TestTheWholeAnswerIsLookedAt, not the boxes alone.
func TestTheWholeAnswerIsLookedAt(t *testing.T) {
	d, err := New(Options{Name: "boxes", URL: "http://127.0.0.1:1/", Labels: map[string]alert.Kind{"person": alert.Intrusion}})
	if err != nil {
		t.Fatal(err)
	}
	const box = `{"label":"person","confidence":0.8,"x_min":1,"y_min":1,"x_max":6,"y_max":8}`
	deep := strings.Repeat("[", 5000) + `{"age":7}` + strings.Repeat("]", 5000)
	for text, want := range map[string]error{
		`{"success":true,"count":1,"predictions":[` + box + `],"moduleName":"Objects","statusData":null,"timestampUTC":"name"}`: nil,
		`{"predictions":[` + box + `],"more":` + deep + `}`:                                                                     errIdentity,
		`{"predictions":[],"faces":[{"box":[1,2]}]}`:                                                                            errIdentity,
		`{"success":false,"predictions":[],"message":{"a":["name",{"person_id":7}]}}`:                                           errIdentity,
		`{"predictions":[` + box + `]`:                                                                                          errAnswer,
	} {
		if _, err := d.read([]byte(text), 10, 10); !errors.Is(err, want) {
			t.Errorf("%.100s: %v", text, err)
		}
	}
}

func TestAProcessThatDiedIsStartedAgain(t *testing.T) {
	d := start(t, byProcess(t, "die"))
	for range 2 {
		if _, err := d.try(t); err == nil {
			t.Fatal("a dead process answered")
		}
	}
	if s := d.Stats(); s.Failed != 2 {
		t.Fatalf("%+v", s)
	}
}

func TestAFailingDetectorRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker()
		fail := errors.New("no")
		asked := 0
		for range 3600 {
			if b.allow() {
				asked++
				b.note(fail)
			}
			<-time.After(time.Second)
		}
		if asked < failures+10 || asked > failures+40 {
			t.Fatalf("asked %d times in an hour of failures", asked)
		}
		<-time.After(restMax)
		if !b.allow() || b.allow() {
			t.Fatal("after its rest one question is let through, and one only")
		}
		b.note(nil)
		if !b.allow() {
			t.Fatal("a good answer does not end the rest")
		}
	})
}

func TestWithoutAPictureNobodyIsAsked(t *testing.T) {
	d := start(t, overHTTP(t, "[]"))
	if _, err := d.Hook(zones).Detect(t.Context(), detect.Input{Look: still{err: decode.ErrBusy}}); !errors.Is(err, decode.ErrBusy) || d.Stats().Asked != 0 {
		t.Fatalf("%v, %+v", err, d.Stats())
	}
}

func TestNewRefuses(t *testing.T) {
	for name, o := range map[string]Options{
		"neither":  {},
		"both":     {URL: "http://127.0.0.1:1/", Command: []string{"true"}},
		"identity": {URL: "http://127.0.0.1:1/", Labels: map[string]alert.Kind{"face": alert.Intrusion}},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"success":true,"predictions":` + twoBoxes + `}`))
	f.Add([]byte(`{"predictions":[{"label":"person","confidence":1e999,"x_min":-1}]}`))
	f.Add([]byte(`{"predictions":[[[[[]]]]]}`))
	d, err := New(Options{URL: "http://127.0.0.1:1/", Labels: map[string]alert.Kind{"person": alert.Intrusion}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		boxes, err := d.read(text, 200, 100)
		if err != nil && boxes != nil {
			t.Fatal("boxes beside an error")
		}
		for _, p := range boxes {
			b := p.box
			if p.kind != alert.Intrusion || p.score < 0.5 || p.score > 1 || b.X < 0 || b.Y < 0 || !(b.W > 0) || !(b.H > 0) || b.X+b.W > 1.000001 || b.Y+b.H > 1.000001 {
				t.Fatalf("%+v", p)
			}
		}
	})
}
