package testbed

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
)

// convertersPom lists Apicurio's converters for Kafka Connect; a changed list is another directory in the cache.
//
//go:embed converters.pom.xml
var convertersPom []byte

// FetchConverters brings Apicurio's Java converters for a schema registry into the cache through Maven, 5 MB, unless they are there, and returns their
// directory. They run beside the jars of [FetchKafka].
func FetchConverters(ctx context.Context) (string, error) {
	sum := sha256.Sum256(convertersPom)
	dir, err := fetched("apicurio-converters-"+hex.EncodeToString(sum[:4]), func(work string) error { return downloadConverters(ctx, work) })
	if err != nil {
		return "", fmt.Errorf("fetching Apicurio's converters: %w", err)
	}
	return dir, nil
}

func downloadConverters(ctx context.Context, into string) error {
	list, err := os.MkdirTemp(filepath.Dir(into), "download-")
	if err != nil {
		return fmt.Errorf("making a directory: %w", err)
	}
	defer os.RemoveAll(list)
	return copyJars(ctx, convertersPom, list, into)
}
