package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"gridgate/edge/config"
	"gridgate/edge/outbox"
)

// OutboxCommand are the subcommands of `outbox`. While an edge runs they ask it, through a socket in its data folder that only the
// folder's owner can open; else they open the outbox themselves.
type OutboxCommand struct {
	Status  OutboxStatusCommand  `cmd:"" help:"What waits in each lane, what was given up, and whether a file was damaged."`
	Dead    OutboxDeadCommand    `cmd:"" help:"List what central refused."`
	Requeue OutboxRequeueCommand `cmd:"" help:"Send again what central refused, under the same id."`
	Drop    OutboxDropCommand    `cmd:"" help:"Remove one dead letter for good."`
	Export  OutboxExportCommand  `cmd:"" help:"Write all dead letters to a new file, one JSON line each. Nothing is removed."`
	Check   OutboxCheckCommand   `cmd:"" help:"Look for damage in the whole file; one line for each finding. Nothing is changed. Exit 0: none, 1: damaged."`
}

// OutboxPlace says which outbox is meant.
type OutboxPlace struct {
	Config string `help:"Configuration file of the edge." placeholder:"FILE" xor:"place" required:""`
	Data   string `help:"Data folder of the edge, instead." placeholder:"DIR" xor:"place" required:""`
}

// dir is the folder of the outbox.
func (p OutboxPlace) dir() (string, error) {
	dir := p.Data
	if dir == "" {
		cfg, err := config.Load(p.Config)
		if err != nil {
			return "", fmt.Errorf("%w (--data DIR does without the file)", err)
		}
		dir = cfg.Path(cfg.Data)
	}
	if !outbox.Exists(dir) {
		return "", fmt.Errorf("%s holds no outbox", dir)
	}
	return dir, nil
}

// outboxTool is what the commands need of an outbox, their own or that of a running edge.
type outboxTool interface {
	Status(ctx context.Context) (outboxStatus, error)
	Dead(ctx context.Context, after int64, limit int) ([]deadLetter, error)
	Requeue(ctx context.Context, seq int64) error
	RequeueAll(ctx context.Context) (int, error)
	Drop(ctx context.Context, seq int64) error
	Check(ctx context.Context) ([]string, error)
}

// deadLetter is how a dead letter is shown.
type deadLetter struct {
	Seq    int64          `json:"seq"`
	Stream string         `json:"stream"`
	ID     string         `json:"id,omitzero"`
	At     string         `json:"at"`
	Reason string         `json:"reason"`
	Body   jsontext.Value `json:"body"`
}

// with hands the outbox to do and prints its error.
func (p OutboxPlace) with(ctx context.Context, name string, stderr io.Writer, do func(outboxTool) error) int {
	fail := func(code int, err error) int {
		fmt.Fprintf(stderr, "outbox %s: %v\n", name, err)
		return code
	}
	dir, err := p.dir()
	if err != nil {
		return fail(ExitUsage, err)
	}
	tool, done, err := openTool(ctx, dir)
	if err != nil {
		return fail(ExitFailed, err)
	}
	defer done()
	if err := do(tool); err != nil {
		return fail(ExitFailed, err)
	}
	return ExitOK
}

// openTool opens the outbox, or asks the edge that has it open.
func openTool(ctx context.Context, dir string) (outboxTool, func() error, error) {
	box, err := outbox.Open(ctx, outbox.Options{Dir: dir, LeaveDamaged: true})
	switch {
	case errors.Is(err, outbox.ErrInUse):
		c, err := dialOutbox(ctx, dir)
		if err != nil {
			return nil, nil, fmt.Errorf("the outbox is in use and the edge that has it does not answer; stop it and try again: %w", err)
		}
		return c, c.Close, nil
	case errors.Is(err, outbox.ErrDamaged):
		return nil, nil, fmt.Errorf("%w\nstart the edge: it sets the file aside and goes on with what can be read of it", err)
	case err != nil:
		return nil, nil, err
	}
	return ownOutbox{Outbox: box}, box.Close, nil
}

