package testbed

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
)

// JMXExporterVersion is the release of Prometheus's jmx_exporter whose names Sluice's metrics have: the last that keeps _total.
const JMXExporterVersion = "0.20.0"

// JMXExporter is the path of the jar of jmx_exporter's agent for a JVM. The first call on a machine fetches 600 kB.
func JMXExporter(t testing.TB) string {
	t.Helper()
	Need(t, Java, Maven)
	path, err := FetchJMXExporter(t.Context())
	if err != nil {
		giveUp(t, fmt.Sprintf("jmx_exporter %s (%v)", JMXExporterVersion, err), "go run ./internal/testbed/prepare")
	}
	return path
}

// FetchJMXExporter brings the agent into the cache through Maven, unless it is there, and returns its path.
func FetchJMXExporter(ctx context.Context) (string, error) {
	dir, err := fetched("jmx-exporter-"+JMXExporterVersion, func(into string) error {
		mvn, err := Maven.Path()
		if err != nil {
			return err
		}
		cmd := exec.CommandContext(ctx, mvn, "-q", "-B", "dependency:copy",
			"-Dartifact=io.prometheus.jmx:jmx_prometheus_javaagent:"+JMXExporterVersion, "-DoutputDirectory="+into)
		cmd.Dir = filepath.Dir(into) // there is no pom.xml
		if output, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("running mvn: %w\n%s", err, output)
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("fetching jmx_exporter %s: %w", JMXExporterVersion, err)
	}
	return filepath.Join(dir, "jmx_prometheus_javaagent-"+JMXExporterVersion+".jar"), nil
}
