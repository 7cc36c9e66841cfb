// Package collector sets Go's garbage collector for programs that turn over records: workers and plugins.
package collector

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// headroom is what may be allocated between two runs of the garbage collector, in bytes; more only where half of what is alive is more. Such a program keeps a
// few MB alive and turns them over many times a second: with Go's own setting, a run for each doubling, the collector would be half of every path that
// allocates, and in a burst each run, which takes for alive what came while it ran, would let the next one come later.
const headroom = 16 << 20

// leastPercent and mostPercent bound what the collector is set to (GOGC).
const (
	leastPercent = 50
	mostPercent  = 800
)

// Tune gives the garbage collector its headroom, for as long as the program runs. With GOGC or GOMEMLIMIT in the environment it leaves all to them. It is
// called once, by main.
func Tune() {
	if !tunedByEnvironment() {
		adjust(struct{}{})
	}
}

func tunedByEnvironment() bool { return os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" }

// marker is what nobody holds: its cleanup runs once the garbage collector has. The pointer keeps it out of the blocks that small values share.
type marker struct{ _ *marker }

// adjust sets the garbage collector for what was alive at the end of its last run, and has itself called after the next one.
func adjust(struct{}) {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/gogc:percent"}}
	metrics.Read(samples)
	if percent := percentFor(samples[0].Value.Uint64()); percent != int(samples[1].Value.Uint64()) {
		debug.SetGCPercent(percent)
	}
	runtime.AddCleanup(&marker{}, adjust, struct{}{})
}

// percentFor is GOGC for so many bytes alive, in steps of 25, so that it changes seldom: a change stops the world.
func percentFor(live uint64) int {
	percent := headroom * 100 / max(live, 1)
	return int(min(max(percent/25*25, leastPercent), mostPercent))
}
