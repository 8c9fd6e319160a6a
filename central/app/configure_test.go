package app

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

// What an administrator types beside a central, from the first text to the abort.
func TestConfigCommands(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file := write("central.yaml", "listen: 127.0.0.1:0\ndata: data\n")
	good, bad := write("good.yaml", "timezone: Asia/Shanghai\n"), write("bad.yaml", "timezone: UTC\nlisten: 0.0.0.0:80\n")
	run := func(args ...string) (string, error) {
		var out bytes.Buffer
		var commands struct {
			Config ConfigCommands `cmd:""`
		}
		parser, err := kong.New(&commands, kong.Bind(&Terminal{Ctx: t.Context(), Out: &out, Err: &out, Now: time.Now}))
		if err != nil {
			t.Fatal(err)
		}
		at := args[0]
		args = append([]string{"config", at, "--config", file}, args[1:]...)
		command, err := parser.Parse(args)
		if err == nil {
			err = command.Run()
		}
		return out.String(), err
	}
	for _, c := range []struct {
		args    []string
		says    string
		refused bool
	}{
		{[]string{"push", "all", bad, "--why", "clocks"}, "all:2: listen: not a section that central may say", true},
		{[]string{"push", "all", good, "--why", "clocks"}, "all version 1", false},
		{[]string{"rollout", "all", "--why", "clocks"}, "no edge would change", true},
		{[]string{"group", "pilot", "--edge", "town-1,town-2"}, "", false},
		{[]string{"diff", "all", good}, "+ timezone: Asia/Shanghai", false},
		{[]string{"rollout", "all", "--why", "clocks", "--waves", "1,100%"}, "after each wave: 1, 2", false},
		{[]string{"rollout", "all", "--why", "again"}, "after each wave: 1, 2", false}, // the other waits for none but those that are away
		{[]string{"pause"}, "paused", false},
		{[]string{"list"}, "town-2  away", false},
		{[]string{"show", "all"}, "timezone: Asia/Shanghai", false},
		{[]string{"show", "edge", "town-1"}, "town-1: away", false},
		{[]string{"abort"}, "aborted", false},
	} {
		out, err := run(c.args...)
		if err != nil {
			out += err.Error()
		}
		if (err != nil) != c.refused || !strings.Contains(out, c.says) {
			t.Errorf("%v: %v\n%s\nwant %q", c.args, err, out, c.says)
		}
	}
}
