package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gridgate/central/api"
	"gridgate/central/cases"
	"gridgate/central/config"
	"gridgate/central/grid"
	"gridgate/central/indicators"
	"gridgate/central/intake"
	"gridgate/central/job"
	"gridgate/central/open311"
	"gridgate/central/setup/parts"
	"gridgate/central/store"
	"gridgate/central/workflow"
	"gridgate/protocols/alert"
	"gridgate/protocols/cap"
	"gridgate/protocols/kit/durable"
	"gridgate/protocols/picture"
)

// centre answers what a report needs to know by what is set up.
type centre struct {
	classes *parts.Catalogue
	places  *parts.Places
}

var (
	_ intake.Catalogue = centre{}
	_ intake.Lands     = centre{}
)

// Class implements [intake.Catalogue].
func (c centre) Class(code string) (intake.Class, bool) {
	class, ok := c.classes.Get().Class(code)
	if !ok || class.Main() {
		return intake.Class{}, false
	}
	out := intake.Class{Code: code, Kind: alert.Other, Severity: alert.Minor}
	if len(class.Kinds) > 0 {
		traits, _ := alert.TraitsOf(class.Kinds[0])
		out.Kind, out.Severity = traits.Kind, traits.Severity
	}
	return out, true
}

// GridAt implements [intake.Catalogue].
func (c centre) GridAt(p cases.LonLat, at time.Time) (string, bool) {
	g, ok := c.places.Get().At(p.Lon, p.Lat, at)
	return g.Code, ok
}

// Touching implements [intake.Lands]. What of an area is no land is passed over.
func (c centre) Touching(a cap.Area, at time.Time) (codes []string) {
	m := c.places.Get()
	for _, ring := range a.Polygons {
		if s, err := grid.NewShape([][][]float64{{ringOf(ring)}}); err == nil {
			codes = append(codes, m.Touching(s, at)...)
		}
	}
	for _, circle := range a.Circles {
		if s, err := grid.Disc(circle.Center.Lon, circle.Center.Lat, circle.RadiusKm*1000); err == nil {
			codes = append(codes, m.Touching(s, at)...)
		}
	}
	for _, code := range a.Codes {
		if alert.ValidGridCode(code.Value) {
			codes = append(codes, m.Under(code.Value, at)...)
		}
	}
	return codes
}

func ringOf(points []cap.Point) (ring []float64) {
	for _, p := range points {
		ring = append(ring, p.Lon, p.Lat)
	}
	return ring
}

// title is what a class is called, in both languages.
func (c centre) title(code string) cases.Words {
	class, _ := c.classes.Get().Class(code)
	return cases.Words{ZH: class.Title.Zh, EN: class.Title.En}
}

// jpegRedactor is the one finder of faces for all pictures that come without an edge.
type jpegRedactor struct{ *picture.Redactor }

// Redact implements [intake.Redactor].
func (r jpegRedactor) Redact(jpeg []byte) ([]byte, error) {
	out, _, err := r.RedactJPEG(jpeg)
	return out, err
}

// photosAtOnce is how many photos are redacted at a time; each takes a core for about a second.
const photosAtOnce = 2

// openDesk makes what takes reports in.
func (a *App) openDesk(_ context.Context, c *config.Config) error {
	redactor, err := picture.NewRedactor()
	if err != nil {
		return fmt.Errorf("read the finder of faces: %w", err)
	}
	here := centre{classes: a.classes, places: a.places}
	warned := map[cap.Category]string{}
	for category, class := range c.Warnings.Classes {
		warned[cap.Category(category)] = class
	}
	a.desk = &intake.Desk{
		Store: a.store, Objects: a.objects, Redactor: jpegRedactor{redactor}, Catalogue: func() intake.Catalogue { return here }, Wake: a.hub.Wake,
		Now: time.Now, Lands: here, Warned: warned, Sender: c.Warnings.Sender, Slots: make(chan struct{}, photosAtOnce),
		Words: func(k cases.Case) cap.Words { return cap.Words{Event: here.title(k.Class).ZH, Area: k.Grid} },
		Outline: func(k cases.Case) [][]cap.Point {
			g, _ := a.places.Get().Grid(k.Grid)
			return outline(g, k.OpenedAt)
		},
	}
	return nil
}

// outline is the outer border of a grid's land at a time.
func outline(g grid.Grid, at time.Time) (rings [][]cap.Point) {
	p, ok := g.At(at)
	if !ok {
		return nil
	}
	for _, border := range p.Shape.Borders() {
		var ring []cap.Point
		for _, xy := range border {
			ring = append(ring, cap.Point{Lon: xy[0], Lat: xy[1]})
		}
		rings = append(rings, ring)
	}
	return rings
}

// figuresEvery is how long figures are gathered before they are stored: each figure once, however often it changed meanwhile.
const figuresEvery = 5 * time.Second

