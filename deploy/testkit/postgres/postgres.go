// Package postgres runs a private PostgreSQL for tests, benchmarks and rigs.
//
// In: nothing but Debian's package postgresql-15 (or the programs on PATH). Out: the address of a server with a database, a user
// and a password, reachable by a socket in a temporary folder only. It never touches another cluster, and it ends the server
// that it started by its process id; the kernel ends it should the caller be killed.
package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"gridgate/protocols/kit/backoff"
)

// Password is that of the server's only user, "postgres". The server is reachable by a socket in a private folder.
const Password = "only-for-tests"

const (
	startWithin = 3 * time.Minute
	stopWithin  = time.Minute
	port        = "5432" // names the socket; nothing listens on a port
)

// settings keep durability as it is in production (fsync, full_page_writes, synchronous_commit are the defaults).
var settings = []string{
	"-c", "listen_addresses=", "-c", "max_connections=60", "-c", "shared_buffers=256MB", "-c", "max_wal_size=4GB",
	"-c", "log_min_messages=warning", "-c", "log_line_prefix=%m [%p] ", "-c", "fsync=on",
}

// Server is a running cluster. Its methods may be called from any goroutine.
type Server struct {
	dir  string
	cmd  *exec.Cmd
	done chan struct{}
	err  error // after done
}

// Start makes a cluster and waits until it answers. The caller ends it with [Server.Stop]. extra are further arguments of the server,
// for example "-c", "wal_compression=on".
func Start(ctx context.Context, extra ...string) (*Server, error) {
	dir, err := os.MkdirTemp("", "gridgate-pg-")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, done: make(chan struct{})}
	if err := s.start(ctx, extra); err != nil {
		return nil, fmt.Errorf("start a PostgreSQL for tests: %w", errors.Join(err, s.Stop()))
	}
	return s, nil
}

func (s *Server) start(ctx context.Context, extra []string) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	who, err := owner(s.dir)
	if err != nil {
		return err
	}
	if err := s.initialise(ctx, who); err != nil {
		return err
	}
	if err := s.run(who, extra); err != nil {
		return err
	}
	return s.wait(ctx)
}

// owner gives dir to the user that the server runs as: PostgreSQL refuses to run as root.
func owner(dir string) (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("root needs the user that the package postgresql-15 makes: %w", err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(dir, uid, gid)
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) initialise(ctx context.Context, who *syscall.Credential) error {
	initdb, err := program("initdb")
	if err != nil {
		return err
	}
	secret := filepath.Join(s.dir, "password")
	if err := os.WriteFile(secret, []byte(Password+"\n"), 0o644); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, initdb, "-D", s.data(), "-U", "postgres", "-A", "scram-sha-256", "--pwfile", secret,
		"-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// run starts the server in a process group of its own.
func (s *Server) run(who *syscall.Credential, extra []string) error {
	path, err := program("postgres")
	if err != nil {
		return err
	}
	log, err := os.Create(s.log())
	if err != nil {
		return err
	}
	defer log.Close()
	args := slices.Concat([]string{"-D", s.data(), "-k", s.dir, "-p", port}, settings, extra)
	cmd := exec.Command(path, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who, Setpgid: true, Pdeathsig: syscall.SIGINT}
	started := make(chan error)
	go func() {
		// Pdeathsig follows the thread that starts the child: keep it as long as the child lives.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			s.cmd = cmd
		}
		started <- err
		if err == nil {
			s.err = cmd.Wait()
			close(s.done)
		}
	}()
	return <-started
}

func (s *Server) log() string { return filepath.Join(s.dir, "log") }

// program finds one of the server's programs: on PATH, else where Debian puts them, the newest version.
func program(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf("%s is neither on PATH nor in /usr/lib/postgresql: install the package postgresql-15", name)
	}
	return slices.Max(found), nil
}

// wait polls until the server takes connections.
func (s *Server) wait(ctx context.Context) error {
	for {
		conn, err := pgx.Connect(ctx, s.URL("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-s.done:
			text, _ := os.ReadFile(s.log()) // without it the error says less
			return fmt.Errorf("it ended: %w: %s", s.err, bytes.TrimSpace(text))
		default:
		}
		if !backoff.Wait(ctx, 50*time.Millisecond) {
			return fmt.Errorf("it does not answer: %w", err)
		}
	}
}

// URL is the address of a database of the server, with the password in it.
func (s *Server) URL(database string) string {
	return s.address(database, url.UserPassword("postgres", Password))
}

// PublicURL is [Server.URL] without the password, as it stands in a configuration.
func (s *Server) PublicURL(database string) string { return s.address(database, url.User("postgres")) }

func (s *Server) address(database string, who *url.Userinfo) string {
	q := url.Values{"host": {s.dir}, "port": {port}}
	return (&url.URL{Scheme: "postgres", User: who, Path: "/" + database, RawQuery: q.Encode()}).String()
}

// Without returns the address of another database of the same server, without the password.
func Without(address, database string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	u.User, u.Path = url.User(u.User.Username()), "/"+database
	return u.String(), nil
}

// Socket is the path of the server's socket, for a test that stands between.
func (s *Server) Socket() string { return filepath.Join(s.dir, ".s.PGSQL."+port) }

// PID is that of the server.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Create makes an empty database, unless there is one of that name.
func (s *Server) Create(ctx context.Context, database string) error {
	return Create(ctx, s.URL("postgres"), database)
}

// Create makes an empty database on the server of an address, unless there is one of that name.
func Create(ctx context.Context, address, database string) error {
	return CreateLike(ctx, address, database, "template1")
}

// CreateLike makes a database with what is in another one, to which nobody may be connected, unless there is one of that name.
func CreateLike(ctx context.Context, address, database, pattern string) (err error) {
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return fmt.Errorf("create database %s: %w", database, err)
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	var there bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)", database).Scan(&there); err != nil || there {
		return err
	}
	if _, err = conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{database}.Sanitize()+" TEMPLATE "+pgx.Identifier{pattern}.Sanitize()); err != nil {
		return fmt.Errorf("create database %s: %w", database, err)
	}
	return nil
}

// Stop ends the server, whoever is connected, and removes its folder.
func (s *Server) Stop() error {
	var err error
	if s.cmd != nil {
		err = s.end()
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

func (s *Server) end() error {
	s.cmd.Process.Signal(syscall.SIGQUIT) // immediate: nothing is brought to a disk that is thrown away next
	select {
	case <-s.done:
		return s.err
	case <-time.After(stopWithin):
		s.cmd.Process.Kill()
		<-s.done
		return fmt.Errorf("PostgreSQL %d did not stop within %v and was killed", s.cmd.Process.Pid, stopWithin)
	}
}
