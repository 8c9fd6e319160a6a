package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"gridgate/central/client"
	"gridgate/deploy/testkit/stage"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// walk is one profile, from its first step after intake to its last: who does what.
type walk struct {
	workflow string
	steps    []turn
	ends     string // the step that it ends at
	rated    bool
}

// turn is one action of somebody, by their role.
type turn struct {
	role string
	do   client.CaseStep
}

func ptr[T any](v T) *T { return &v }

func act(action string) client.CaseStep { return client.CaseStep{Action: action} }

// walks are the shipped profiles, each from an alert to its end.
var walks = []walk{
	{"base", []turn{
		{"operator", act("acknowledge")}, {"operator", client.CaseStep{Action: "dispatch", Unit: ptr("fire")}}, {"worker", act("accept")},
		{"worker", act("feed-back")}, {"verifier", act("verify")}, {"supervisor", client.CaseStep{Action: "evaluate", Rating: ptr(int64(5))}},
	}, "evaluate", true},
	{"report-route-verify", []turn{
		{"worker", act("acknowledge")}, {"operator", client.CaseStep{Action: "dispatch", Unit: ptr("fire")}}, {"worker", act("accept")},
		{"worker", act("feed-back")}, {"verifier", act("verify")},
	}, "verify", false},
	{"seven-orders", []turn{
		{"operator", act("acknowledge")}, {"operator", act("sift")}, {"operator", client.CaseStep{Action: "dispatch", Unit: ptr("fire")}},
		{"worker", act("accept")}, {"worker", act("feed-back")}, {"verifier", client.CaseStep{Action: "evaluate", Rating: ptr(int64(4))}},
	}, "evaluate", true},
	{"accept-dispatch", []turn{
		{"operator", act("acknowledge")}, {"operator", client.CaseStep{Action: "dispatch", Unit: ptr("fire")}}, {"worker", act("accept")},
		{"worker", act("feed-back")}, {"verifier", act("verify")},
	}, "verify", false},
}

// town is a central process with an account for each role, each with a signed-in client.
type town struct {
	*pair
	url   string
	staff map[string]*client.ClientWithResponses
}

func newTown(t *testing.T) *town {
	t.Helper()
	p := &pair{t: t, dir: t.TempDir()}
	var err error
	if p.central, err = stage.FreeAddress(""); err != nil {
		t.Fatal(err)
	}
	p.write("central.yaml", fmt.Sprintf("listen: %s\ndata: data\n", p.central))
	d := &town{pair: p, url: "http://" + p.central, staff: map[string]*client.ClientWithResponses{}}
	const password = "correct horse battery"
	for _, role := range []string{"operator", "worker", "supervisor", "verifier", "administrator"} {
		args := []string{"user", "add", "--config", "central.yaml", "--role", role, "--stdin"}
		if role == "worker" {
			args = append(args, "--unit", "fire")
		}
		p.must(password, "gridgate-central", append(args, "the-"+role)...)
	}
	p.centralRuns = p.start("gridgate-central", "central.log", "serve", "--config", p.path("central.yaml"))
	d.ready()
	for _, role := range []string{"operator", "worker", "supervisor", "verifier", "administrator"} {
		d.staff[role] = d.signIn("the-"+role, password)
	}
	return d
}

// ready waits until central is.
func (d *town) ready() {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), patience)
	defer cancel()
	if err := d.centralRuns.WaitReady(ctx, d.url+"/readyz"); err != nil {
		d.t.Fatal(err)
	}
}

func (d *town) signIn(name, password string) *client.ClientWithResponses {
	d.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		d.t.Fatal(err)
	}
	c, err := client.NewClientWithResponses(d.url, client.WithHTTPClient(&http.Client{Jar: jar, Timeout: patience}))
	if err != nil {
		d.t.Fatal(err)
	}
	answer, err := c.SignInWithResponse(d.t.Context(), client.SignInInputBody{User: name, Password: password})
	if err != nil || answer.StatusCode()/100 != 2 {
		d.t.Fatalf("%s signs in: %v %s", name, err, answer.Body)
	}
	return c
}

