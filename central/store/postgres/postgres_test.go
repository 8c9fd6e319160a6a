package postgres_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"os"
	"testing"

	"gridgate/central/store"
	"gridgate/central/store/postgres"
	"gridgate/central/store/storetest"
	server "gridgate/deploy/testkit/postgres"
)

// serverURL names the server of this test in the environment of its child processes.
const serverURL = "POSTGRES_TEST_SERVER"

// running is the server that the tests of this package share; nil in a child process.
var running *server.Server

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if os.Getenv(serverURL) != "" {
		return storetest.Main(m, open)
	}
	var err error
	if running, err = server.Start(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := os.Setenv(serverURL, running.URL("postgres")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := makePattern(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := storetest.Main(m, open)
	if err := running.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// pattern is a database with the schema of today and nothing in it. Each other begins as its copy, which is faster than its migrations.
const pattern = "pattern"

func makePattern(ctx context.Context) error {
	if err := server.Create(ctx, os.Getenv(serverURL), pattern); err != nil {
		return err
	}
	s, err := postgres.Open(ctx, postgres.Options{URL: running.URL(pattern)})
	if err != nil {
		return err
	}
	return s.Close()
}

func nameOf(dir string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(dir)) // never fails
	return fmt.Sprintf("town_%x", h.Sum64())
}

// database names the one that stands for a folder, and makes it.
func database(ctx context.Context, dir string) (string, error) {
	name := nameOf(dir)
	return name, server.CreateLike(ctx, os.Getenv(serverURL), name, pattern)
}

// options open the database that stands for a folder, with the password apart.
func options(ctx context.Context, dir string) (postgres.Options, error) {
	name, err := database(ctx, dir)
	if err != nil {
		return postgres.Options{}, err
	}
	address, err := server.Without(os.Getenv(serverURL), name)
	return postgres.Options{URL: address, Password: func() (string, error) { return server.Password, nil }}, err
}

// bare is options where nothing is in the database, not even a schema, unless it is there already.
func bare(ctx context.Context, dir string) (postgres.Options, error) {
	if err := server.Create(ctx, os.Getenv(serverURL), nameOf(dir)); err != nil {
		return postgres.Options{}, err
	}
	return options(ctx, dir)
}

func open(ctx context.Context, dir string) (store.Store, error) {
	o, err := options(ctx, dir)
	if err != nil {
		return nil, err
	}
	return postgres.Open(ctx, o)
}

func TestContract(t *testing.T) { storetest.Run(t, open) }

func TestJobs(t *testing.T) { storetest.Jobs(t, open) }

func TestCrash(t *testing.T) { storetest.Crash(t, open) }
