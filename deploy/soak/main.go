// Command soak runs a township with cameras and pressed buttons for a long time and watches what must not grow.
//
// In: for how long, and the footage. First central's caches are filled, by 400,000 alerts. Out: a line a minute (resident memory, goroutines and open files of each
// program), a verdict, and exit code 1 if something grew.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"gridgate/deploy/faults/rig"
	"gridgate/protocols/kit/backoff"
)

func main() {
	length := flag.Duration("for", 30*time.Minute, "how long")
	bin := flag.String("bin", "bin", "folder of the programs")
	clip := flag.String("clip", "", "Annex-B clip that the camera plays in a loop")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *length, *bin, *clip); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, length time.Duration, bin, clip string) error {
	dir, err := os.MkdirTemp("", "gridgate-soak-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	load, err := rig.Start(ctx, rig.Options{Dir: dir, Bin: bin, Footage: clip})
	if err != nil {
		return err
	}
	defer load.Close()
	if err := warm(ctx, load); err != nil {
		return err
	}
	var samples []sample
	end := time.Now().Add(length)
	for n := 0; time.Now().Before(end); n++ {
		if !backoff.Wait(ctx, min(time.Minute, time.Until(end))) {
			break
		}
		s, err := take(load)
		if err != nil {
			return err
		}
		samples = append(samples, s)
		fmt.Printf("%3d  %v\n", n, s)
	}
	return verdict(samples)
}

// sample is what one look saw of one program each.
type sample struct{ edge, central figures }

type figures struct {
	rssMB      float64
	goroutines float64
	files      float64
}

func (s sample) String() string { return fmt.Sprintf("edge %v   central %v", s.edge, s.central) }
func (f figures) String() string {
	return fmt.Sprintf("rss=%.1fMB goroutines=%.0f files=%.0f", f.rssMB, f.goroutines, f.files)
}

func take(load *rig.Load) (s sample, err error) {
	edge, errEdge := scrape(load.EdgeURL()+"/metrics", "")
	central, errCentral := scrape(load.CentralURL()+"/metrics", load.Token())
	return sample{edge, central}, errors.Join(errEdge, errCentral)
}

// scraper does not wait for a program that hangs.
var scraper = &http.Client{Timeout: 10 * time.Second}

// scrape reads the process figures that client_golang exposes.
func scrape(url, token string) (figures, error) {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return figures{}, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := scraper.Do(req)
	if err != nil {
		return figures{}, err
	}
	defer resp.Body.Close()
	values := map[string]float64{}
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), " "); ok {
			values[name], _ = strconv.ParseFloat(value, 64)
		}
	}
	f := figures{rssMB: values["process_resident_memory_bytes"] / 1e6, goroutines: values["go_goroutines"], files: values["process_open_fds"]}
	if f.rssMB == 0 {
		return f, fmt.Errorf("%s shows no process figures", url)
	}
	return f, nil
}

// verdict compares the medians of the second and the last quarter: by then caches are warm, and what still grows, leaks.
func verdict(samples []sample) error {
	if len(samples) < 4 {
		return errors.New("too short for a verdict: at least four minutes")
	}
	quarter := len(samples) / 4
	early, late := samples[quarter:2*quarter], samples[len(samples)-quarter:]
	var errs []error
	for name, of := range map[string]func(sample) float64{
		"edge memory (MB)": func(s sample) float64 { return s.edge.rssMB }, "central memory (MB)": func(s sample) float64 { return s.central.rssMB },
		"edge goroutines": func(s sample) float64 { return s.edge.goroutines }, "central goroutines": func(s sample) float64 { return s.central.goroutines },
		"edge files": func(s sample) float64 { return s.edge.files }, "central files": func(s sample) float64 { return s.central.files },
	} {
		before, after := median(early, of), median(late, of)
		fmt.Printf("%-20s %8.1f -> %8.1f\n", name, before, after)
		if after > before*1.2+10 {
			errs = append(errs, fmt.Errorf("%s grew from %.1f to %.1f", name, before, after))
		}
	}
	return errors.Join(errs...)
}

func median(samples []sample, of func(sample) float64) float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = of(s)
	}
	slices.Sort(values)
	return values[len(values)/2]
}
