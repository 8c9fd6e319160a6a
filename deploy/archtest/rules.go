package archtest

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
)

// Rule is one thing that always holds.
type Rule struct {
	Name   string
	Reason string
	Check  func(p Package) []string // violations, with where they stand
	// Broken is a small tree that the rule must refuse, so that the rule itself is tested.
	Broken map[string]string
}

// Rules are the rules of the design, one row each.
var Rules = []Rule{
	{
		Name:   "protocols stand alone",
		Reason: "both programs and foreign integrators build on them: they hold no policy and know neither program",
		Check:  forbid("protocols", "edge", "central", "deploy"),
		Broken: map[string]string{"protocols/alert/a.go": "package alert\nimport _ \"gridgate/edge/raise\""},
	},
	{
		Name:   "edge does not know central",
		Reason: "they are deployed, upgraded and lost apart; they meet in protocols",
		Check:  forbid("edge", "central"),
		Broken: map[string]string{"edge/forward/f_test.go": "package forward\nimport _ \"gridgate/central/store\""},
	},
	{
		Name:   "central does not know edge",
		Reason: "they are deployed, upgraded and lost apart; they meet in protocols",
		Check:  forbid("central", "edge"),
		Broken: map[string]string{"central/ingest/i.go": "package ingest\nimport _ \"gridgate/edge/outbox\""},
	},
	{
		Name:   "programs do not know how they are tried out",
		Reason: "demo, bench and faults stand outside; only tests may use their kit",
		Check:  programsWithoutDeploy,
		Broken: map[string]string{"edge/app/a.go": "package app\nimport _ \"gridgate/deploy/testkit/rtspcam\""},
	},
	{
		Name:   "implementations do not know their siblings",
		Reason: "each can be read, tested and replaced alone; what two share belongs to the family",
		Check:  noSiblings,
		Broken: map[string]string{"edge/source/rtsp/r.go": "package rtsp\nimport _ \"gridgate/edge/source/recording\""},
	},
	{
		Name:   "only app picks implementations",
		Reason: "everything else sees the family's interface, so that the choice is one table in one place",
		Check:  onlyAppPicks,
		Broken: map[string]string{"central/ingest/i.go": "package ingest\nimport _ \"gridgate/central/store/sqlite\""},
	},
	{
		Name:   "only app reads the configuration",
		Reason: "packages take an Options struct of their own and can be used without our file format",
		Check:  onlyAppReadsConfig,
		Broken: map[string]string{"edge/raise/r.go": "package raise\nimport _ \"gridgate/edge/config\""},
	},
	{
		Name:   "the kit is pure",
		Reason: "small helpers know no noun of the domain",
		Check:  forbid("protocols/kit", "protocols/alert", "protocols/observation", "protocols/ingest", "protocols/picture", "protocols/sensors"),
		Broken: map[string]string{"protocols/kit/conf/c.go": "package conf\nimport _ \"gridgate/protocols/alert\""},
	},
	{
		Name:   "only raise makes alerts",
		Reason: "one place decides what is worth an alert and mints its id; the codec and the store only carry what it made",
		Check:  onlyRaiseMints,
		Broken: map[string]string{"edge/detect/d.go": "package detect\nimport \"gridgate/protocols/alert\"\nvar A = alert.Alert{Kind: alert.Smoke}"},
	},
	{
		Name:   "only raise and the evidence path mint ids at the edge",
		Reason: "an id minted twice for one notice is two alerts at central",
		Check:  onlyRaiseMintsIDs,
		Broken: map[string]string{"edge/forward/f.go": "package forward\nimport \"gridgate/protocols/alert\"\nvar ID = alert.NewID()"},
	},
	engine("SQL", "statements and transactions stand in two rooms that can be read as a whole",
		[]string{"edge/outbox", "central/store", "central/tsdb/embedded/rollup"}, "database/sql", "modernc.org/sqlite", "github.com/jackc/pgx", "github.com/pressly/goose"),
	engine("time-series", "the edge never writes the time-series database, and central only through its one interface",
		[]string{"central/tsdb"}, "github.com/prometheus/prometheus", "github.com/influxdata/influxdb-client-go"),
	engine("RTSP", "a move to another version of the library is one package",
		[]string{"edge/source/rtsp"}, "github.com/bluenviron/gortsplib"),
	engine("foreign code", "C code touches hostile bytes in the decoder's worker and nowhere else",
		[]string{"edge/decode"}, "github.com/ebitengine/purego"),
	engine("broker", "the embedded broker refuses what is not on disk: that needs one owner",
		[]string{"edge/broker"}, "github.com/mochi-mqtt/server"),
	engine("muxer", "its parsers do not survive all that a camera may send: it is given what was validated, by one package",
		[]string{"edge/clip"}, "github.com/deepch/vdk"),
	engine("SIP", "packets of strangers are limited, parsed and answered in one package, which keeps the library from logging them",
		[]string{"protocols/gb28181/sip"}, "github.com/emiago/sipgo"),
	engine("single sign-on", "what an issuer says is judged in one package, which keeps issuer, subject, name and groups' meaning alone",
		[]string{"central/auth/signon"}, "github.com/coreos/go-oidc", "golang.org/x/oauth2"),
	engine("sealing", "what is a secret and who may have it is decided in one small package",
		[]string{"protocols/kit/seal"}, "filippo.io/age"),
	{
		Name:   "HTTP is served in known rooms",
		Reason: "every door of the two programs can be listed, authenticated and bounded",
		Check:  servesHTTP,
		Broken: map[string]string{"edge/raise/r.go": "package raise\nimport \"net/http\"\nfunc F(w http.ResponseWriter, r *http.Request) {}"},
	},
	{
		Name:   "main is flags and signals",
		Reason: "whatever a program does can be called by a test",
		Check:  smallMains,
		Broken: map[string]string{"edge/cmd/x/main.go": "package main\nimport _ \"gridgate/edge/outbox\"\nfunc main() {}"},
	},
	{
		Name:   "no init and no package log",
		Reason: "registration is one visible table, and the owner of a loop logs to the slog.Logger that it was given",
		Check:  noHiddenWiring,
		Broken: map[string]string{"edge/raise/r.go": "package raise\nfunc init() {}"},
	},
	{
		Name:   "no test is skipped",
		Reason: "a suite that skips is green without having looked",
		Check:  noSkips,
		Broken: map[string]string{"edge/raise/r_test.go": "package raise\nimport \"testing\"\nfunc TestX(t *testing.T) { t.Skip() }"},
	},
	{
		Name:   "functions fit a screen or two",
		Reason: "none over 100 lines, so that each can be held in the head",
		Check:  shortFunctions,
		Broken: map[string]string{"edge/raise/r.go": "package raise\nfunc F() {" + strings.Repeat("\n", 101) + "}"},
	},
	{
		Name:   "every package says what it is for",
		Reason: "what enters, what leaves and what it never does stand before the package clause",
		Check:  packageComment,
		Broken: map[string]string{"edge/raise/r.go": "package raise"},
	},
}

