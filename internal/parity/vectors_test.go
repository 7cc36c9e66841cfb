package parity

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/testbed"
)

// vector is a case of a golden file.
type vector map[string]any

func (v vector) text(member string) string { s, _ := v[member].(string); return s }

// goldens are the files whose vectors are made anew, and the packages whose tests read them.
var goldens = map[string]string{
	"transforms": "connect/transforms", "json-converter": "connect/converters", "simple-converters": "connect/converters",
	"header-converter": "connect/converters", "configdef": "connect",
	"offset-keys": "connect/stores",
}

// The vectors of the tree, taken apart and put together anew, are judged by Kafka Connect's own classes; then the golden tests run on them. SLUICE_SOAK
// makes them more, and others from SLUICE_SOAK_SEED on.
func TestNewVectorsAreAnsweredAsJavaDoes(t *testing.T) {
	if testing.Short() {
		t.Skip("runs programs: not with -short")
	}
	seed, count := drawn(t, 500, 10_000)
	known := map[string][]vector{}
	for name, pkg := range goldens {
		known[name] = readVectors(t, filepath.Join("../..", pkg, "testdata", name+".json"))
	}
	m := newMutation(drawer{rand.New(rand.NewPCG(seed, 1))}, known)
	draws := map[string]func() vector{
		"transforms": m.transform, "json-converter": m.json, "header-converter": m.header, "simple-converters": m.simple, "configdef": m.parse,
		"offset-keys": m.write,
	}
	var questions []vector
	for _, name := range slices.Sorted(maps.Keys(draws)) { // in this order, so that a seed stands for the same questions
		for i := range count {
			q := draws[name]()
			q["id"] = fmt.Sprintf("%s %d", name, i)
			questions = append(questions, q)
		}
	}
	answered := judged(t, questions)
	dir := t.TempDir()
	for name := range goldens {
		var cases []vector
		for _, v := range answered {
			if of, _, _ := strings.Cut(v.text("id"), " "); of == name {
				cases = append(cases, v)
			}
		}
		require.Greater(t, len(cases), count*3/4, "most of the questions about %s fit", name)
		for _, v := range known[name] { // of what is not asked anew
			if op := v.text("op"); op == "predicate" || op == "chain" || op == "read" || name == "configdef" && op != "parse" {
				cases = append(cases, v)
			}
		}
		raw, err := json.Marshal(map[string]any{"area": name, "cases": cases})
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name+".json"), raw, 0o600))
	}
	murmur, err := filepath.Abs("../../connect/stores/testdata/partitioner.json") // which is read beside the offsets' keys
	require.NoError(t, err)
	require.NoError(t, os.Symlink(murmur, filepath.Join(dir, "partitioner.json")))
	out, err := runGolden(t, dir, slices.Compact(slices.Sorted(maps.Values(goldens)))...)
	for _, failed := range failedVector.FindAllSubmatch(out, -1) {
		i := slices.IndexFunc(answered, func(v vector) bool { return strings.ReplaceAll(v.text("id"), " ", "_") == string(failed[1]) })
		if i >= 0 {
			raw, err := json.Marshal(answered[i])
			require.NoError(t, err)
			t.Logf("Java's answer: %s", raw)
		}
	}
	require.NoError(t, err, "seed %d\n%s", seed, out)
}

// drawn is by which seed and how many cases a test draws.
func drawn(t *testing.T, bounded, soak int) (seed uint64, count int) {
	t.Helper()
	count = bounded
	if os.Getenv("SLUICE_SOAK") != "" {
		count = soak
	}
	seed, err := strconv.ParseUint(cmp.Or(os.Getenv("SLUICE_SOAK_SEED"), "1"), 10, 64)
	require.NoError(t, err, "SLUICE_SOAK_SEED")
	return seed, count
}

// runGolden runs the golden tests of packages on the vectors of a folder.
func runGolden(t *testing.T, dir string, packages ...string) ([]byte, error) {
	t.Helper()
	args := []string{"test", "-count=1", "-run", "Golden"}
	for _, pkg := range packages {
		args = append(args, "./"+pkg)
	}
	golden := exec.CommandContext(t.Context(), "go", args...)
	golden.Dir, golden.Env = "../..", append(os.Environ(), "SLUICE_GOLDEN="+dir)
	return golden.CombinedOutput()
}

var failedVector = regexp.MustCompile(`--- FAIL: \w+/(\S+)`)

// Random histories of a group, in which workers come, go and return and connectors change, are decided by Java's assignor and then by ours.
func TestNewHistoriesAreDecidedAsJavaDecides(t *testing.T) {
	if testing.Short() {
		t.Skip("runs programs: not with -short")
	}
	seed, count := drawn(t, 100, 2000)
	dir := t.TempDir()
	for _, line := range bytes.Split(runJava(t, nil, "testdata/Histories.java", strconv.FormatUint(seed, 10), strconv.Itoa(count)), []byte("\n")) {
		if bytes.HasPrefix(line, []byte("[{")) { // not a log line
			require.NoError(t, os.WriteFile(filepath.Join(dir, "assignor.json"), line, 0o600))
		}
	}
	others, err := filepath.Abs("../../connect/assignment/testdata/worker-protocol.json") // which the package's golden tests read too
	require.NoError(t, err)
	require.NoError(t, os.Symlink(others, filepath.Join(dir, "worker-protocol.json")))
	out, err := runGolden(t, dir, "connect/assignment")
	require.NoError(t, err, "seed %d\n%s", seed, out)
}

func readVectors(t *testing.T, path string) []vector {
	t.Helper()
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	var file struct {
		Cases []vector `json:"cases"`
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	require.NoError(t, decoder.Decode(&file))
	return file.Cases
}

// judged asks Java.
func judged(t *testing.T, questions []vector) []vector {
	t.Helper()
	var in bytes.Buffer
	for encoder := json.NewEncoder(&in); len(questions) > 0; questions = questions[1:] {
		require.NoError(t, encoder.Encode(questions[0]))
	}
	out := runJava(t, &in, "testdata/Judge.java")
	var answered []vector
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		if !bytes.HasPrefix(lines.Bytes(), []byte("{")) { // a log line
			continue
		}
		var v vector
		decoder := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		decoder.UseNumber()
		require.NoError(t, decoder.Decode(&v))
		if !identityOfBytes(v) {
			answered = append(answered, v)
		}
	}
	require.NoError(t, lines.Err())
	return answered
}

// runJava runs a source file with Kafka Connect's classes and returns what it prints.
func runJava(t *testing.T, in io.Reader, args ...string) []byte {
	t.Helper()
	testbed.Need(t, testbed.Java)
	java, err := testbed.Java.Path()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), java, append([]string{"-Xmx512m", "-Duser.timezone=UTC", "-Duser.language=en", "-Duser.country=US",
		"-cp", filepath.Join(testbed.KafkaJars(t), "*")}, args...)...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = in, &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	return out
}

// identityOfBytes tells of text in which Java has put a byte array's identity, as StringConverter does: Sluice writes Base64 there, by README's table.
func identityOfBytes(v vector) bool {
	return strings.Contains(v.text("out_hex"), "5b4240") || v.text("op") == "from" && strings.Contains(fmt.Sprint(v["out"]), "[B@") ||
		v.text("op") == "transform" && strings.Contains(fmt.Sprint(v["out"]), "[B@")
}
