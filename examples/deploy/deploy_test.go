// Package deploy holds the files of examples/deploy to what the program knows.
package deploy

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/sluice-connect/sluice/connect/workerconfig"
)

// closing is what a worker takes beyond its tasks' graceful time at most.
const closing = 10 * time.Second

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(text)
}

// worker parses properties as the program does.
func worker(t *testing.T, path string, environment ...string) *workerconfig.Worker {
	t.Helper()
	properties, err := workerconfig.Load(path, environment, nil)
	require.NoError(t, err)
	config, err := workerconfig.Parse(workerconfig.Distributed, properties)
	require.NoError(t, err)
	return config
}

// object is one document of kubernetes.yaml, as far as it matters here.
type object struct {
	Kind string
	Data map[string]string
	Spec struct {
		ServiceName string `yaml:"serviceName"`
		Template    struct {
			Spec struct {
				Grace      int `yaml:"terminationGracePeriodSeconds"`
				Containers []struct {
					Env   []struct{ Name, Value string }
					Args  []string
					Ready probe `yaml:"readinessProbe"`
					Start probe `yaml:"startupProbe"`
				}
			}
		}
	}
}

type probe struct {
	HTTP struct{ Path string } `yaml:"httpGet"`
}

func objects(t *testing.T) map[string]object {
	t.Helper()
	all := map[string]object{}
	for d := yaml.NewDecoder(bytes.NewReader([]byte(read(t, "kubernetes.yaml")))); ; {
		var o object
		err := d.Decode(&o)
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		all[o.Kind] = o
	}
}

func TestTheWorkerPropertiesAreTaken(t *testing.T) {
	assert.Equal(t, "sluice", worker(t, "worker.properties").GroupID)
	assert.Equal(t, "example", worker(t, "../cluster/worker.properties").GroupID)
}

func TestKubernetesEndsAWorkerInOrderAndAsksWhatIsServed(t *testing.T) {
	all := objects(t)
	path := filepath.Join(t.TempDir(), "worker.properties")
	require.NoError(t, os.WriteFile(path, []byte(all["ConfigMap"].Data["worker.properties"]), 0o600))
	set := all["StatefulSet"].Spec
	pod := set.Template.Spec
	container := pod.Containers[0]
	var environment []string
	for _, e := range container.Env {
		environment = append(environment, e.Name+"="+e.Value)
	}
	config := worker(t, path, environment...)
	assert.Equal(t, "$(POD_NAME)."+set.ServiceName, config.AdvertisedHost)
	assert.Greater(t, time.Duration(pod.Grace)*time.Second, config.GracefulShutdown+closing)
	assert.Equal(t, "/health", container.Ready.HTTP.Path)
	assert.Equal(t, "/health", container.Start.HTTP.Path)
	assert.Equal(t, []string{"worker", "/etc/sluice/worker.properties"}, container.Args)
	assert.Contains(t, all, "PodDisruptionBudget")
}

func TestComposeEndsWorkersInOrderAndGivesThemNames(t *testing.T) {
	var file struct {
		Services map[string]struct {
			Image       string
			Grace       time.Duration `yaml:"stop_grace_period"`
			Environment map[string]string
		}
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, "compose.yaml")), &file))
	workers := 0
	for name, s := range file.Services {
		if s.Image != "sluice" {
			continue
		}
		workers++
		var environment []string
		for key, value := range s.Environment {
			environment = append(environment, key+"="+value)
		}
		config := worker(t, "worker.properties", environment...)
		assert.Equal(t, name, config.AdvertisedHost)
		assert.Greater(t, s.Grace, config.GracefulShutdown+closing)
	}
	assert.Equal(t, 3, workers)
}

func TestSystemdEndsAWorkerInOrder(t *testing.T) {
	unit := read(t, "sluice.service")
	found := regexp.MustCompile(`(?m)^TimeoutStopSec=(\S+)$`).FindStringSubmatch(unit)
	require.NotNil(t, found)
	grace, err := time.ParseDuration(found[1])
	require.NoError(t, err)
	assert.Greater(t, grace, worker(t, "worker.properties").GracefulShutdown+closing)
	assert.Contains(t, unit, "ExecStart=/usr/local/bin/sluice worker /etc/sluice/worker.properties\n")
}

func TestTheImageIsBuiltWithTheModulesGo(t *testing.T) {
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "../../go.mod"))
	require.NotNil(t, version)
	file := read(t, "Containerfile")
	assert.Contains(t, file, "FROM golang:"+version[1]+" AS build")
	assert.True(t, strings.HasPrefix(file[strings.Index(file, "CMD"):], `CMD ["worker", "/etc/sluice/worker.properties"]`))
}
