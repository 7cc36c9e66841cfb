package testbed

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Mosquitto is a real mosquitto with persistence that belongs to a test. Besides the methods of [Process] it can be killed
// without losing what it has acknowledged: [Mosquitto.KillSafely].
type Mosquitto struct {
	*Process
	port     int
	database string
}

// MosquittoOption changes what [StartMosquitto] starts.
type MosquittoOption func(*mosquittoSettings)

type mosquittoSettings struct {
	user, password string
	maxInflight    int
	maxQueued      int
	lines          []string
}

// WithLogin lets only this user in, by this password; without it everybody is.
func WithLogin(user, password string) MosquittoOption {
	return func(s *mosquittoSettings) { s.user, s.password = user, password }
}

// WithMaxInflight bounds the QoS 1 and 2 messages on their way to a client, 0 (the default here) means no bound.
func WithMaxInflight(messages int) MosquittoOption {
	return func(s *mosquittoSettings) { s.maxInflight = messages }
}

// WithMaxQueued bounds the QoS 1 and 2 messages that wait for a client, 0 (the default here) means no bound; what comes
// beyond is lost.
func WithMaxQueued(messages int) MosquittoOption {
	return func(s *mosquittoSettings) { s.maxQueued = messages }
}

// WithConf adds lines to mosquitto.conf.
func WithConf(lines ...string) MosquittoOption {
	return func(s *mosquittoSettings) { s.lines = append(s.lines, lines...) }
}

// StartMosquitto starts a mosquitto for this test and waits until it accepts connections.
func StartMosquitto(t testing.TB, options ...MosquittoOption) *Mosquitto {
	t.Helper()
	Need(t, MosquittoServer)
	program, err := MosquittoServer.Path()
	if err != nil {
		t.Fatal(err)
	}
	var settings mosquittoSettings
	for _, option := range options {
		option(&settings)
	}
	dir := t.TempDir()
	m := &Mosquitto{port: FreePort(t), database: filepath.Join(dir, "mosquitto.db")}
	config := filepath.Join(dir, "mosquitto.conf")
	text, err := m.conf(dir, settings)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatalf("configuring mosquitto: %v", err)
	}
	m.Process = Start(t, Command{
		Path: program, Args: []string{"-c", config}, Log: filepath.Join(dir, "mosquitto.log"), Ready: m.ready,
	})
	return m
}

// Addr is the host:port of its listener, MQTT over plain TCP.
func (m *Mosquitto) Addr() string { return loopback(m.port) }

// URL is its address as connectors write it: tcp://host:port.
func (m *Mosquitto) URL() string { return "tcp://" + m.Addr() }

// KillSafely kills mosquitto so that nothing it has acknowledged is lost. By itself mosquitto acknowledges before it
// writes its database; so this first cuts and refuses the links at the proxies, which therefore must be all there are,
// then has the database written (SIGUSR1), and only then kills. A loss after a bare Kill counts against mosquitto.
// The proxies go on refusing: call [Proxy.Accept] when mosquitto is back.
func (m *Mosquitto) KillSafely(proxies ...*Proxy) {
	m.t.Helper()
	for _, proxy := range proxies {
		proxy.Refuse()
		proxy.Cut()
	}
	m.Save()
	m.Kill()
}

// Save has the database written and waits for that, at most 10 seconds.
func (m *Mosquitto) Save() {
	m.t.Helper()
	before, err := os.Stat(m.database)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		m.t.Fatalf("looking at the database of mosquitto: %v", err)
	}
	m.Signal(saveSignal)
	Await(m.t, 10*time.Second, "mosquitto to write its database", func(context.Context) error {
		// mosquitto writes another file and renames it, so a whole database is always a new file.
		after, err := os.Stat(m.database)
		if err != nil {
			return err
		}
		if before != nil && os.SameFile(before, after) {
			return errors.New("the file is still the old one")
		}
		return nil
	})
}

func (m *Mosquitto) conf(dir string, s mosquittoSettings) (string, error) {
	lines := []string{
		fmt.Sprintf("listener %d 127.0.0.1", m.port),
		"persistence true",
		"persistence_location " + dir + string(filepath.Separator),
		"log_dest stderr",
		"log_type error", "log_type warning", "log_type notice", "log_type information",
		"sys_interval 1",
		fmt.Sprintf("max_inflight_messages %d", s.maxInflight),
		fmt.Sprintf("max_queued_messages %d", s.maxQueued),
		fmt.Sprintf("allow_anonymous %t", s.user == ""),
	}
	if os.Geteuid() == 0 {
		// Otherwise it becomes the user mosquitto, who may not enter a test's directory.
		lines = append(lines, "user root")
	}
	if s.user != "" {
		file := filepath.Join(dir, "passwords")
		if err := writePasswords(file, s.user, s.password); err != nil {
			return "", err
		}
		lines = append(lines, "password_file "+file)
	}
	return strings.Join(append(lines, s.lines...), "\n") + "\n", nil
}

// writePasswords leaves the hashing to mosquitto_passwd, which comes with the server.
func writePasswords(file, user, password string) error {
	if err := os.WriteFile(file, []byte(user+":"+password+"\n"), 0o600); err != nil {
		return fmt.Errorf("writing the passwords of mosquitto: %w", err)
	}
	program, err := lookPath("mosquitto_passwd")
	if err != nil {
		return fmt.Errorf("hashing the passwords of mosquitto: %w", err)
	}
	if output, err := exec.Command(program, "-U", file).CombinedOutput(); err != nil {
		return fmt.Errorf("hashing the passwords of mosquitto: %w\n%s", err, output)
	}
	return nil
}

// ready is content when somebody listens: mosquitto reads its database before that.
func (m *Mosquitto) ready(ctx context.Context) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", m.Addr())
	if err != nil {
		return err
	}
	return conn.Close()
}