// families are the rooms whose sub-packages are implementations, one of which app picks.
var families = []string{"edge/source", "edge/detect", "central/store", "central/tsdb", "protocols/sensors"}

// vendors speak one manufacturer's or standard's dialect each; they are siblings, too.
var vendors = []string{"protocols/onvif", "protocols/hikvision", "protocols/dahua", "protocols/gb28181"}

// implementation returns the family of a room and the name of the implementation that it belongs to.
func implementation(room string) (family, name string) {
	for _, f := range families {
		if rest, ok := strings.CutPrefix(room, f+"/"); ok {
			name, _, _ = strings.Cut(rest, "/")
			return f, name
		}
	}
	for _, v := range vendors {
		if within(room, v) {
			return "protocols", strings.TrimPrefix(v, "protocols/")
		}
	}
	return "", ""
}

// wiring says whether a package is one that sees everything: the apps, the programs and what stands outside.
func (p Package) wiring() bool {
	return p.In("deploy", "edge/app", "central/app", "edge/cmd", "central/cmd")
}

func refuse(i Import) string { return fmt.Sprintf("%s imports %s", i.File.Path, i.Path) }

// forbid keeps everything under from, tests included, away from the rooms.
func forbid(from string, rooms ...string) func(Package) []string {
	return func(p Package) (found []string) {
		for _, i := range Imports(p.Files) {
			kit := i.File.Test && within(i.Room, "deploy/testkit")
			if p.In(from) && within(i.Room, rooms...) && !kit {
				found = append(found, refuse(i))
			}
		}
		return found
	}
}

