package lines

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/connecttest"
)

func TestTheSourceKeepsItsPromises(t *testing.T) {
	connecttest.RunSource(t, Source{}, connect.Config{"topic": "lines"}, func(t testing.TB, cfg connect.Config) connecttest.SourceWorld {
		path, made := filepath.Join(t.TempDir(), "in.txt"), 0
		write(t, path, "")
		cfg["file"] = path
		return connecttest.SourceWorld{Feed: func(n int) (lines []string) {
			for range n {
				made++
				lines = append(lines, fmt.Sprintf("line %d of %s", made, path))
			}
			write(t, path, strings.Join(lines, "\n")+"\n")
			return lines
		}}
	})
}
