package testbed

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// KafkaVersion is the release of Apache Kafka and Kafka Connect that tests run against.
const KafkaVersion = "4.1.2"

// pom lists the jars of Kafka and Kafka Connect; a changed list is another directory in the cache.
//
//go:embed pom.xml
var pom []byte

// KafkaJars is the directory with the jars of Apache Kafka and Kafka Connect, also fit as a plugin.path. The first call
// on a machine fetches 55 MB.
func KafkaJars(t testing.TB) string {
	t.Helper()
	Need(t, Java)
	if dir, ok := cachedKafka(); ok {
		return dir
	}
	Need(t, Maven)
	dir, err := FetchKafka(t.Context())
	if err != nil {
		giveUp(t, fmt.Sprintf("the jars of Apache Kafka %s (%v)", KafkaVersion, err), "go run ./internal/testbed/prepare")
	}
	return dir
}

// JavaCommand runs a main class out of [KafkaJars], e.g. org.apache.kafka.connect.cli.ConnectDistributed, which logs from
// level INFO to stdout.
func JavaCommand(t testing.TB, mainClass string, args ...string) Command {
	t.Helper()
	jars := KafkaJars(t)
	java, err := Java.Path()
	if err != nil {
		t.Fatal(err)
	}
	logging, err := writeJavaLogging(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return javaCommand(java, jars, logging, mainClass, args...)
}

//go:embed log4j2.properties
var javaLogging []byte

// writeJavaLogging puts the configuration of log4j into the directory and returns its path.
func writeJavaLogging(dir string) (string, error) {
	path := filepath.Join(dir, "log4j2.properties")
	if err := os.WriteFile(path, javaLogging, 0o644); err != nil {
		return "", fmt.Errorf("configuring the log of Java: %w", err)
	}
	return path, nil
}

// javaCommand favours a quick start over speed later, and little memory.
func javaCommand(java, jars, logging, mainClass string, args ...string) Command {
	flags := []string{"-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
		"-Dlog4j2.configurationFile=" + logging, "-cp", filepath.Join(jars, "*"), mainClass}
	return Command{Name: mainClass, Path: java, Args: append(flags, args...)}
}

// cachedKafka tells where the jars are and whether they are there.
func cachedKafka() (string, bool) {
	cache, err := cacheDir()
	if err != nil {
		return "", false
	}
	dir := kafkaDir(cache)
	info, err := os.Stat(dir)
	return dir, err == nil && info.IsDir()
}

func kafkaDir(cache string) string {
	sum := sha256.Sum256(pom)
	return filepath.Join(cache, "kafka-"+KafkaVersion+"-"+hex.EncodeToString(sum[:4]))
}

// FetchKafka brings the jars of Apache Kafka into the cache through Maven, unless they are there, and returns their
// directory. Processes that call it at the same time download once.
func FetchKafka(ctx context.Context) (string, error) {
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	lock, err := lockCache(cache)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	dir := kafkaDir(cache)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := download(ctx, cache, dir); err != nil {
		return "", fmt.Errorf("fetching Apache Kafka %s: %w", KafkaVersion, err)
	}
	return dir, nil
}

// download fills a temporary directory and renames it, so that dir is never there half full.
func download(ctx context.Context, cache, dir string) error {
	work, err := os.MkdirTemp(cache, "download-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	jars := filepath.Join(work, "jars")
	if err := copyJars(ctx, pom, work, jars); err != nil {
		return err
	}
	return os.Rename(jars, dir)
}

// copyJars puts the jars that a pom lists, and those that they need, into a directory. work is where the pom may stand.
func copyJars(ctx context.Context, pom []byte, work, into string) error {
	mvn, err := Maven.Path()
	if err != nil {
		return fmt.Errorf("%w: %s", err, Maven.InstallCommand())
	}
	pomFile := filepath.Join(work, "pom.xml")
	if err := os.WriteFile(pomFile, pom, 0o644); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, mvn, "-q", "-B", "-f", pomFile, "dependency:copy-dependencies", "-DoutputDirectory="+into)
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("running mvn: %w\n%s", err, output)
	}
	return nil
}
