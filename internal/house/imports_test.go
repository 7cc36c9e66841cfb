// Package house holds the rules of the house that a compiler does not know: which package may import which, and what things are called.
package house

import (
	"bytes"
	"encoding/json"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/sluice-connect/sluice"

type listed struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", module+"/...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		p.ImportPath = strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		all = append(all, p)
	}
}

// ours are the imports of a package that are of this module, by their path within it.
func (p listed) ours() []string {
	var out []string
	for _, i := range p.Imports {
		if rest, ok := strings.CutPrefix(i, module); ok {
			out = append(out, strings.TrimPrefix(rest, "/"))
		}
	}
	return out
}

func under(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

// leaves are the packages that connectors may use beside the SDK, because they import nothing of ours but one another.
var leaves = []string{"connect/kafkaclient", "connect/certstore", "connect/jaas", "connect/reread"}

// ofREST are the packages in which the herder's interface speaks, and those of REST's own TLS and log levels: REST may know no other of the framework.
var ofREST = []string{"connect", "connect/catalog", "connect/certstore", "connect/herder", "connect/logging", "connect/validation"}

// ofContract are the packages of the contract with plugins, which both of its sides use.
var ofContract = []string{"connect", "plugins/contract", "plugins/wire"}

// ofAuthors are the packages that an author's program has beside its own.
var ofAuthors = append([]string{"connect/collector"}, ofContract...)

// ofBoundary are those that Sluice's side of the contract uses beside them: whose definitions it gives what plugins bring.
var ofBoundary = []string{"connect/configproviders", "connect/converters", "connect/redaction", "connect/transforms"}

// ofPlugins are the packages that keep plugins, by what each may import of ours: a manifest is read without knowing how to run anything, a process knows
// nothing of connectors, and only the fleet puts them together.
var ofPlugins = map[string][]string{
	"plugins/contract":   {},
	"plugins/manifest":   {"connect", "plugins/contract"},
	"plugins/process":    {"plugins/contract", "plugins/wire"},
	"plugins/fleet":      {"connect/redaction", "plugins/manifest", "plugins/process", "plugins/remote"},
	"plugins/inspection": {"connect", "plugins/contract", "plugins/fleet", "plugins/manifest", "plugins/process", "plugins/wire"},
	"connect/collector":  {},
	"connect/versions":   {},
}

// running are the packages that run connectors.
var running = []string{"connect/worker", "connect/cluster", "connect/group", "connect/embedded"}

// room is the directory of the connector that a package belongs to: connectors/mqtt for connectors/mqtt/payload.
func room(path string) string {
	parts := strings.SplitN(path, "/", 3)
	return strings.Join(parts[:min(2, len(parts))], "/")
}

func TestArrowsRunOneWay(t *testing.T) {
	for _, p := range packages(t) {
		for _, i := range p.ours() {
			switch {
			case p.ImportPath == "connect":
				t.Errorf("the SDK imports %s: it must import no package of ours", i)
			case contains(leaves, p.ImportPath) && !contains(leaves, i):
				t.Errorf("%s imports %s: it is a leaf, which MQTT, Kafka and REST share", p.ImportPath, i)
			case p.ImportPath == "connect/connecttest" && i != "connect":
				t.Errorf("connecttest imports %s: an author's test must drag in no framework", i)
			case under(p.ImportPath, "connectors") && i != "connect" && !contains(leaves, i) && !under(i, room(p.ImportPath)):
				t.Errorf("%s imports %s: a connector imports the SDK, the leaf packages and what lies under it", p.ImportPath, i)
			case under(p.ImportPath, "connect") && (under(i, "api") || under(i, "connectors") || under(i, "cmd") || under(i, "internal")):
				t.Errorf("%s imports %s: the framework knows neither REST nor connectors nor programs", p.ImportPath, i)
			case under(p.ImportPath, "api") && !under(i, "api") && !contains(ofREST, i):
				t.Errorf("%s imports %s: REST talks to the herder and knows nothing else", p.ImportPath, i)
			case p.ImportPath == "cmd/sluice/remote" && (under(i, "connectors") || contains(running, i)):
				t.Errorf("%s imports %s: its commands talk to a cluster over REST and run nothing", p.ImportPath, i)
			case p.ImportPath == "plugins" && !contains(ofAuthors, i):
				t.Errorf("%s imports %s: an author's program must drag in no framework", p.ImportPath, i)
			case p.ImportPath == "plugins/remote" && !contains(ofContract, i) && !contains(ofBoundary, i):
				t.Errorf("%s imports %s: it makes classes of what a plugin brings, and knows neither processes nor what runs them", p.ImportPath, i)
			case ofPlugins[p.ImportPath] != nil && !contains(ofPlugins[p.ImportPath], i):
				t.Errorf("%s imports %s, and may import %v", p.ImportPath, i, ofPlugins[p.ImportPath])
			case under(p.ImportPath, "connect") && under(i, "plugins"):
				t.Errorf("%s imports %s: what runs connectors does not know which are plugins", p.ImportPath, i)
			case under(i, "internal") && !under(p.ImportPath, "internal"):
				t.Errorf("%s imports %s: internal holds nothing of the product", p.ImportPath, i)
			}
		}
	}
}

// An author's test brings its own libraries, or none.
func TestConnecttestImportsTheSDKAndTestifyAtMost(t *testing.T) {
	for _, p := range packages(t) {
		if p.ImportPath != "connect/connecttest" {
			continue
		}
		for _, i := range p.Imports {
			standard := !strings.Contains(strings.Split(i, "/")[0], ".")
			if !standard && i != module+"/connect" && !under(i, "github.com/stretchr/testify") {
				t.Errorf("connecttest imports %s", i)
			}
		}
	}
}

func TestRESTImportsNoKafkaClient(t *testing.T) {
	for _, p := range packages(t) {
		for _, i := range p.Imports {
			if under(p.ImportPath, "api") && kafkaClient(i) {
				t.Errorf("%s imports %s", p.ImportPath, i)
			}
		}
	}
}

// What an author's program and test drag in, by whatever way.
func TestTheSDKDragsInNoKafkaClient(t *testing.T) {
	for name, may := range map[string][]string{"connect": {}, "connect/connecttest": {"connect"}, "plugins": ofAuthors} {
		out, err := exec.Command("go", "list", "-deps", module+"/"+name).Output()
		require.NoError(t, err)
		for _, dep := range strings.Fields(string(out)) {
			ours, isOurs := strings.CutPrefix(dep, module+"/")
			if kafkaClient(dep) || isOurs && ours != name && !contains(may, ours) {
				t.Errorf("%s drags in %s", name, dep)
			}
		}
	}
}

func kafkaClient(path string) bool {
	return strings.Contains(path, "sarama") || strings.Contains(path, "franz-go")
}

func contains(all []string, s string) bool {
	for _, a := range all {
		if a == s {
			return true
		}
	}
	return false
}