// smoke posts an alert of a device by a program's token.
func (d *town) smoke(token, device string) {
	d.t.Helper()
	id, now := alert.NewID(), time.Now()
	e, err := alert.Encode(alert.Alert{
		ID: id, Source: alert.SensorSource("hall", device), Kind: alert.Smoke, State: alert.Raised, Situation: id, Key: alert.KeyOf("hall", device, "", alert.Smoke),
		Severity: alert.Critical, Grid: "330106109001", OccurredAt: now, Clock: alert.EdgeClock, RaisedAt: now, Origin: "zigbee2mqtt",
	})
	if err != nil {
		d.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, d.url+ingest.EventsPath, strings.NewReader(string(alert.EncodeBatch([][]byte{e}))))
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", alert.BatchContentType)
	r.Close = true // central may have been started anew since the last one
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		d.t.Fatalf("the alert: %s", answer.Status)
	}
}

// taken waits for the open case of a device that was taken into a loop.
func (d *town) taken(workflow, device string) uuid.UUID {
	d.t.Helper()
	var id uuid.UUID
	eventually(d.t, "the case is in its loop", func(ctx context.Context) (bool, error) {
		list, err := d.staff["operator"].ListCasesWithResponse(ctx, &client.ListCasesParams{})
		if err != nil || list.JSON200 == nil {
			return false, err
		}
		i := slices.IndexFunc(list.JSON200.Items, func(c client.Case) bool {
			return strings.HasSuffix(c.Source, "/"+device) && c.Workflow != nil && *c.Workflow == workflow
		})
		if i >= 0 {
			id, err = uuid.Parse(list.JSON200.Items[i].Id)
		}
		return i >= 0, err
	})
	return id
}

// step does a turn on the case as it is now, and returns the status.
func (d *town) step(id uuid.UUID, by turn) (int, *client.StepCaseResponse) {
	d.t.Helper()
	answer, err := d.staff[by.role].StepCaseWithResponse(d.t.Context(), id, &client.StepCaseParams{}, by.do)
	if err != nil {
		d.t.Fatal(err)
	}
	return answer.StatusCode(), answer
}

// TestEachLoopFromAlertToItsEnd leads a case through each of the four shipped profiles, by accounts of their roles and against a real
// process: what a role may not do it is refused on the way, and who handled does not verify.
func TestEachLoopFromAlertToItsEnd(t *testing.T) {
	d := newTown(t)
	token := d.must("", "gridgate-central", "token", "add", "sensors", "--scope", "events", "--config", "central.yaml")
	for _, w := range walks {
		t.Run(w.workflow, func(t *testing.T) {
			d.t = t
			chosen, err := d.staff["administrator"].PutLoopWithResponse(t.Context(), &client.PutLoopParams{}, client.Choice{Workflow: w.workflow, Calendar: "cn"})
			if err != nil || chosen.StatusCode()/100 != 2 {
				t.Fatalf("choose the workflow: %v %s", err, chosen.Body)
			}
			d.smoke(token, w.workflow)
			id := d.taken(w.workflow, w.workflow)
			for i, turn := range w.steps {
				if status, _ := d.step(id, withRole(turn, "administrator")); status != http.StatusForbidden {
					t.Errorf("step %d by an administrator: %d", i, status)
				}
				if turn.role == "verifier" {
					if status, _ := d.step(id, withRole(turn, "worker")); status != http.StatusForbidden {
						t.Errorf("who handled it does %s, too: %d", turn.do.Action, status)
					}
				}
				if status, answer := d.step(id, turn); status != http.StatusOK {
					t.Fatalf("%s by %s: %d %s", turn.do.Action, turn.role, status, answer.Body)
				}
			}
			file, err := d.staff["supervisor"].GetCaseWithResponse(t.Context(), id, &client.GetCaseParams{})
			if err != nil || file.JSON200 == nil {
				t.Fatalf("%v %s", err, file.Body)
			}
			c := file.JSON200
			if c.State != "closed" || *c.Step != w.ends || *c.Handler != "the-worker" || (c.Rating != nil) != w.rated {
				t.Errorf("it ends as %s", file.Body)
			}
		})
	}
}

func withRole(t turn, role string) turn {
	t.role = role
	return t
}