// ownOutbox is an outbox that this process has open.
type ownOutbox struct {
	*outbox.Outbox
	accepts func() int // newest schema that central accepts, 0 if not known; nil where nobody asked central
	live    func() any // how the edge is that has it open; nil where none has
}

// Status implements outboxTool.
func (o ownOutbox) Status(ctx context.Context) (outboxStatus, error) {
	stats, err := o.Stats(ctx)
	if err != nil {
		return outboxStatus{}, err
	}
	s := statusOf(stats)
	if o.accepts == nil || o.accepts() == 0 {
		return s, nil
	}
	for i, l := range stats.Lanes {
		if s.Lanes[i].Held, err = o.Held(ctx, l.Lane, o.accepts()); err != nil {
			return outboxStatus{}, err
		}
	}
	return s, nil
}

// Dead implements outboxTool.
func (o ownOutbox) Dead(ctx context.Context, after int64, limit int) ([]deadLetter, error) {
	letters, err := o.DeadLetters(ctx, after, limit)
	if err != nil {
		return nil, err
	}
	out := make([]deadLetter, len(letters))
	for i, d := range letters {
		out[i] = deadLetter{Seq: d.Seq, Stream: d.Stream, ID: d.ID, At: when(d.At), Reason: d.Reason, Body: shownBody(d.Body)}
	}
	return out, nil
}

// shownBody is a body as it is or, if it was damaged, what is left of it as a string.
func shownBody(body []byte) jsontext.Value {
	if v := jsontext.Value(body); v.IsValid() {
		return v
	}
	text, _ := jsontext.AppendQuote(nil, strings.ToValidUTF8(string(body), "\ufffd")) // what is valid can be quoted
	return text
}

// OutboxStatusCommand are the flags of `outbox status`.
type OutboxStatusCommand struct {
	OutboxPlace
	JSON bool `name:"json" help:"One JSON object instead of a table."`
}

// Run prints the status.
func (c OutboxStatusCommand) Run(ctx context.Context, stdout, stderr io.Writer) int {
	return c.with(ctx, "status", stderr, func(o outboxTool) error {
		s, err := o.Status(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(stdout, s)
		}
		return s.print(stdout)
	})
}

// OutboxDeadCommand are the flags of `outbox dead`.
type OutboxDeadCommand struct {
	OutboxPlace
	After int64 `help:"Only those with a higher number." placeholder:"SEQ"`
	Limit int   `help:"At most so many, up to 1000." default:"100"`
	JSON  bool  `name:"json" help:"One JSON line each, with the whole event, instead of a table."`
}

// Run lists dead letters.
func (c OutboxDeadCommand) Run(ctx context.Context, stdout, stderr io.Writer) int {
	return c.with(ctx, "dead", stderr, func(o outboxTool) error {
		limit := min(max(c.Limit, 1), maxLetters)
		letters, err := o.Dead(ctx, c.After, limit)
		if err != nil {
			return err
		}
		if len(letters) == limit {
			defer fmt.Fprintf(stderr, "there may be more: --after %d\n", letters[limit-1].Seq)
		}
		if c.JSON {
			return printLines(stdout, letters)
		}
		return printLetters(stdout, letters)
	})
}

// OutboxRequeueCommand are the flags of `outbox requeue`.
type OutboxRequeueCommand struct {
	OutboxPlace
	All bool    `help:"All that can be: alerts and readings. Pictures cannot, since they are gone."`
	Seq []int64 `arg:"" optional:"" help:"Numbers, as listed by dead."`
}

// Run puts dead letters back.
func (c OutboxRequeueCommand) Run(ctx context.Context, stdout, stderr io.Writer) int {
	if c.All == (len(c.Seq) > 0) {
		fmt.Fprintln(stderr, "outbox requeue: either --all or numbers")
		return ExitUsage
	}
	return c.with(ctx, "requeue", stderr, func(o outboxTool) error {
		if c.All {
			n, err := o.RequeueAll(ctx)
			fmt.Fprintf(stdout, "%d queued again\n", n)
			return err
		}
		for _, seq := range c.Seq {
			if err := o.Requeue(ctx, seq); err != nil {
				return err
			}
			fmt.Fprintf(stdout, "%d queued again\n", seq)
		}
		return nil
	})
}

