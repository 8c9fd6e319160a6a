// Package checkup runs a list of checks and tells what they found, in Chinese or English: the common part of `doctor` of both programs.
//
// In: checks, each a small function, and a catalogue of what they can find. Out: a [Report]. Every check runs, whatever becomes of the
// others; one that overruns its time or breaks is a finding itself. It changes nothing, looks at nothing by itself, and keeps nothing.
package checkup

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Severity says how bad a finding is.
type Severity string

// The severities. A note is worth knowing and asks for nothing now.
const (
	Wrong   Severity = "wrong"
	Warning Severity = "warning"
	Note    Severity = "note"
)

// Exit codes of a `doctor`.
const (
	ExitFine  = 0
	ExitWrong = 1
	ExitBlind = 2 // nothing could be looked at
)

// Lang is the language of a report.
type Lang string

// The languages.
const (
	English Lang = "en"
	Chinese Lang = "zh"
)

// LangOf picks a language: what was asked for ("en", "zh") or, if that is empty, what the environment says (LC_ALL before LC_MESSAGES before
// LANG, POSIX.1-2017 section 8.2); English otherwise.
func LangOf(asked string, getenv func(string) string) Lang {
	if asked == "" {
		for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
			if asked = getenv(name); asked != "" {
				break
			}
		}
	}
	if strings.HasPrefix(asked, "zh") {
		return Chinese
	}
	return English
}

// Words is a text in both languages, with verbs of package fmt that name their argument: %[1]s.
type Words struct{ EN, ZH string }

// In is the text in one language.
func (w Words) In(l Lang, args ...any) string {
	text := w.EN
	if l == Chinese {
		text = w.ZH
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// Entry is what a catalogue says of one code: how bad it is, what is wrong, what to do.
type Entry struct {
	Severity Severity
	What, Do Words
}

// Catalogue holds what checks can find, by code.
type Catalogue map[string]Entry

// Check is one thing to look at.
type Check struct {
	ID     string // a word of ASCII letters and dashes
	Title  Words
	Within time.Duration // how long it may take; 0: [DefaultWithin]
	Run    func(ctx context.Context, s *Sheet)
}

// DefaultWithin is how long a check may take that says nothing else.
const DefaultWithin = 10 * time.Second

// maxFindings bounds what one check tells: a thousand silent cameras are told of by the first few and a number.
const maxFindings = 20

// Sheet takes down what one check finds. A check that runs longer than it may writes to a sheet that nobody reads any more.
type Sheet struct {
	mu       sync.Mutex
	closed   bool
	findings []found
	more     int
	skipped  *Words
	skipArgs []any
}

type found struct {
	code string
	args []any
}

// Find takes down a finding by its code. Arguments are names, numbers and reasons without addresses or secrets.
func (s *Sheet) Find(code string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
	case len(s.findings) == maxFindings:
		s.more++
	default:
		s.findings = append(s.findings, found{code: code, args: args})
	}
}

// Skip says that there is nothing to look at, and why.
func (s *Sheet) Skip(why Words, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.skipped, s.skipArgs = &why, args
	}
}

func (s *Sheet) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

// atOnce is how many checks run side by side.
const atOnce = 4

// Run runs all checks and tells what was found, in their order and in one language. A check that has not ended a second after its time was up
// is left behind.
func Run(ctx context.Context, l Lang, c Catalogue, checks []Check) Report {
	results := make([]Result, len(checks))
	slots := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for i, check := range checks {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			results[i] = check.run(ctx, l, c)
		})
	}
	all.Wait()
	return Report{Checks: results}
}

// grace is how long a check may go on after its time is up.
const grace = time.Second

func (c Check) run(ctx context.Context, l Lang, book Catalogue) Result {
	within := c.Within
	if within == 0 {
		within = DefaultWithin
	}
	limited, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	sheet := &Sheet{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if broken := recover(); broken != nil {
				sheet.Find(codeBroken, fmt.Sprint(broken))
			}
		}()
		c.Run(limited, sheet)
	}()
	late := time.NewTimer(within + grace)
	defer late.Stop()
	select {
	case <-done:
	case <-late.C:
		sheet.Find(codeLate, within)
	}
	sheet.close()
	return sheet.result(c, l, book)
}

// What can be found about a check itself.
const (
	codeLate   = "check-late"
	codeBroken = "check-broken"
)

var own = Catalogue{
	codeLate: {Warning, Words{"This was looked at for %[1]s without an end.", "检查了 %[1]s 仍未结束。"},
		Words{"Look at it by hand: a disk or a network may hang.", "请人工查看：磁盘或网络可能卡住。"}},
	codeBroken: {Warning, Words{"This could not be looked at: the check itself broke (%[1]s).", "无法检查：检查程序本身出错（%[1]s）。"},
		Words{"Report it to whoever maintains this program.", "请报告给本软件的维护者。"}},
}
