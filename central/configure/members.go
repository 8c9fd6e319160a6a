package configure

import (
	"context"
	"slices"
	"strings"

	"gridgate/central/store"
)

// Member is an edge that has reported, with the names of its groups in their order.
type Member struct {
	store.Edge
	Groups []string
}

// Members are all edges that ever reported, by name.
func (s *Service) Members(ctx context.Context) ([]Member, error) {
	edges, err := s.shelf.get(ctx, s.o.Store)
	if err != nil {
		return nil, err
	}
	groups, err := s.Groups(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Member, len(edges))
	for i, e := range edges {
		out[i] = Member{Edge: e, Groups: []string{}}
		for _, g := range groups {
			if g.has(e.ID, e) {
				out[i].Groups = append(out[i].Groups, g.Name)
			}
		}
	}
	slices.SortFunc(out, func(a, b Member) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}

// Reached are the edges that [All], group:NAME or edge:NAME stands for, of those that ever reported, by name. A group that is not there is
// [Refused].
func (s *Service) Reached(ctx context.Context, to string) ([]string, error) {
	if CheckLayer(to) != nil {
		return nil, refuse(Invalid, "it goes to all, group:NAME or edge:NAME")
	}
	sort, name, _ := strings.Cut(to, ":")
	if sort == "group" {
		groups, err := s.Groups(ctx)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(groups, func(g EdgeGroup) bool { return g.Name == name }) {
			return nil, refuse(Invalid, "there is no group %s", name)
		}
	}
	members, err := s.Members(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, m := range members {
		if to == All || sort == "edge" && m.ID == name || sort == "group" && slices.Contains(m.Groups, name) {
			out = append(out, m.ID)
		}
	}
	return out, nil
}
