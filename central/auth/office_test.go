package auth

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"gridgate/central/store"
)

func (d *desk) office() Office {
	return Office{Desk: d.records, Now: func() time.Time { return d.now }}
}

func TestAccountsAreChecked(t *testing.T) {
	d := newDesk(t)
	many := slices.Repeat([]string{"33"}, MaxGrids+1)
	for what, tc := range map[string]struct {
		name, password string
		place          Place
	}{
		"name":            {"two words", password, Place{Role: "worker"}},
		"password":        {"day", "short", Place{Role: "worker"}},
		"no password":     {"day", "", Place{Role: "worker"}},
		"role":            {"day", password, Place{Role: "root"}},
		"grid":            {"day", password, Place{Role: "worker", Grids: []string{"33x"}}},
		"grids":           {"day", password, Place{Role: "worker", Grids: many}},
		"unit":            {"day", password, Place{Role: "worker", Unit: "No 1"}},
		"part of a whole": {"day", password, Place{Role: "administrator", Grids: []string{"33"}}},
	} {
		var bad BadError
		if _, err := d.office().Create(t.Context(), tc.name, tc.password, "", tc.place); !errors.As(err, &bad) {
			t.Errorf("%s: %v, want a BadError", what, err)
		}
	}
	if _, err := d.office().Create(t.Context(), "night", password, "", Place{Role: "worker"}); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a name that is taken: %v", err)
	}
	u, err := d.office().Create(t.Context(), "day", password, "", Place{Role: "worker", Grids: []string{"330106"}, Unit: "fire"})
	if err != nil || u.Hash == "" || !u.At.Equal(d.now) {
		t.Fatalf("made %+v, %v", u, err)
	}
	if _, err := d.office().Change(t.Context(), "day", u.At.Add(1), Place{Role: "worker"}, true); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a change of what was seen before another: %v", err)
	}
	changed, err := d.office().Change(t.Context(), "day", u.At, Place{Role: "verifier"}, true)
	if err != nil || changed.Role != "verifier" || !changed.Disabled || changed.Grids != nil || !changed.At.After(u.At) {
		t.Errorf("changed to %+v, %v", changed, err)
	}
	if _, _, err := d.SignIn(t.Context(), "day", password, "192.0.2.1:1"); err != ErrDenied {
		t.Errorf("a disabled account signs in: %v", err)
	}
}

func TestTokensAreChecked(t *testing.T) {
	d := newDesk(t)
	for what, r := range map[string]TokenRequest{
		"name":         {Name: "a b", Scopes: []string{"read"}},
		"nothing":      {Name: "map"},
		"scope":        {Name: "map", Scopes: []string{"fly"}},
		"life":         {Name: "map", Scopes: []string{"read"}, Life: MaxTokenLife + 1},
		"past":         {Name: "map", Scopes: []string{"read"}, Life: -1},
		"any and one":  {Name: "map", Scopes: []string{"events"}, Edge: "a"},
		"part of all":  {Name: "map", Scopes: []string{"audit"}, Grids: []string{"33"}},
		"grid":         {Name: "map", Scopes: []string{"read"}, Grids: []string{"x"}},
		"edge's name":  {Name: "map", Edge: "A B"},
		"empty prefix": {Name: "map", Scopes: []string{"read"}, Grids: []string{""}},
	} {
		var bad BadError
		if _, _, err := d.office().MakeToken(t.Context(), r); !errors.As(err, &bad) {
			t.Errorf("%s: %v, want a BadError", what, err)
		}
	}
	text, made, err := d.office().MakeToken(t.Context(), TokenRequest{Name: "map", Scopes: []string{"read"}, Grids: []string{"33"}, Actor: "boss"})
	if err != nil || !made.Expires.Equal(d.now.Add(MaxTokenLife)) || made.Actor != "boss" || strings.Contains(made.SHA256, text) {
		t.Fatalf("made %+v, %v", made, err)
	}
	if err := d.ask(nil, text); err != nil {
		t.Errorf("a token that was made is refused: %v", err)
	}
	d.now = d.now.Add(MaxTokenLife)
	if err := d.ask(nil, text); err != ErrDenied {
		t.Errorf("a token outlives its life: %v", err)
	}
}

func TestChangePassword(t *testing.T) {
	d := newDesk(t)
	c := d.signIn(t)
	p := Principal{Name: "night", Role: Operator}
	var bad BadError
	if err := d.ChangePassword(t.Context(), p, password, "short", "192.0.2.1:1"); !errors.As(err, &bad) {
		t.Errorf("a short one: %v", err)
	}
	if err := d.ChangePassword(t.Context(), p, "wrong horse", "another horse", "192.0.2.1:1"); err != ErrDenied {
		t.Errorf("without the present one: %v", err)
	}
	if err := d.ChangePassword(t.Context(), Principal{Name: "night"}, password, "another horse", "192.0.2.1:1"); err != ErrDenied {
		t.Errorf("by a token of the same name: %v", err)
	}
	if err := d.ChangePassword(t.Context(), p, password, "another horse", "192.0.2.1:1"); err != nil {
		t.Fatal(err)
	}
	if err := d.ask(c, ""); err != ErrDenied {
		t.Errorf("a session outlives its password: %v", err)
	}
	if _, _, err := d.SignIn(t.Context(), "night", "another horse", "192.0.2.1:1"); err != nil {
		t.Errorf("the new password: %v", err)
	}
}

// Scopes that concern the whole centre are not for somebody who may see a part of it.
func TestPartsHaveNoWholeScopes(t *testing.T) {
	for _, role := range Roles() {
		p, ok := principalOf(store.User{Name: "x", Role: string(role), Grids: []string{"33"}})
		if !ok || p.May(Configure) || p.May(Administer) || p.May(Audit) || p.May(Events) || !p.May(Read) {
			t.Errorf("%s with grids may %v", role, p.Scopes)
		}
	}
}