func programsWithoutDeploy(p Package) (found []string) {
	for _, i := range Imports(p.Files) {
		allowed := within(i.Room, "deploy/testkit") && (i.File.Test || forTests(p.Dir))
		if !p.In("deploy") && within(i.Room, "deploy") && !allowed {
			found = append(found, refuse(i))
		}
	}
	return found
}

func noSiblings(p Package) (found []string) {
	family, name := implementation(p.Dir)
	for _, i := range Imports(p.Files) {
		otherFamily, other := implementation(i.Room)
		if family != "" && otherFamily == family && other != name && !forTests(i.Room) {
			found = append(found, refuse(i))
		}
	}
	return found
}

func onlyAppPicks(p Package) (found []string) {
	family, name := implementation(p.Dir)
	for _, i := range Imports(p.Code()) {
		otherFamily, other := implementation(i.Room)
		own := other == name // in another family: the same standard, of which this is the other half
		if other != "" && !own && !p.wiring() && !forTests(p.Dir) && otherFamily != family {
			found = append(found, refuse(i))
		}
	}
	return found
}

func onlyAppReadsConfig(p Package) (found []string) {
	for _, i := range Imports(p.Code()) {
		if within(i.Room, "edge/config", "central/config") && !p.wiring() && !p.In("edge/config", "central/config") {
			found = append(found, refuse(i))
		}
	}
	return found
}

// onlyRaiseMints looks for composite literals of alert.Alert that say something; an empty one is the zero value beside an error. A silent
// edge cannot raise that it is silent: central/watch does.
func onlyRaiseMints(p Package) (found []string) {
	if p.In("edge/raise", "central/watch", "protocols/alert", "central/store", "deploy") || forTests(p.Dir) {
		return nil
	}
	for _, f := range p.Code() {
		local := f.nameOf(module + "/protocols/alert")
		ast.Inspect(f.AST, func(n ast.Node) bool {
			if lit, ok := n.(*ast.CompositeLit); ok && local != "" && isName(lit.Type, local, "Alert") && len(lit.Elts) > 0 {
				found = append(found, f.at(lit)+" makes an alert.Alert")
			}
			return true
		})
	}
	return found
}

