package file

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/connecttest"
)

func TestTheSourceKeepsItsPromises(t *testing.T) {
	connecttest.RunSource(t, Source{}, connect.Config{"topic": "lines"}, func(t testing.TB, cfg connect.Config) connecttest.SourceWorld {
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

func TestTheSinkKeepsItsPromises(t *testing.T) {
	connecttest.RunSink(t, Sink{}, nil, func(t testing.TB, cfg connect.Config) connecttest.SinkWorld {
		path := filepath.Join(t.TempDir(), "out.txt")
		cfg["file"] = path
		return connecttest.SinkWorld{Read: func() []string {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			return strings.Split(string(text), "\n")
		}}
	})
}
