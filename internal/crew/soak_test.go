//go:build soak

package crew

import "testing"

func TestSoakNothingIsMissingWhateverHappensToWorkers(t *testing.T) { befall(t, 60) }

// TestSoakManyJavaConnectors has what the figures of many connectors are compared with.
func TestSoakManyJavaConnectors(t *testing.T) {
	needsProcesses(t)
	startCrowd(t, 200, (*Crew).Java)
}