func isName(e ast.Expr, pkg, name string) bool {
	sel, ok := e.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != name {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	return ok && x.Name == pkg
}

func onlyRaiseMintsIDs(p Package) (found []string) {
	if !p.In("edge") || p.In("edge/raise", "edge/evidence") || forTests(p.Dir) {
		return nil
	}
	for _, f := range p.Code() {
		f.uses(module+"/protocols/alert", func(sel *ast.SelectorExpr) {
			if sel.Sel.Name == "NewID" {
				found = append(found, f.at(sel)+" mints an id")
			}
		})
	}
	return found
}

// engine keeps third-party modules (or packages) in the rooms that own them; tests and what stands outside may use them as peers.
func engine(name, reason string, rooms []string, modules ...string) Rule {
	check := func(p Package) (found []string) {
		for _, i := range Imports(p.Code()) {
			if !p.In(rooms...) && !p.In("deploy") && within(i.Path, modules...) {
				found = append(found, refuse(i))
			}
		}
		return found
	}
	return Rule{
		Name:   name + " has its rooms: " + strings.Join(rooms, ", "),
		Reason: reason,
		Check:  check,
		Broken: map[string]string{"central/api/a.go": fmt.Sprintf("package api\nimport _ %q", modules[0])},
	}
}

// doors are the rooms that may serve HTTP.
var doors = []string{
	"central/ingest", "central/api", "central/feed", "central/console", "central/fleet", "central/enrol", "central/release", // what edges and screens ask
	"central/open311",         // what residents ask, without an account
	"central/auth",            // the middleware before them
	"edge/local",              // the status page at the edge
	"protocols/hikvision",     // what cameras push
	"central/app", "edge/app", // which bind the listeners
}

func servesHTTP(p Package) (found []string) {
	if p.In(doors...) || p.In("deploy") || forTests(p.Dir) {
		return nil
	}
	serving := []string{"ResponseWriter", "Handler", "HandlerFunc", "Handle", "HandleFunc", "ServeMux", "NewServeMux", "Server", "Serve", "ListenAndServe"}
	for _, f := range p.Code() {
		f.uses("net/http", func(sel *ast.SelectorExpr) {
			if slices.Contains(serving, sel.Sel.Name) {
				found = append(found, f.at(sel)+" uses http."+sel.Sel.Name)
			}
		})
	}
	return found
}

// maxMain is how many lines the package of a program may have. It calls its app; the edge is also its own decoder worker.
const maxMain = 200

func smallMains(p Package) (found []string) {
	isMain := slices.ContainsFunc(p.Files, func(f File) bool { return f.AST.Name.Name == "main" })
	if isMain && !p.In("deploy", "edge/cmd", "central/cmd") {
		return []string{p.Dir + " is a program outside cmd"}
	}
	if !p.In("edge/cmd", "central/cmd") {
		return nil
	}
	total := 0
	for _, f := range p.Code() {
		total += f.lines(f.AST)
	}
	if total > maxMain {
		found = append(found, fmt.Sprintf("%s has %d lines, more than %d", p.Dir, total, maxMain))
	}
	for _, i := range Imports(p.Code()) {
		if i.Room != "" && !within(i.Room, "edge/app", "central/app", "protocols/kit", "edge/decode") {
			found = append(found, refuse(i))
		}
	}
	return found
}

func noHiddenWiring(p Package) (found []string) {
	for _, f := range p.Code() {
		for _, d := range f.AST.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				found = append(found, f.at(fn)+" has an init function")
			}
		}
	}
	for _, i := range Imports(p.Code()) {
		if i.Path == "log" {
			found = append(found, refuse(i))
		}
	}
	return found
}

func noSkips(p Package) (found []string) {
	for _, f := range p.Files {
		ast.Inspect(f.AST, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if sel, ok := call.Fun.(*ast.SelectorExpr); ok && skips(sel) {
				found = append(found, f.at(sel)+" skips")
			}
			return true
		})
	}
	return found
}

func skips(sel *ast.SelectorExpr) bool {
	x, ok := sel.X.(*ast.Ident)
	return ok && slices.Contains([]string{"t", "b", "f", "tb"}, x.Name) && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, sel.Sel.Name)
}

// maxFunction is how many lines a function may have.
const maxFunction = 100

// shortFunctions leaves out what a generator wrote: nobody reads or changes it.
func shortFunctions(p Package) (found []string) {
	for _, f := range p.Files {
		if ast.IsGenerated(f.AST) {
			continue
		}
		for _, d := range f.AST.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && f.lines(fn) > maxFunction {
				found = append(found, fmt.Sprintf("%s: %s has %d lines", f.at(fn), fn.Name.Name, f.lines(fn)))
			}
		}
	}
	return found
}

func packageComment(p Package) []string {
	code := p.Code()
	documented := slices.ContainsFunc(code, func(f File) bool {
		return f.AST.Doc != nil && len(strings.Fields(f.AST.Doc.Text())) >= 8
	})
	if len(code) == 0 || documented {
		return nil
	}
	return []string{p.Dir + " has no package comment worth its name"}
}
