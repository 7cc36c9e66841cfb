package testbed

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// requirements pins Confluent's Python serializers; a changed list is another directory in the cache.
//
//go:embed requirements.txt
var requirements []byte

// PythonSerdes is a Python that has Confluent's own serializers and deserializers for the formats of a schema registry. The first call on a machine
// fetches 25 MB.
func PythonSerdes(t testing.TB) string {
	t.Helper()
	Need(t, Python)
	python, err := FetchPythonSerdes(t.Context())
	if err != nil {
		giveUp(t, fmt.Sprintf("Confluent's Python serializers (%v)", err), "go run ./internal/testbed/prepare")
	}
	return python
}

// FetchPythonSerdes brings the serializers into a virtual environment of the cache through pip, unless they are there, and returns its Python.
func FetchPythonSerdes(ctx context.Context) (string, error) {
	dir, err := fetchPython(ctx, "python-serdes", requirements)
	if err != nil {
		return "", fmt.Errorf("fetching Confluent's Python serializers: %w", err)
	}
	return filepath.Join(dir, "bin", "python3"), nil
}

// fetchPython brings what a list of requirements names into a virtual environment of the cache, unless it is there, and returns its directory.
func fetchPython(ctx context.Context, name string, requirements []byte) (dir string, err error) {
	sum := sha256.Sum256(requirements)
	return fetched(name+"-"+hex.EncodeToString(sum[:4]), func(work string) error { return installPython(ctx, work, requirements) })
}

func installPython(ctx context.Context, into string, requirements []byte) error {
	python, err := Python.Path()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(into, 0o755); err != nil {
		return err
	}
	list := filepath.Join(into, "requirements.txt")
	if err := os.WriteFile(list, requirements, 0o644); err != nil {
		return err
	}
	for _, command := range [][]string{
		{python, "-m", "venv", into},
		{filepath.Join(into, "bin", "python3"), "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", list},
	} {
		if output, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("running %s: %w\n%s", command[0], err, output)
		}
	}
	return nil
}

//go:embed serdes.py
var serdesProgram []byte

// Serdes is a process of Confluent's serializers.
type Serdes struct {
	t       testing.TB
	in      io.WriteCloser
	answers *bufio.Scanner
	stderr  bytes.Buffer
}

// StartSerdes starts Confluent's serializers at a registry. They end with the test.
func StartSerdes(t testing.TB, registry string) *Serdes {
	t.Helper()
	python := PythonSerdes(t)
	program := filepath.Join(t.TempDir(), "serdes.py")
	if err := os.WriteFile(program, serdesProgram, 0o644); err != nil {
		t.Fatal(err)
	}
	s := &Serdes{t: t}
	cmd := exec.Command(python, program, registry)
	cmd.Stderr = &s.stderr
	var err error
	if s.in, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.answers = bufio.NewScanner(out)
	s.answers.Buffer(nil, 16<<20)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.in.Close() // the program ends with its input
		if err := cmd.Wait(); err != nil {
			t.Errorf("Confluent's serializers: %v\n%s", err, s.stderr.String())
		}
	})
	return s
}

// Read deserializes a message of a format, AVRO, JSON or PROTOBUF, and returns it as JSON. See serdes.py for what JSON cannot hold.
func (s *Serdes) Read(format, topic string, data []byte) string {
	s.t.Helper()
	return string(s.ask(map[string]any{"op": "read", "format": format, "topic": topic, "data": hex.EncodeToString(data)}).Value)
}

// Write serializes a value, given as JSON, under a schema.
func (s *Serdes) Write(format, topic, schema, value string) []byte {
	s.t.Helper()
	answer := s.ask(map[string]any{"op": "write", "format": format, "topic": topic, "schema": schema, "value": json.RawMessage(value)})
	data, err := hex.DecodeString(answer.Data)
	if err != nil {
		s.t.Fatal(err)
	}
	return data
}

type serdesAnswer struct {
	Value json.RawMessage `json:"value"`
	Data  string          `json:"data"`
	Error string          `json:"error"`
}

func (s *Serdes) ask(request map[string]any) (answer serdesAnswer) {
	s.t.Helper()
	line, err := json.Marshal(request)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.in.Write(append(line, '\n')); err != nil {
		s.t.Fatalf("asking Confluent's serializers: %v\n%s", err, s.stderr.String())
	}
	if !s.answers.Scan() {
		s.t.Fatalf("Confluent's serializers do not answer: %v\n%s", s.answers.Err(), s.stderr.String())
	}
	if err := json.Unmarshal(s.answers.Bytes(), &answer); err != nil {
		s.t.Fatalf("Confluent's serializers: %v: %s", err, s.answers.Text())
	}
	if answer.Error != "" {
		s.t.Fatalf("Confluent's serializers: %s", answer.Error)
	}
	return answer
}
