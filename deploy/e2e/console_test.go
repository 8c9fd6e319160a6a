package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"gridgate/central/client"
	"gridgate/deploy/e2e/browser"
	"gridgate/deploy/testkit/township"
)

// hands are somebody at the console: every method is one thing that they do or see, and ends the test if it cannot be.
type hands struct {
	t    *testing.T
	page *browser.Page
}

// at opens the console; it is closed, and must have done nothing wrong, when the test ends.
func at(t *testing.T, url string) hands {
	t.Helper()
	page, err := browser.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	h := hands{t, page}
	t.Cleanup(func() {
		if t.Failed() {
			if _, err := page.Do("shot", filepath.Join(t.ArtifactDir(), "last.png")); err != nil {
				t.Logf("no picture: %v", err)
			}
		}
		if err := page.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func (h hands) do(command string, args ...string) string {
	h.t.Helper()
	answer, err := h.page.Do(command, args...)
	if err != nil {
		h.t.Fatal(err)
	}
	return answer
}

func id(name string) string { return "[data-testid=" + name + "]" }

// live waits until the feed is connected.
func (h hands) live() { h.t.Helper(); h.do("see", id("line-state")+"[data-state=live]") }

// enter goes to a control by Tab and presses Enter.
func (h hands) enter(selector string) {
	h.t.Helper()
	h.do("tab", selector)
	h.do("press", "Enter")
}

// write goes to a field by Tab and types.
func (h hands) write(selector, text string) {
	h.t.Helper()
	h.do("tab", selector)
	h.do("type", text)
}

// signInByKeys signs in without a pointer.
func (h hands) signInByKeys(user string) {
	h.t.Helper()
	h.do("go", "/")
	h.write("[name=user]", user)
	h.write("[name=password]", password)
	h.do("press", "Enter")
}

const password = "correct horse battery"

// sensors is a token that posts alerts.
func (d *town) sensors() string {
	return d.must("", "gridgate-central", "token", "add", "sensors", "--scope", "events", "--config", "central.yaml")
}

// another adds an account of a role.
func (d *town) another(role, name string, more ...string) {
	d.must(password, "gridgate-central", append([]string{"user", "add", "--config", "central.yaml", "--role", role, "--stdin", name}, more...)...)
}

// TestANightShiftByKeyboardAlone leads an alert through its loop and hands the shift over without a pointer: two operators, a worker with a
// telephone, a verifier.
func TestANightShiftByKeyboardAlone(t *testing.T) {
	d := newTown(t)
	d.another("operator", "the-next")
	token := d.sensors()
	h := at(t, d.url)

	h.signInByKeys("the-operator")
	h.live()
	h.do("press", "?")
	h.do("see", id("keys-help"))
	h.do("press", "Escape")
	h.do("gone", id("keys-help"))
	d.smoke(token, "stairs-3")
	h.do("see", id("feed-row")+"[data-kind=smoke]")
	caseID := d.taken("base", "stairs-3").String()
	h.do("press", "j", "Enter")
	h.do("see", id("alert-detail"))
	h.do("press", "a")
	d.stands(caseID, "open")
	h.do("press", "o")
	h.do("see", id("case-page")+"[data-state=acknowledged]")
	h.do("see", id("action-dispatch"))
	h.do("press", "d")
	h.do("see", id("step-dialog"))
	h.write(id("field-unit"), "fire")
	h.write(id("field-note"), "3 号楼 2 层楼道有烟")
	h.enter(id("step-confirm"))
	h.do("see", id("case-loop")+"[data-step=dispatch]")

	h.do("as", "worker", "phone")
	h.signInByKeys("the-worker")
	h.enter(id("work-card"))
	h.enter(id("action-accept"))
	h.enter(id("work-onsite"))
	h.do("photo", id("work-photo")) // as the camera of the telephone gives it to the page
	h.write(id("note-feed-back"), "垃圾桶冒烟，已浇灭")
	h.enter(id("action-feed-back"))
	h.do("see", id("work-item")+"[data-state=sent]")
	d.stands(caseID, "feedback")
	d.photographed(caseID)

	h.do("as", "verifier")
	h.signInByKeys("the-verifier")
	h.live()
	h.do("go", "/cases/"+caseID)
	h.do("see", id("action-verify"))
	h.do("press", "v")
	h.enter(id("step-confirm"))
	h.do("see", id("case-page")+"[data-state=closed]")

	h.do("as", "")
	h.handOver("the-next")
}

// handOver signs a handover as who goes, and as who comes in another browser.
func (h hands) handOver(next string) {
	h.t.Helper()
	h.enter(id("nav-shift"))
	h.enter(id("shift-begin"))
	h.do("see", id("handover")+"[data-state=draft]")
	h.write(id("shift-notes"), "3 号楼楼道烟雾已处理")
	h.enter(id("shift-sign"))
	h.enter(id("step-confirm"))
	h.do("see", id("handover")+"[data-state=signed]")
	path := h.do("where")

	h.do("as", "next")
	h.signInByKeys(next)
	h.live()
	h.do("go", path)
	h.enter(id("shift-accept"))
	h.enter(id("step-confirm"))
	h.do("see", id("handover")+"[data-state=accepted]")
	if said := h.do("text", id("shift-signatures")); !strings.Contains(said, "the-operator") || !strings.Contains(said, next) {
		h.t.Errorf("signed by: %s", said)
	}
}

// stands waits until a case stands at a step.
func (d *town) stands(caseID, step string) {
	d.t.Helper()
	eventually(d.t, "the case stands at "+step, func(ctx context.Context) (bool, error) {
		c, err := d.staff["supervisor"].GetCaseWithResponse(ctx, uuid.MustParse(caseID), &client.GetCaseParams{})
		return err == nil && c.JSON200 != nil && c.JSON200.Step != nil && *c.JSON200.Step == step, err
	})
}

// photographed waits until a case has exactly one photo.
func (d *town) photographed(caseID string) {
	d.t.Helper()
	eventually(d.t, "the case has its photo, once", func(ctx context.Context) (bool, error) {
		list, err := d.staff["supervisor"].ListPicturesWithResponse(ctx, uuid.MustParse(caseID))
		return err == nil && list.JSON200 != nil && len(list.JSON200.Items) == 1, err
	})
}

// TestTheFeedComesBackWithoutLossOrDoubling stops central under an open console and starts it again.
func TestTheFeedComesBackWithoutLossOrDoubling(t *testing.T) {
	d := newTown(t)
	token := d.sensors()
	h := at(t, d.url)
	h.do("login", "the-operator", password)
	h.live()
	for i := range 3 {
		d.smoke(token, fmt.Sprintf("before-%d", i))
	}
	h.rows(3)
	if err := d.centralRuns.Stop(); err != nil {
		t.Fatal(err)
	}
	h.do("see", id("banner-lost"))
	d.centralRuns = d.start("gridgate-central", "central.log", "serve", "--config", d.path("central.yaml"))
	d.ready()
	for i := range 4 {
		d.smoke(token, fmt.Sprintf("after-%d", i))
	}
	h.live()
	h.do("gone", id("banner-lost"))
	h.rows(7)
	h.do("click", "[data-testid=nav-cases]")
	h.do("click", "[data-testid=nav-feed]")
	h.rows(7)
}

// rows waits until the feed shows so many rows, each of another alert.
func (h hands) rows(n int) {
	h.t.Helper()
	h.do("see", fmt.Sprintf("%s[data-rows='%d']", id("feed-rows"), n))
	if ids := strings.Fields(h.do("each", id("feed-row"), "data-id")); len(ids) != n {
		h.t.Errorf("%d different rows of %d: %v", len(ids), n, ids)
	}
}

// TestTwoOperatorsRaceForACase lets two of them take charge at the same moment: one does, both see it, and it is done once.
func TestTwoOperatorsRaceForACase(t *testing.T) {
	d := newTown(t)
	d.another("operator", "the-next")
	token := d.sensors()
	h := at(t, d.url)
	h.do("login", "the-operator", password)
	h.do("as", "next")
	h.do("login", "the-next", password)
	for i := range 3 {
		device := fmt.Sprintf("race-%d", i)
		d.smoke(token, device)
		caseID := d.taken("base", device).String()
		h.do("go", "/cases/"+caseID)
		h.do("as", "")
		h.do("go", "/cases/"+caseID)
		h.do("race", id("action-acknowledge"), "", "next")
		for _, who := range []string{"", "next"} {
			h.do("as", who)
			h.do("see", id("case-page")+"[data-state=acknowledged]")
		}
		file, err := d.staff["supervisor"].GetCaseWithResponse(t.Context(), uuid.MustParse(caseID), &client.GetCaseParams{})
		if err != nil || file.JSON200 == nil {
			t.Fatalf("%v %s", err, file.Body)
		}
		taken := 0
		for _, e := range file.JSON200.History {
			if e.Action != nil && *e.Action == "acknowledge" {
				taken++
			}
		}
		if taken != 1 {
			t.Errorf("taken %d times: %s", taken, file.Body)
		}
	}
}

// TestWhoSeesWhat holds the pages and actions of the console to the roles.
func TestWhoSeesWhat(t *testing.T) {
	d := newTown(t)
	d.another("auditor", "the-auditor")
	token := d.sensors()
	d.smoke(token, "roles")
	caseID := d.taken("base", "roles").String()
	h := at(t, d.url)
	for _, of := range []struct {
		role, pages, not, actions string
	}{
		{"operator", "nav-feed nav-cases nav-report nav-devices", "nav-work", "action-acknowledge action-dispatch action-false-alarm action-close"},
		{"supervisor", "nav-feed nav-cases nav-report nav-devices", "nav-work", "action-acknowledge action-dispatch action-supervise"},
		{"verifier", "nav-feed nav-cases nav-devices", "nav-work", ""},
		{"worker", "nav-feed nav-cases nav-report nav-devices nav-work", "", ""},
		{"administrator", "nav-feed nav-cases nav-devices", "nav-report nav-work", ""},
		{"auditor", "nav-feed nav-cases nav-devices", "nav-report nav-work", ""},
	} {
		t.Run(of.role, func(t *testing.T) {
			h := hands{t, h.page}
			h.do("as", of.role)
			h.do("login", "the-"+of.role, password)
			h.live()
			rail := h.do("each", ".rail-link", "data-testid")
			has(t, "pages", rail, of.pages, of.not)
			h.do("go", "/cases/"+caseID)
			h.do("see", id("case-page"))
			h.do("see", id("case-history"))
			actions := h.do("each", "[data-testid^=action-]", "data-testid")
			forbidden := "action-verify action-accept"
			if of.actions == "" {
				forbidden += " action-acknowledge action-dispatch action-close action-false-alarm"
			}
			has(t, "actions", actions, of.actions, forbidden)
			if strings.Contains(of.not, "nav-report") {
				h.do("go", "/report")
				h.do("see", ".empty")
			}
		})
	}
}

// has says which of some names are missing, and which should not be there.
func has(t *testing.T, what, got, want, not string) {
	t.Helper()
	there := map[string]bool{}
	for _, name := range strings.Fields(got) {
		there[name] = true
	}
	for _, name := range strings.Fields(want) {
		if !there[name] {
			t.Errorf("%s: no %s among %s", what, name, got)
		}
	}
	for _, name := range strings.Fields(not) {
		if there[name] {
			t.Errorf("%s: %s is there", what, name)
		}
	}
}

// TestChineseInputFiresNoShortcut composes by an input method, in a field and beside one: the keys are the method's, not the console's.
func TestChineseInputFiresNoShortcut(t *testing.T) {
	d := newTown(t)
	token := d.sensors()
	h := at(t, d.url)
	h.do("login", "the-operator", password)
	h.live()
	d.smoke(token, "ime")
	h.do("see", id("feed-row"))
	caseID := d.taken("base", "ime").String()

	h.do("press", "j")
	h.do("compose", "ajoxmsd?", "") // the focus is on a row: no field takes it, and no shortcut may
	if there := h.do("where"); there != "/" {
		t.Errorf("it went to %s", there)
	}
	if n := h.do("count", "dialog[open], "+id("alert-detail")); n != "0" {
		t.Errorf("%s things opened", n)
	}
	d.stands(caseID, "collect")

	h.do("go", "/report")
	h.do("see", id("report-note"))
	h.do("click", id("report-note"))
	h.do("compose", "loudaoyanwu", "楼道烟雾")
	h.do("type", "?a")
	if got := h.do("value", id("report-note")); got != "楼道烟雾?a" {
		t.Errorf("the field holds %q", got)
	}
	if n := h.do("count", "dialog[open]"); n != "0" || h.do("where") != "/report" {
		t.Errorf("something happened beside the writing")
	}
}

// TestEveryPageIsAccessible asks axe-core about every page, in both colours, with real cameras, sensors, alerts and cases on them.
func TestEveryPageIsAccessible(t *testing.T) {
	town := start(t, township.Options{Sensors: hallSensors}, footage(t, "square.h264"))
	publish := sensor(t, town.MQTTAddr(), town.Secret(township.SensorPassword))
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(password), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := town.Tool(t.Context(), "gridgate-central", "user", "add", "the-worker", "--role", "worker", "--unit", "fire", "--password-file", file, "--config", town.Path("central.yaml")); err != nil {
		t.Fatal(err)
	}
	publish("zigbee2mqtt/hall_smoke", `{"smoke":true,"battery":90}`)
	publish("zigbee2mqtt/hall_climate", `{"temperature":21.5,"humidity":40}`)
	h := at(t, town.CentralURL())
	h.do("go", "/")
	h.do("see", id("login-submit"))
	h.accessible("sign-in")
	h.do("login", township.Operator, town.Secret(township.OperatorPassword))
	h.live()
	h.do("see", id("feed-row")+"[data-kind=motion] img")
	c := opened(t, town, "smoke")
	for _, page := range []struct{ path, seen string }{
		{"/", id("feed-row")}, {"/cases", id("case-row")}, {"/cases/" + c.ID, id("case-history")}, {"/report", id("report-class")}, {"/map", id("map-page")},
		{"/devices", ".page"}, {"/devices/" + township.EdgeName, ".page"}, {"/devices/" + township.EdgeName + "/cam", ".page"},
		{"/figures", ".page"}, {"/figures/report", ".page"}, {"/shift", id("shift-begin")}, {"/register", id("register-cameras")}, {"/unsealings", id("unseal-page")}, {"/nowhere", ".empty"},
	} {
		h.do("go", page.path)
		h.do("see", page.seen)
		h.accessible(page.path)
	}
	h.do("go", "/")
	h.do("see", id("feed-row"))
	h.do("press", "j", "Enter")
	h.do("see", id("alert-detail"))
	h.accessible("an alert that is selected")
	h.do("press", "?")
	h.do("see", id("keys-help"))
	h.accessible("the help")
	h.do("go", "/cases/"+c.ID)
	h.do("click", id("action-dispatch"))
	h.do("see", id("step-dialog"))
	h.accessible("a question")
	h.do("as", "worker", "phone")
	h.do("login", "the-worker", password)
	h.do("see", id("work-page"))
	h.accessible("/work")
}

// accessible asks about the page as it is, light and dark.
func (h hands) accessible(what string) {
	h.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		h.do("scheme", scheme)
		if found := h.do("axe"); found != "" {
			h.t.Errorf("%s, %s: %s", what, scheme, found)
		}
	}
}
