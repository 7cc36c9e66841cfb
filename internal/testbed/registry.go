package testbed

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// RegistryVersion is the release of the Apicurio registry that tests run against. It speaks Confluent's REST interface too.
const RegistryVersion = "2.6.13.Final"

// SharedRegistry is the URL of a real schema registry that tests share: that of the whole run (environment variable SLUICE_TEST_REGISTRY), or one
// that the first call in this process starts, about 8 seconds. Who uses it names subjects with [Prefix].
func SharedRegistry(t testing.TB) string {
	t.Helper()
	if url := os.Getenv(RegistryEnv); url != "" {
		return url
	}
	Need(t, Java, Maven)
	if _, err := FetchRegistry(t.Context()); err != nil { // outside the lock: this may skip the test
		giveUp(t, fmt.Sprintf("the Apicurio registry %s (%v)", RegistryVersion, err), "go run ./internal/testbed/prepare")
	}
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.registry == nil {
		if err := shared.ready(); err != nil {
			t.Fatal(err)
		}
		var err error
		if shared.registry, err = RunRegistry(context.Background(), filepath.Join(shared.dir, "registry")); err != nil {
			t.Fatal(err)
		}
	}
	return shared.registry.URL
}

// RunningRegistry is a schema registry that belongs to no test. It keeps its schemas in memory.
type RunningRegistry struct {
	// URL is that of Confluent's REST interface, and Own of Apicurio's.
	URL, Own string

	child *child
}

// RunRegistry starts a schema registry with its log in dir and waits until it is ready. ctx bounds the start. It ends with [RunningRegistry.Stop], or
// with this process on Linux.
func RunRegistry(ctx context.Context, dir string) (*RunningRegistry, error) {
	java, err := Java.Path()
	if err != nil {
		return nil, err
	}
	home, err := FetchRegistry(ctx)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("creating the directory of the registry: %w", err)
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	r := &RunningRegistry{URL: "http://" + loopback(port) + "/apis/ccompat/v7", Own: "http://" + loopback(port) + "/apis/registry/v2"}
	r.child = &child{command: Command{
		Name: "schema registry", Path: java, Log: filepath.Join(dir, "registry.log"), Dir: home, Ready: r.ready,
		Args: []string{"-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dquarkus.http.host=127.0.0.1",
			fmt.Sprintf("-Dquarkus.http.port=%d", port), "-jar", "apicurio-registry-app-" + RegistryVersion + "-runner.jar"},
	}}
	if err := r.child.start(); err != nil {
		return nil, fmt.Errorf("starting the schema registry: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := r.child.waitReady(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the schema registry: %w", err), r.child.kill())
	}
	return r, nil
}

// Stop kills the registry and returns when it is gone.
func (r *RunningRegistry) Stop() error { return r.child.kill() }

func (r *RunningRegistry) ready(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL+"/subjects", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("it answers %s", resp.Status)
	}
	return nil
}

// FetchRegistry brings the Apicurio registry into the cache through Maven, 142 MB, unless it is there, and returns its directory. Processes that call
// it at the same time download once.
func FetchRegistry(ctx context.Context) (string, error) {
	dir, err := fetched("apicurio-"+RegistryVersion, func(work string) error { return downloadRegistry(ctx, work) })
	if err != nil {
		return "", fmt.Errorf("fetching the Apicurio registry %s: %w", RegistryVersion, err)
	}
	return dir, nil
}

func downloadRegistry(ctx context.Context, into string) error {
	mvn, err := Maven.Path()
	if err != nil {
		return err
	}
	archive := into + "-archive"
	defer os.RemoveAll(archive)
	cmd := exec.CommandContext(ctx, mvn, "-q", "-B", "dependency:copy",
		"-Dartifact=io.apicurio:apicurio-registry-app:"+RegistryVersion+":tar.gz:all", "-DoutputDirectory="+archive)
	cmd.Dir = filepath.Dir(into) // there is no pom.xml
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("running mvn: %w\n%s", err, output)
	}
	return unpack(filepath.Join(archive, "apicurio-registry-app-"+RegistryVersion+"-all.tar.gz"), into)
}

// unpack extracts the files of a tar.gz into a directory.
func unpack(archive, dir string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	plain, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("unpacking %s: %w", archive, err)
	}
	for files := tar.NewReader(plain); ; {
		header, err := files.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("unpacking %s: %w", archive, err)
		}
		if header.Typeflag != tar.TypeReg || !filepath.IsLocal(header.Name) {
			continue
		}
		if err := unpackFile(files, filepath.Join(dir, header.Name)); err != nil {
			return fmt.Errorf("unpacking %s: %w", archive, err)
		}
	}
}

func unpackFile(from io.Reader, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, from); err != nil {
		return errors.Join(err, out.Close())
	}
	return out.Close()
}