// OutboxDropCommand are the flags of `outbox drop`.
type OutboxDropCommand struct {
	OutboxPlace
	Yes bool  `help:"Yes, lose it."`
	Seq int64 `arg:"" help:"Number, as listed by dead."`
}

// Run removes a dead letter.
func (c OutboxDropCommand) Run(ctx context.Context, stdout, stderr io.Writer) int {
	if !c.Yes {
		fmt.Fprintf(stderr, "outbox drop: dead letter %d would be lost for good; add --yes if that is meant, or export first\n", c.Seq)
		return ExitUsage
	}
	return c.with(ctx, "drop", stderr, func(o outboxTool) error {
		if err := o.Drop(ctx, c.Seq); err != nil {
			return err
		}
		fmt.Fprintf(stdout, "%d dropped\n", c.Seq)
		return nil
	})
}

// OutboxExportCommand are the flags of `outbox export`.
type OutboxExportCommand struct {
	OutboxPlace
	File string `arg:"" help:"File to be made, readable by its owner only. One that exists is not touched."`
}

// Run writes all dead letters to a file, and leaves none where that fails.
func (c OutboxExportCommand) Run(ctx context.Context, stdout, stderr io.Writer) int {
	return c.with(ctx, "export", stderr, func(o outboxTool) (err error) {
		f, err := os.OpenFile(filepath.Clean(c.File), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s is there already", c.File)
		} else if err != nil {
			return fmt.Errorf("make the file: %w", err)
		}
		n, err := exportLetters(ctx, o, f)
		if err == nil {
			err = f.Sync()
		}
		if err = errors.Join(err, f.Close()); err != nil {
			return errors.Join(err, os.Remove(f.Name()))
		}
		fmt.Fprintf(stdout, "%d dead letters in %s\n", n, c.File)
		return nil
	})
}

// exportLetters writes all dead letters page by page.
func exportLetters(ctx context.Context, o outboxTool, w io.Writer) (n int, err error) {
	for after := int64(0); ; {
		letters, err := o.Dead(ctx, after, maxLetters)
		if err != nil || len(letters) == 0 {
			return n, err
		}
		if err := printLines(w, letters); err != nil {
			return n, err
		}
		n += len(letters)
		after = letters[len(letters)-1].Seq
	}
}

// OutboxCheckCommand are the flags of `outbox check`.
type OutboxCheckCommand struct{ OutboxPlace }

// Run looks through the file.
func (c OutboxCheckCommand) Run(ctx context.Context, stdout, stderr io.Writer) int {
	dir, err := c.dir()
	if err != nil {
		fmt.Fprintln(stderr, "outbox check:", err)
		return ExitUsage
	}
	found, err := outbox.Check(ctx, dir)
	if errors.Is(err, outbox.ErrInUse) {
		found, err = checkRunning(ctx, dir)
	}
	if err != nil {
		fmt.Fprintln(stderr, "outbox check:", err)
		return ExitFailed
	}
	for _, line := range found {
		fmt.Fprintln(stdout, line)
	}
	if len(found) > 0 {
		fmt.Fprintln(stderr, "outbox check: the file is damaged: start the edge anew, and it is set aside; what can be read of it is kept")
		return ExitFailed
	}
	fmt.Fprintln(stderr, "outbox check: nothing is wrong")
	return ExitOK
}

// checkRunning has a running edge look through its file.
func checkRunning(ctx context.Context, dir string) ([]string, error) {
	tool, err := dialOutbox(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("the outbox is in use and the edge that has it does not answer; stop it and try again: %w", err)
	}
	defer tool.Close()
	return tool.Check(ctx)
}

func printJSON(w io.Writer, v any) error {
	return json.MarshalWrite(w, v, jsontext.Multiline(true))
}

func printLines(w io.Writer, letters []deadLetter) error {
	for _, d := range letters {
		line, err := json.Marshal(d)
		if err != nil {
			return fmt.Errorf("write dead letter %d: %w", d.Seq, err)
		}
		if _, err := w.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return nil
}
