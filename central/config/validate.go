package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"gridgate/central/api/forwarded"
	"gridgate/protocols/alert"
	"gridgate/protocols/kit/conf"
	"gridgate/protocols/kit/loopback"
)

// judge collects problems at the places of fields.
type judge struct {
	doc      *conf.Document
	problems conf.Problems
}

func (j *judge) bad(field, message, remedy string) {
	j.problems = append(j.problems, j.doc.At(field, message, remedy))
}

// validate reports every rule that c breaks.
func (c *Config) validate(doc *conf.Document) conf.Problems {
	j := &judge{doc: doc}
	c.validateListen(j)
	c.validateURL(j)
	c.validateProxies(j)
	c.validateStore(j)
	c.validateTSDB(j)
	c.validateEdges(j)
	c.validateCredentials(j)
	if c.Data == "" {
		j.bad("data", "is empty", "name a folder, for example data")
	}
	if c.Limits.Feeds < 1 || c.Limits.Feeds > 100_000 {
		j.bad("limits.feeds", "is out of range", "write a number from 1 to 100000")
	}
	if c.Limits.Batches < 4 || c.Limits.Batches > 10_000 {
		j.bad("limits.batches", "is out of range", "write a number from 4 to 10000")
	}
	if c.Limits.EdgeEvents < 10 || c.Limits.EdgeEvents > 1_000_000 {
		j.bad("limits.edge_events", "is out of range", "write a number from 10 to 1000000")
	}
	if c.Limits.EdgeBatches < 1 || c.Limits.EdgeBatches > 1000 {
		j.bad("limits.edge_batches", "is out of range", "write a number from 1 to 1000")
	}
	c.validateRetention(j)
	c.validateNotify(j)
	c.validateIntake(j)
	c.validateOIDC(j)
	c.validateMap(j)
	c.validateClips(j)
	c.validateWatch(j)
	return j.problems
}

// validateRetention: what is kept is kept for a day at least, in the profile cn for thirty.
func (c *Config) validateRetention(j *judge) {
	if kept := c.Retention.Audit; kept != 0 && kept < MinRetentionAudit {
		j.bad("retention.audit", "is less than six months", "write 4320h or more, or 0s to keep all")
	}
	floor, remedy := MinRetention, "write 24h or more, or 0s to keep all"
	switch c.Profile {
	case "":
	case ProfileCN:
		floor, remedy = MinRetentionCN, "write 720h or more: profile cn asks for thirty days"
	case ProfileEU:
		c.validateEU(j)
	default:
		j.bad("profile", "is unknown", "write cn or eu, or leave it out")
	}
	for _, keep := range []struct {
		field string
		d     time.Duration
	}{{"retention.cases", c.Retention.Cases}, {"retention.evidence", c.Retention.Evidence}, {"retention.clips", c.Retention.Clips}} {
		if keep.d != 0 && keep.d < floor {
			j.bad(keep.field, fmt.Sprintf("is shorter than %dh", int(floor.Hours())), remedy)
		}
	}
	c.validateCameras(j, floor, remedy)
}

func (c *Config) validateListen(j *judge) {
	host, port, err := net.SplitHostPort(c.Listen)
	if n, portErr := strconv.Atoi(port); err != nil || portErr != nil || n < 0 || n > 65535 {
		j.bad("listen", "is not host:port", "for example 127.0.0.1:8420")
		return
	}
	if (c.TLS.Cert == "") != (c.TLS.Key == "") {
		j.bad("tls", "has one of cert and key", "name both files, or neither")
		return
	}
	if !loopback.Host(host) && !c.TLS.Set() {
		j.bad("listen", "is reachable from other machines without TLS", "set tls.cert and tls.key, or listen on 127.0.0.1")
	}
}

func (c *Config) validateURL(j *judge) {
	if c.PublicURL == "" {
		return
	}
	if u, err := url.Parse(c.PublicURL); err != nil || !web(u) || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		j.bad("public_url", "is not the address of a site", "for example https://gridgate.example")
	}
}

