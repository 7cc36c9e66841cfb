package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"

	"github.com/sluice-connect/sluice/internal/testbed"
)

// provide installs and fetches what it can, tells on out what is there, and returns whether that is everything.
func provide(ctx context.Context, out io.Writer) bool {
	if lacking := missing(); len(lacking) > 0 && canInstall() {
		if err := install(ctx, lacking); err != nil {
			complain("installing", err)
		}
	}
	complete := true
	for _, p := range testbed.Prerequisites() {
		path, err := p.Path()
		if err != nil {
			complete = false
			fmt.Fprintf(out, "missing  %s (%v): %s\n", p.Name, err, p.InstallCommand())
			continue
		}
		fmt.Fprintf(out, "there    %s: %s\n", p.Name, path)
	}
	for _, d := range downloads() {
		path, err := d.fetch(ctx)
		if err != nil {
			complete = false
			fmt.Fprintf(out, "missing  %s: %v\n", d.name, err)
			continue
		}
		fmt.Fprintf(out, "there    %s: %s\n", d.name, path)
	}
	return complete
}

type download struct {
	name  string
	fetch func(context.Context) (string, error)
}

// downloads are what tests need that no package manager of the system has, or none installs.
func downloads() []download {
	all := []download{
		{"Apache Kafka " + testbed.KafkaVersion, testbed.FetchKafka},
		{"Apicurio registry " + testbed.RegistryVersion, testbed.FetchRegistry},
		{"Apicurio's converters", testbed.FetchConverters},
		{"Confluent's Python serializers", testbed.FetchPythonSerdes},
		{"schemathesis", testbed.FetchSchemathesis},
		{"jmx_exporter " + testbed.JMXExporterVersion, testbed.FetchJMXExporter},
	}
	if testbed.Soak() {
		all = append(all, download{"Linux for a virtual machine", testbed.FetchKernel})
	}
	return all
}

func missing() []testbed.Prerequisite {
	return slices.DeleteFunc(testbed.Prerequisites(), func(p testbed.Prerequisite) bool {
		_, err := p.Path()
		return err == nil
	})
}

// canInstall is true for root where there is apt-get.
func canInstall() bool {
	_, err := exec.LookPath("apt-get")
	return err == nil && os.Geteuid() == 0
}

// install gets the packages by apt-get. Debian starts a mosquitto when it installs one: that one is stopped, tests start
// their own.
func install(ctx context.Context, lacking []testbed.Prerequisite) error {
	args := []string{"install", "-y", "--no-install-recommends"}
	startsService := false
	for _, p := range lacking {
		args = append(args, p.AptPackage)
		startsService = startsService || p.AptPackage == testbed.MosquittoServer.AptPackage
	}
	for _, args := range [][]string{{"update"}, args} {
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if output, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("running apt-get %s: %w\n%s", args[0], err, output)
		}
	}
	if startsService {
		// An error means that there is no such service, as in a container.
		_ = exec.CommandContext(ctx, "service", "mosquitto", "stop").Run()
	}
	return nil
}
