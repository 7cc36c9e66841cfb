package remote

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/connecttest"
	"github.com/sluice-connect/sluice/connectors/file"
)

// The same suite as in the connector's own package.
func TestTheFileSourceKeepsItsPromisesAcrossTheBoundary(t *testing.T) {
	c := run(t).source(file.Source{}.Spec().Class)
	connecttest.RunSource(t, c, connect.Config{"topic": "lines"}, func(t testing.TB, cfg connect.Config) connecttest.SourceWorld {
		path := filepath.Join(t.TempDir(), "in.txt")
		write(t, path, "")
		cfg["file"] = path
		made := 0
		return connecttest.SourceWorld{
			Feed: func(n int) (lines []string) {
				for range n {
					made++
					lines = append(lines, fmt.Sprintf("line %d of %s", made, path))
				}
				write(t, path, strings.Join(lines, "\n")+"\n")
				return lines
			},
			BadConfigs: map[string]connect.Config{"topic": {"topic": ""}},
			Outage: func() func() {
				away := path + ".away"
				require.NoError(t, os.Rename(path, away))
				return func() { require.NoError(t, os.Rename(away, path)) }
			},
		}
	})
}

func TestTheFileSinkKeepsItsPromisesAcrossTheBoundary(t *testing.T) {
	c := run(t).sink(file.Sink{}.Spec().Class)
	connecttest.RunSink(t, c, nil, func(t testing.TB, cfg connect.Config) connecttest.SinkWorld {
		path := filepath.Join(t.TempDir(), "out.txt")
		cfg["file"] = path
		return connecttest.SinkWorld{Read: func() []string {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			return strings.Split(string(text), "\n")
		}}
	})
}
