package manifests

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/connect/workerconfig"
)

// Stdin is the path that stands for standard input.
const Stdin = "-"

// extensions are those of the files that count in a folder.
var extensions = []string{".json", ".yaml", ".yml", ".properties"}

// parseError is a file that is not what its content begins like.
type parseError struct {
	line  int // 0 where the cause tells it
	cause error
}

func (e *parseError) Error() string { return e.cause.Error() }
func (e *parseError) Unwrap() error { return e.cause }

// Read reads the manifests at paths: files, folders, and stdin for "-". A folder's files count by their extensions; those of its folders do too where
// recursive is true, and what begins with a dot never does. All that is wrong is told at once; a connector may be there only once.
func Read(paths []string, recursive bool, stdin io.Reader) ([]Manifest, error) {
	var all []Manifest
	var errs []error
	for _, path := range paths {
		some, err := readPath(path, recursive, stdin)
		all, errs = append(all, some...), append(errs, err)
	}
	seen := map[string]string{}
	for _, m := range all {
		if before, twice := seen[m.Name]; twice {
			errs = append(errs, fmt.Errorf("%s: the connector %s stands in %s already: take one of them away", m.Source, m.Name, before))
		}
		seen[m.Name] = m.Source
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return all, nil
}

func readPath(path string, recursive bool, stdin io.Reader) ([]Manifest, error) {
	if path == Stdin {
		data, err := io.ReadAll(stdin)
		if err != nil {
			return nil, fmt.Errorf("reading standard input: %w", err)
		}
		return Parse("standard input", data)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("reading manifests: %w", err)
	}
	if !info.IsDir() {
		return ReadFile(path)
	}
	var all []Manifest
	var errs []error
	files := 0
	err = filepath.WalkDir(path, func(at string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case at == path:
			return nil
		case strings.HasPrefix(d.Name(), "."), d.IsDir() && !recursive:
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir() || !slices.Contains(extensions, strings.ToLower(filepath.Ext(at))):
			return nil
		}
		files++
		some, err := ReadFile(at)
		all, errs = append(all, some...), append(errs, err)
		return nil
	})
	if err == nil && files == 0 {
		err = fmt.Errorf("%s: there is no manifest in this folder: want %s (-R looks into its folders too)", path, strings.Join(extensions, ", "))
	}
	return all, errors.Join(append(errs, err)...)
}

// ReadFile reads the manifests of one file.
func ReadFile(path string) ([]Manifest, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading manifests: %w", err)
	}
	return Parse(path, data)
}

// Parse reads manifests from a file's content. What begins like JSON is JSON, be the name as it may (org.apache.kafka.connect.cli.ConnectStandalone looks
// at the content, too); else the extension tells, and where that tells nothing, what reads as a YAML mapping is YAML and all else properties.
func Parse(source string, data []byte) ([]Manifest, error) {
	values, err := parse(source, data)
	if err == nil && len(values) == 0 {
		err = errors.New("there is no connector in it")
	}
	if wrong := new(parseError); errors.As(err, &wrong) && wrong.line > 0 {
		return nil, fmt.Errorf("%s:%d: %w", source, wrong.line, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	var all []Manifest
	var errs []error
	for _, v := range values {
		some, err := of(source, v)
		all, errs = append(all, some...), append(errs, err)
	}
	return all, errors.Join(errs...)
}

func parse(source string, data []byte) ([]value, error) {
	extension := strings.ToLower(filepath.Ext(source))
	trimmed := bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
	switch {
	case len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '['):
		return parseJSON(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
	case extension == ".yaml" || extension == ".yml":
		return parseYAML(data)
	case extension == ".properties":
		return parseProperties(data)
	case extension == ".json":
		return parseJSON(data)
	}
	if values, err := parseYAML(data); err == nil && len(values) > 0 && !slices.ContainsFunc(values, func(v value) bool { return v.kind == text }) {
		return values, nil
	}
	return parseProperties(data)
}

// parseProperties reads one connector's java.util.Properties.
func parseProperties(data []byte) ([]value, error) {
	properties, err := workerconfig.ParseProperties(data)
	if err != nil || len(properties) == 0 {
		return nil, err
	}
	v := value{kind: object, line: 1}
	for name, content := range properties {
		v.members = append(v.members, member{name, value{kind: text, text: content}})
	}
	return []value{v}, nil
}