// startIndicators counts what becomes of cases.
func (a *App) startIndicators(ctx context.Context, c *config.Config) error {
	zone, err := time.LoadLocation(c.Zone)
	if err != nil {
		return err
	}
	counting := &indicators.Job{Store: a.followed, Zone: zone, Every: figuresEvery}
	loop := job.Loop{
		Name: indicators.Name, Begin: counting.Begin, CatchUp: counting.CatchUp, Changed: a.hub.Changed, Pace: followPace, Logger: a.log.With("step", "indicators"),
	}
	if a.lead != nil {
		loop.Lead = a.lead
	}
	a.start(ctx, "indicators", loop.Run)
	return nil
}

// residents is what stands behind the endpoints for residents.
type residents struct {
	*intake.Desk
	store   store.Store
	loops   *caseLoops
	here    centre
	classes []string
}

var _ open311.Desk = (*residents)(nil)

// residentRoutes serve residents, if the configuration says so.
func (a *App) residentRoutes(c *config.Config) ([]api.Route, error) {
	if !c.Residents.On {
		return nil, nil
	}
	key, err := linkKey(filepath.Join(c.Data, "links.key"))
	if err != nil {
		return nil, fmt.Errorf("read the key of residents' links: %w", err)
	}
	h, err := open311.New(open311.Options{
		Desk: &residents{Desk: a.desk, store: a.store, loops: a.loops, here: centre{classes: a.classes, places: a.places}, classes: c.Residents.Classes},
		Key:  key, PublicURL: c.PublicURL, Logger: a.log.With("step", "residents"),
	})
	if err != nil {
		return nil, err
	}
	var routes []api.Route
	for _, at := range []string{open311.Prefix, open311.LinkPrefix} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			routes = append(routes, api.Route{Method: method, Path: at, Handler: h, Open: true})
		}
	}
	return routes, nil
}

// linkKey reads the key, or makes it. Several centrals share the folder: the one that comes first makes it for all.
func linkKey(file string) ([]byte, error) {
	if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
		if err := makeKey(file); err != nil {
			return nil, err
		}
	}
	key, err := os.ReadFile(file)
	if err == nil && len(key) != linkKeyBytes {
		err = fmt.Errorf("%s has %d bytes, want %d", file, len(key), linkKeyBytes)
	}
	return key, err
}

const linkKeyBytes = 32

// makeKey gives a new key its name unless another process was first.
func makeKey(file string) error {
	key := make([]byte, linkKeyBytes)
	if _, err := rand.Read(key); err != nil {
		return err
	}
	fresh := fmt.Sprintf("%s.%d", file, os.Getpid())
	if err := durable.Write(fresh, key, 0o600); err != nil {
		return err
	}
	err := os.Link(fresh, file)
	if errors.Is(err, os.ErrExist) {
		err = nil
	}
	return errors.Join(err, os.Remove(fresh))
}

// Services implements [open311.Desk].
func (r *residents) Services() (out []open311.Service) {
	all := r.here.classes.Get()
	for _, class := range all.Classes() {
		if class.Main() || !slices.ContainsFunc(r.classes, func(prefix string) bool { return strings.HasPrefix(class.Code, prefix) }) {
			continue
		}
		main := r.here.title(class.Code[:2])
		out = append(out, open311.Service{
			Code: class.Code, Name: class.Title.Zh + " " + class.Title.En, Description: class.Opening.Zh, Group: main.ZH + " " + main.EN,
		})
	}
	return out
}

// Photo implements [open311.Desk].
func (r *residents) Photo(ctx context.Context, c cases.Case, jpeg []byte) error {
	_, err := r.Desk.Photo(ctx, c, jpeg)
	return err
}

// Case implements [open311.Desk].
func (r *residents) Case(ctx context.Context, id string) (cases.Case, error) {
	return r.store.Case(ctx, id)
}

// Cases implements [open311.Desk].
func (r *residents) Cases(ctx context.Context, q store.Query) ([]cases.Case, string, error) {
	return r.store.Cases(ctx, q)
}

// Step implements [open311.Desk].
func (r *residents) Step(c cases.Case) cases.Words {
	titles := r.loops.Of(c).Definition.Where(c).Titles
	return cases.Words{ZH: titles.ZH, EN: titles.EN}
}

// ratingRule stands in a history for a resident, who has no account.
const ratingRule = "resident"

// Rate implements [open311.Desk]: it is what the case's loop calls its evaluation.
func (r *residents) Rate(ctx context.Context, c cases.Case, stars int) error {
	loop, who := r.loops.Of(c), workflow.Actor{Role: workflow.System, Rule: ratingRule}
	now := time.Now().UTC()
	var action string
	for _, offer := range loop.Possible(c, who, now) {
		if slices.Contains(offer.Needs, workflow.FieldRating) {
			action = offer.Action
		}
	}
	if action == "" {
		return fmt.Errorf("%w: the loop of the case asks for no rating now", store.ErrConflict)
	}
	e, err := loop.Do(c, workflow.Request{Action: action, Actor: who, At: now, Rating: stars})
	if err != nil {
		return fmt.Errorf("%w: %w", store.ErrConflict, err)
	}
	after, err := r.store.AppendAll(ctx, []store.Change{{Event: e, Expect: c.Position}})
	if err == nil {
		r.Wake(after[0].Position)
	}
	return err
}
