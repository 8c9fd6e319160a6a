package configure

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// All is the layer of all edges.
const All = "all"

var groupName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,47}$`)

// EdgeGroup is a set of edges: those that are named, and those that a rule finds.
type EdgeGroup struct {
	Name    string   `json:"name" pattern:"^[a-z0-9][a-z0-9-]{0,47}$"`
	Order   int      `json:"order,omitempty" minimum:"0" maximum:"1000" doc:"of two groups of an edge the one with the higher number has the last word, of two with one number the one whose name sorts later"`
	Edges   []string `json:"edges,omitempty" maxItems:"10000" nullable:"false" doc:"by name"`
	Grid    string   `json:"grid,omitempty" pattern:"^[0-9]{1,20}$" doc:"first digits: every edge that reports a device there"`
	Pattern string   `json:"pattern,omitempty" maxLength:"64" doc:"of names, with * and ?: town-*"`
}

// has says whether an edge is in the group.
func (g EdgeGroup) has(edge string, report store.Edge) bool {
	if slices.Contains(g.Edges, edge) {
		return true
	}
	if ok, err := path.Match(g.Pattern, edge); err == nil && ok && g.Pattern != "" {
		return true
	}
	if g.Grid != "" {
		for _, d := range report.Report.Devices {
			if strings.HasPrefix(d.Grid, g.Grid) {
				return true
			}
		}
	}
	return false
}

func (g EdgeGroup) check() error {
	_, err := path.Match(g.Pattern, "a")
	switch {
	case !groupName.MatchString(g.Name):
		return refuse(Invalid, "a group's name has lower-case letters, digits and dashes, at most 48")
	case len(g.Edges) > MaxListed:
		return refuse(Invalid, "a group names more than %d edges", MaxListed)
	case err != nil:
		return refuse(Invalid, "the pattern is not one: write * and ? for what differs, as in town-*")
	}
	for _, e := range g.Edges {
		if !alert.ValidEdgeName(e) {
			return refuse(Invalid, "the list of edges holds what is no name of an edge")
		}
	}
	return nil
}

// layer is the body of a [KindLayer].
type layer struct {
	Text  string `json:"text"` // digest; empty: the layer says nothing
	Bytes int    `json:"bytes"`
	Why   string `json:"why"`
}

// LayerVersion is one version of a layer.
type LayerVersion struct {
	Layer   string    `json:"layer"`
	Version int64     `json:"version"`
	At      time.Time `json:"at"`
	By      string    `json:"by"`
	Why     string    `json:"why"`
	Bytes   int       `json:"bytes"`
	Text    string    `json:"text,omitempty"`
	digest  string
}

// CheckLayer says whether a layer may have this name.
func CheckLayer(name string) error {
	sort, of, cut := strings.Cut(name, ":")
	good := !cut && sort == All || cut && (sort == "group" && groupName.MatchString(of) || sort == "edge" && alert.ValidEdgeName(of))
	if !good {
		return refuse(Invalid, "a layer is all, group:NAME or edge:NAME")
	}
	return nil
}

// rank is where a layer stands: all, groups, the edge.
func rank(name string) int {
	switch {
	case name == All:
		return 0
	case strings.HasPrefix(name, "group:"):
		return 1
	}
	return 2
}

func reason(why string) (string, error) {
	why = strings.TrimSpace(why)
	if why == "" || utf8.RuneCountInString(why) > MaxWhy || strings.ContainsFunc(why, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return "", refuse(Invalid, "say why in one line of at most %d characters, without naming anyone", MaxWhy)
	}
	return why, nil
}

// Groups lists the groups in their order.
func (s *Service) Groups(ctx context.Context) ([]EdgeGroup, error) {
	docs, err := s.o.Store.DocumentsOf(ctx, KindGroup)
	if err != nil {
		return nil, err
	}
	out := make([]EdgeGroup, 0, len(docs))
	for _, d := range docs {
		var g EdgeGroup
		if err := decode(d, &g); err != nil {
			return nil, err
		}
		g.Name = d.ID
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b EdgeGroup) int { return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Name, b.Name)) })
	return out, nil
}

// PutGroup keeps a group. It changes no edge: what a rollout reaches is found out when it begins.
func (s *Service) PutGroup(ctx context.Context, actor string, g EdgeGroup) error {
	if err := g.check(); err != nil {
		return err
	}
	return s.retry(func() error {
		versions, err := s.o.Store.DocumentVersions(ctx, KindGroup)
		if err != nil {
			return err
		}
		if versions[g.Name] == 0 && len(versions) >= MaxGroups {
			return refuse(Conflict, "there are %d groups already", MaxGroups)
		}
		return s.put(ctx, actor, next{KindGroup, g.Name, versions[g.Name], g})
	})
}

// DropGroup removes a group. Edges keep what its layer brought them until the next rollout of that layer.
func (s *Service) DropGroup(ctx context.Context, actor, name string) error {
	return s.retry(func() error {
		d, err := s.o.Store.Document(ctx, KindGroup, name)
		if err != nil {
			return err
		}
		return s.put(ctx, actor, next{KindGroup, name, d.Version, nil})
	})
}

// Layers lists the newest versions of all layers, without their texts: all, the groups', the edges'.
func (s *Service) Layers(ctx context.Context) ([]LayerVersion, error) {
	docs, err := s.o.Store.DocumentsOf(ctx, KindLayer)
	if err != nil {
		return nil, err
	}
	out := make([]LayerVersion, 0, len(docs))
	for _, d := range docs {
		v, err := versionOf(d)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b LayerVersion) int {
		return cmp.Or(cmp.Compare(rank(a.Layer), rank(b.Layer)), cmp.Compare(a.Layer, b.Layer))
	})
	return out, nil
}

func versionOf(d store.Document) (LayerVersion, error) {
	var l layer
	if err := decode(d, &l); err != nil {
		return LayerVersion{}, err
	}
	return LayerVersion{Layer: d.ID, Version: d.Version, At: d.At.UTC(), By: d.Actor, Why: l.Why, Bytes: l.Bytes, digest: l.Text}, nil
}

// History lists the versions of a layer, the newest first, without their texts. [store.ErrNotFound] if there is none.
func (s *Service) History(ctx context.Context, name string) ([]LayerVersion, error) {
	docs, err := s.o.Store.DocumentHistory(ctx, KindLayer, name, MaxHistory)
	if err == nil && len(docs) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	out := make([]LayerVersion, len(docs))
	for i, d := range docs {
		if out[i], err = versionOf(d); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Version returns a version of a layer with its text; 0 is the newest. [store.ErrNotFound] if there is none, or it is older than the last
// [MaxHistory].
func (s *Service) Version(ctx context.Context, name string, version int64) (LayerVersion, error) {
	list, err := s.History(ctx, name)
	if err != nil {
		return LayerVersion{}, err
	}
	for _, v := range list {
		if v.Version == version || version == 0 {
			v.Text, err = s.text(ctx, v.digest)
			return v, err
		}
	}
	return LayerVersion{}, store.ErrNotFound
}

// text reads a text by its digest; an empty one is no text.
func (s *Service) text(ctx context.Context, digest string) (text string, err error) {
	if digest == "" {
		return "", nil
	}
	d, err := s.o.Store.Document(ctx, KindText, digest)
	if err == nil {
		err = decode(d, &text)
	}
	return text, err
}

// Push keeps the next version of a layer, if central finds nothing wrong with it. It reaches no edge before a rollout. seen is the version
// that who writes saw, -1 for any; [store.ErrConflict] if it is another.
func (s *Service) Push(ctx context.Context, actor, name, text, why string, seen int64) (LayerVersion, error) {
	why, err := reason(why)
	if err == nil {
		err = CheckLayer(name)
	}
	if err != nil {
		return LayerVersion{}, err
	}
	text = clean(text)
	if problems := s.judge.check(text); len(problems) > 0 {
		return LayerVersion{}, &Refused{Text: "the text has mistakes; nothing was kept", Layer: name, Problems: problems}
	}
	l := layer{Bytes: len(text), Why: why}
	if text != "" {
		l.Text = digest(text)
	}
	var version int64
	err = s.retry(func() error {
		versions, err := s.o.Store.DocumentVersions(ctx, KindLayer)
		if err != nil {
			return err
		}
		if seen >= 0 && versions[name] != seen {
			return &Refused{Why: Conflict, Text: "the layer changed meanwhile: read it again"}
		}
		if versions[name] == 0 && len(versions) >= MaxLayers {
			return refuse(Conflict, "there are %d layers already", MaxLayers)
		}
		version = versions[name] + 1
		return s.putLayer(ctx, actor, next{KindLayer, name, versions[name], l}, l.Text, text)
	})
	if err != nil {
		return LayerVersion{}, err
	}
	return LayerVersion{Layer: name, Version: version, At: s.o.Now().UTC(), By: actor, Why: why, Bytes: len(text)}, nil
}

// putLayer puts a layer and, unless it is there, its text.
func (s *Service) putLayer(ctx context.Context, actor string, n next, digest, text string) error {
	changes := []next{n}
	if digest != "" {
		switch _, err := s.o.Store.Document(ctx, KindText, digest); {
		case errors.Is(err, store.ErrNotFound):
			changes = append(changes, next{KindText, digest, 0, text})
		case err != nil:
			return err
		}
	}
	return s.put(ctx, actor, changes...)
}

// next is the next version of a document; a nil value says that it is gone.
type next struct {
	kind, id string
	newest   int64
	value    any
}

// put puts documents, all or none.
func (s *Service) put(ctx context.Context, actor string, changes ...next) error {
	docs := make([]store.Document, len(changes))
	for i, c := range changes {
		docs[i] = store.Document{Kind: c.kind, ID: c.id, Version: c.newest + 1, At: s.o.Now().UTC(), Actor: actor, Gone: c.value == nil}
		if c.value == nil {
			continue
		}
		body, err := encode(c.value)
		if err != nil {
			return fmt.Errorf("encode %s %s: %w", c.kind, c.id, err)
		}
		docs[i].Body = body
	}
	return s.o.Store.PutDocuments(ctx, docs)
}

// encode is JSON without the marks that HTML needs: a text of many < would become six times as long.
func encode(v any) ([]byte, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return []byte(strings.TrimSpace(b.String())), err
}

func decode(d store.Document, v any) error {
	if err := json.Unmarshal(d.Body, v); err != nil {
		return fmt.Errorf("read %s %s: %w", d.Kind, d.ID, err)
	}
	return nil
}

// retry does what read and then wrote again if another central wrote in between.
func (s *Service) retry(do func() error) (err error) {
	for range maxTries {
		if err = do(); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return err
}
