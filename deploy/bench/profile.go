package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
)

// profileDir is the environment variable that asks for profiles of this process, one set for each part, in the directory that it names:
//
//	make bench NAME=sensors.rate PROFILE=/tmp/profiles
//	go tool pprof -top /tmp/profiles/sensors.rate.cpu
//
// Profiles cost some percent: a figure that was taken with them is no figure to write down.
const profileDir = "PROFILE"

// profiles begins the profiles of a part, if they are asked for. What it returns ends and writes them.
func profiles(part string) (end func() error, err error) {
	dir := os.Getenv(profileDir)
	if dir == "" {
		return func() error { return nil }, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("profiles: %w", err)
	}
	cpu, err := os.Create(filepath.Join(dir, part+".cpu"))
	if err != nil {
		return nil, fmt.Errorf("profiles: %w", err)
	}
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return nil, errors.Join(fmt.Errorf("profiles: %w", err), cpu.Close())
	}
	fraction := runtime.SetMutexProfileFraction(100)
	runtime.SetBlockProfileRate(1_000_000) // a sample for each millisecond of waiting
	return func() error {
		pprof.StopCPUProfile()
		runtime.SetMutexProfileFraction(fraction)
		runtime.SetBlockProfileRate(0)
		errs := []error{cpu.Close()}
		for _, name := range []string{"allocs", "block", "mutex"} {
			errs = append(errs, writeProfile(filepath.Join(dir, part+"."+name), name))
		}
		return errors.Join(errs...)
	}, nil
}

func writeProfile(path, name string) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("profiles: %w", err)
	}
	return errors.Join(pprof.Lookup(name).WriteTo(f, 0), f.Close())
}