func (c *Config) validateProxies(j *judge) {
	if len(c.TrustedProxies) > MaxProxies {
		j.bad("trusted_proxies", fmt.Sprintf("are more than %d", MaxProxies), "name networks instead of addresses")
		return
	}
	for i, text := range c.TrustedProxies {
		if _, ok := forwarded.Parse(text); !ok {
			j.bad(fmt.Sprintf("trusted_proxies[%d]", i), "is no network or address of a proxy, or is everybody", "for example 10.20.0.0/16 or 192.0.2.7")
		}
	}
}

// Proxies are [Config.TrustedProxies] of a configuration that was validated.
func (c *Config) Proxies() (networks []netip.Prefix) {
	for _, text := range c.TrustedProxies {
		if p, ok := forwarded.Parse(text); ok {
			networks = append(networks, p)
		}
	}
	return networks
}

// web says whether u is an http or https address without user and password.
func web(u *url.URL) bool {
	return (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil
}

func (c *Config) validateTSDB(j *judge) {
	t := c.TSDB
	if t.Retention < MinRetention {
		j.bad("tsdb.retention", "is shorter than a day", "for example 2160h")
	}
	if t.MaxSeries < 1 || t.MaxSeries > MaxSeries {
		j.bad("tsdb.max_series", "is not between 1 and 1000000", "for example 100000")
	}
	if t.RollUpRetention < MinRetention {
		j.bad("tsdb.rollup_retention", "is shorter than a day", "for example 17520h")
	}
	switch t.Kind {
	case Influx:
		c.validateInflux(j)
	case Embedded:
		unused := []struct {
			field string
			set   bool
		}{{"tsdb.url", t.URL != ""}, {"tsdb.org", t.Org != ""}, {"tsdb.bucket", t.Bucket != ""}, {"tsdb.token", t.Token.Set()}}
		for _, u := range unused {
			if u.set {
				j.bad(u.field, "is not used by the embedded database", "remove it, or write kind: influx")
			}
		}
	default:
		j.bad("tsdb.kind", "is unknown", "write embedded or influx")
	}
}

func (c *Config) validateInflux(j *judge) {
	if u, err := url.Parse(c.TSDB.URL); err != nil || !web(u) {
		j.bad("tsdb.url", "is not an http or https address without user and password", "for example http://127.0.0.1:8086")
	}
	if c.TSDB.Bucket == "" {
		j.bad("tsdb.bucket", "is missing", "name the bucket (InfluxDB 1.8: database/retention-policy)")
	}
	if c.TSDB.Token.File != "" && c.TSDB.Token.Env != "" {
		j.bad("tsdb.token", "has both file and env", "keep one of the two")
	}
}

func (c *Config) validateEdges(j *judge) {
	if len(c.Edges) > MaxEdges {
		j.bad("edges", fmt.Sprintf("are more than %d", MaxEdges), "split the township")
		return
	}
	seen := map[string]bool{}
	for i, e := range c.Edges {
		field := fmt.Sprintf("edges[%d]", i)
		switch {
		case !alert.ValidEdgeName(e.ID):
			j.bad(field+".id", "is not an edge's name", "use lower-case letters, digits, dot, dash and underscore, at most 64")
		case seen[e.ID]:
			j.bad(field+".id", "stands twice", "give each edge a name of its own")
		}
		seen[e.ID] = true
		switch {
		case !e.Token.Set():
			j.bad(field+".token", "is missing", "name a file or env that holds the edge's token")
		case e.Token.File != "" && e.Token.Env != "":
			j.bad(field+".token", "has both file and env", "keep one of the two")
		}
		if len(e.ConfigVersion) > 64 {
			j.bad(field+".config_version", "is longer than 64 bytes", "write the version that the edge reports")
		}
	}
}
