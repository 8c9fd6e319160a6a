// Command follow does what the guides say, in a machine that was made for it.
//
// In: the machine, and the language. Out: a log of what was typed and printed, and exit code 1 at the first block that is not as its guide says.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"gridgate/deploy/guides"
)

func main() {
	root := flag.String("root", "", "`folder` of the machine, booted by deploy/packages/root.sh")
	chinese := flag.Bool("zh", false, "follow the Chinese guides")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	guide := guides.First
	if *chinese {
		guide = guides.Translated(guide)
	}
	if err := follow(ctx, *root, guide); err != nil {
		fmt.Fprintln(os.Stderr, "follow:", err)
		os.Exit(1)
	}
}

func follow(ctx context.Context, root, guide string) error {
	blocks, err := guides.Whole(".", guide)
	if err != nil {
		return err
	}
	m := guides.Machine{Inside: []string{"deploy/packages/root.sh", "inside", root}, Root: root, Log: os.Stdout}
	begin := time.Now()
	if err := m.Follow(ctx, blocks); err != nil {
		return err
	}
	fmt.Printf("follow: %d blocks of %s and the guides that it leads to, in %s\n", len(blocks), guide, time.Since(begin).Round(time.Second))
	return nil
}
