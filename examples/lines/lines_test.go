package lines

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/connecttest"
)

func TestLinesArriveOnceAndGoOnAfterARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in.txt")
	write(t, path, "one\ntwo\nhalf")
	src := connecttest.StartSource(t, Source{}, connect.Config{"file": path, "topic": "lines"})

	got := src.Take(2)
	if got[0].Value.Str() != "one" || got[1].Value.Str() != "two" {
		t.Fatalf("want one, two; got %v, %v", got[0].Value, got[1].Value)
	}
	src.Restart()
	write(t, path, " done\n")
	if r := src.Take(1)[0]; r.Value.Str() != "half done" || r.Offset.Int64() != 18 {
		t.Fatalf("want the completed line at 18; got %v at %v", r.Value, r.Offset)
	}
}

func write(t testing.TB, path, text string) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.WriteString(text)
	}
	if err != nil || f.Close() != nil {
		t.Fatal("writing:", err)
	}
}
