package app

import (
	"cmp"
	"slices"

	"gridgate/central/config"
	"gridgate/central/impact"
	"gridgate/central/register"
)

// ImpactCommand is `impact`.
type ImpactCommand struct {
	configured
	Lang string `enum:"zh,en" default:"zh" help:"zh or en."`
}

// Run implements kong's command.
func (c *ImpactCommand) Run(t *Terminal) error {
	var facts impact.Facts
	err := withAccounts(t.Ctx, c.Config, func(cfg *config.Config, a accounts) error {
		facts = factsOf(cfg)
		users, err := a.Users(t.Ctx)
		if err != nil {
			return err
		}
		for _, u := range users {
			if !u.Disabled {
				facts.Accounts[u.Role]++
			}
		}
		byName := map[[3]string]*impact.Purpose{}
		err = register.New(a, t.Now).Each(t.Ctx, func(p register.Part) error {
			for _, camera := range p.Sheet.Cameras {
				name := [3]string{camera.Owner, camera.Purpose, camera.Basis}
				if byName[name] == nil {
					byName[name] = &impact.Purpose{Owner: camera.Owner, Purpose: camera.Purpose, Basis: camera.Basis}
				}
				tally(byName[name], camera)
			}
			return nil
		})
		for _, p := range byName {
			facts.Purposes = append(facts.Purposes, *p)
		}
		slices.SortFunc(facts.Purposes, func(a, b impact.Purpose) int {
			return cmp.Or(cmp.Compare(a.Owner, b.Owner), cmp.Compare(a.Purpose, b.Purpose), cmp.Compare(a.Basis, b.Basis))
		})
		return err
	})
	if err != nil {
		return err
	}
	return impact.Write(t.Out, facts, c.Lang)
}

func tally(p *impact.Purpose, c register.Camera) {
	p.Cameras++
	state, _ := c.Judge()
	for _, one := range []struct {
		n  *int
		is bool
	}{{&p.Pictures, c.Pictures}, {&p.Clips, c.Clips}, {&p.Presence, c.Presence}, {&p.Masked, c.Masks > 0}, {&p.Signed, c.Sign}, {&p.Refused, state == register.Refused}} {
		if one.is {
			*one.n++
		}
	}
}

// factsOf are the facts that a configuration says.
func factsOf(c *config.Config) impact.Facts {
	f := impact.Facts{
		Profile: c.Profile, Pictures: hours(c.Retention.Evidence), Clips: hours(cmp.Or(c.Retention.Clips, c.Retention.Evidence)), Cases: hours(c.Retention.Cases),
		Audit: hours(c.Retention.Audit), Readings: hours(c.TSDB.Retention), Cameras: len(c.Retention.Cameras), Accounts: map[string]int{},
		TLS: c.TLS.Set(), SignOn: c.OIDC.Set(), KeyHere: c.Clips.Identity.Set(), Residents: c.Residents.On,
	}
	for _, ch := range c.Notify.Channels {
		f.Recipients = append(f.Recipients, string(ch.Kind)+" "+ch.Name)
	}
	if c.TSDB.Kind == config.Influx {
		f.Recipients = append(f.Recipients, "time-series server (readings)")
	}
	return f
}
