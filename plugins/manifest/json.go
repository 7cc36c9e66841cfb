package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/sluice-connect/sluice/plugins/contract"
)

// maxSize bounds a plugin.json in bytes: something larger is something else.
const maxSize = 8 << 20

// document is a plugin.json as it is written down.
type document struct {
	Name     string            `json:"name"`
	Version  string            `json:"version"`
	Contract int               `json:"contract"`
	Command  []string          `json:"command"`
	Checksum string            `json:"checksum,omitempty"`
	Env      []string          `json:"env,omitempty"`
	Limits   *limits           `json:"limits,omitempty"`
	Classes  []json.RawMessage `json:"classes"` // each the protobuf JSON form of contract.Class
}

type limits struct {
	Memory memory  `json:"memory,omitempty"`
	CPUs   float64 `json:"cpus,omitempty"`
}

// memory is a number of bytes, written as such or with a unit: "512MiB".
type memory int64

var (
	units = []struct {
		suffix string
		bytes  int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"", 1}}
	errMemory = errors.New(`limits.memory: want bytes as a number, or a text such as "512MiB" or "2GiB"`)
)

func (m *memory) UnmarshalJSON(text []byte) error {
	number := strings.Trim(string(text), `"`)
	for _, u := range units {
		if digits, ok := strings.CutSuffix(number, u.suffix); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
			if err != nil || n < 0 || n > (1<<62)/u.bytes {
				return errMemory
			}
			*m = memory(n * u.bytes)
			return nil
		}
	}
	return errMemory
}

func (m memory) MarshalJSON() ([]byte, error) {
	for i := len(units) - 2; i >= 0; i-- { // the largest unit that divides it
		if u := units[i]; m != 0 && int64(m)%u.bytes == 0 {
			return json.Marshal(strconv.FormatInt(int64(m)/u.bytes, 10) + u.suffix)
		}
	}
	return json.Marshal(int64(m))
}

// Error says what is wrong with a manifest.
type Error struct {
	File  string
	Field string // as a path: classes[1].keys[0].type; "" for the whole
	Cause string // with the fix
}

func (e *Error) Error() string {
	if e.Field == "" {
		return e.File + ": " + e.Cause
	}
	return e.File + ": " + e.Field + ": " + e.Cause
}

// Read reads the manifest of a folder, or the file itself. Its error is an [*Error], or that of the file, for which errors.Is(err, fs.ErrNotExist) says
// that there is none.
func Read(path string) (*Manifest, error) {
	if is, err := os.Stat(path); err == nil && is.IsDir() {
		path = filepath.Join(path, FileName)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading a plugin's manifest: %w", err)
	}
	defer func() { _ = file.Close() }() // read only
	text, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("reading a plugin's manifest: %w", err)
	}
	if len(text) > maxSize {
		return nil, &Error{File: path, Cause: fmt.Sprintf("it is larger than %d MiB, which no manifest is", maxSize>>20)}
	}
	m, err := Parse(text)
	if e := new(Error); errors.As(err, &e) {
		e.File = path
	}
	if err != nil {
		return nil, err
	}
	if m.Dir, err = filepath.Abs(filepath.Dir(path)); err != nil {
		return nil, err
	}
	return m, nil
}

// Parse reads the text of a manifest, whose Dir is left open. Its error is an [*Error] without a file.
func Parse(text []byte) (*Manifest, error) {
	var d document
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil {
		return nil, explain(err, text)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, &Error{Cause: "there is more after its end: remove that"}
	}
	m := &Manifest{Name: d.Name, Version: d.Version, Contract: d.Contract, Command: d.Command, Checksum: d.Checksum, Env: d.Env}
	if d.Limits != nil {
		m.Limits = Limits{Memory: int64(d.Limits.Memory), CPUs: d.Limits.CPUs}
	}
	for i, raw := range d.Classes {
		class := new(contract.Class)
		if err := protojson.Unmarshal(raw, class); err != nil {
			return nil, &Error{Field: fmt.Sprintf("classes[%d]", i), Cause: plain(err) + ": see message Class in plugin.proto, or have it written by " +
				"sluice plugin check --write"}
		}
		m.Classes = append(m.Classes, class)
	}
	if err := m.Check(); err != nil {
		return nil, err
	}
	return m, nil
}

// explain makes Go's errors of JSON readable.
func explain(err error, text []byte) error {
	var wrong *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, errMemory):
		return &Error{Field: "limits.memory", Cause: strings.TrimPrefix(errMemory.Error(), "limits.memory: ")}
	case errors.As(err, &wrong):
		return &Error{Field: wrong.Field, Cause: fmt.Sprintf("a %s does not fit: want %s", wrong.Value, kind(wrong))}
	case errors.As(err, &syntax):
		return &Error{Cause: fmt.Sprintf("line %d is no JSON: %v", 1+bytes.Count(text[:min(int(syntax.Offset), len(text))], []byte("\n")), err)}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &Error{Cause: "it is empty or cut off"}
	}
	if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return &Error{Field: strings.Trim(field, `"`), Cause: "there is no such field: it is misspelt, or of a newer Sluice"}
	}
	return &Error{Cause: err.Error()}
}

func kind(wrong *json.UnmarshalTypeError) string {
	switch wrong.Type.String() {
	case "string":
		return "a text"
	case "int", "float64":
		return "a number"
	}
	return "a list, or an object, as plugin.json has it there"
}

var position = regexp.MustCompile(`^proto:\W*(syntax error )?\(line \d+:\d+\): `)

// plain takes the position out of protobuf's error, which is one within the class, and its no-break spaces.
func plain(err error) string {
	return position.ReplaceAllString(strings.ReplaceAll(err.Error(), "\u00a0", " "), "")
}

// Text is the manifest as a plugin.json has it.
func (m *Manifest) Text() ([]byte, error) {
	d := document{
		Name: m.Name, Version: m.Version, Contract: m.Contract, Command: m.Command, Checksum: m.Checksum, Env: m.Env, Classes: []json.RawMessage{},
	}
	if m.Limits != (Limits{}) {
		d.Limits = &limits{Memory: memory(m.Limits.Memory), CPUs: m.Limits.CPUs}
	}
	for _, class := range m.Classes {
		text, err := protojson.Marshal(class)
		if err != nil {
			return nil, fmt.Errorf("writing class %s: %w", class.GetName(), err)
		}
		d.Classes = append(d.Classes, text)
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(d); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Write writes the manifest into its folder. A reader sees the old one or the new one.
func (m *Manifest) Write() error {
	if err := m.Check(); err != nil {
		return err
	}
	text, err := m.Text()
	if err != nil {
		return err
	}
	const mode = 0o644 // it holds no secret
	draft := m.File() + ".new"
	if err := os.WriteFile(draft, text, mode); err != nil {
		return fmt.Errorf("writing a plugin's manifest: %w", err)
	}
	if err := os.Rename(draft, m.File()); err != nil {
		return fmt.Errorf("writing a plugin's manifest: %w", err)
	}
	return nil
}
