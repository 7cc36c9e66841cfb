package embedded

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// The broker compacts by deleting the log of a partition and writing it anew, so a kill in between would lose the topic, and
// with a Connect cluster's config topic all its connectors. Therefore its logs are hard-linked into another folder first; a
// log that a start finds shorter than its copy is put back.

// compactAt is how many bytes the compacted topics together must have grown by before they are compacted again.
const compactAt = 16 << 20

func (k *Kafka) backupDir() string { return filepath.Join(k.cfg.DataDir, "compacting") }

// compact compacts the topics on disk if they have grown enough. In memory the broker's own cleaner does it.
func (k *Kafka) compact() error {
	if k.cfg.DataDir == "" {
		return nil
	}
	logs, err := compactedLogs(k.cfg.DataDir)
	if err != nil {
		return err
	}
	if logsSize(logs) < k.compacted+compactAt {
		return nil
	}
	return k.compactNow(logs)
}

func (k *Kafka) compactNow(logs []string) error {
	if err := saveLogs(logs, k.backupDir()); err != nil {
		return fmt.Errorf("saving the logs before compaction: %w", err)
	}
	k.cluster.Compact()
	k.compacted = logsSize(logs)
	return discard(k.backupDir())
}

// compactedLogs lists the folders of the partitions of compacted topics, by the broker's own list of topics.
func compactedLogs(dataDir string) ([]string, error) {
	var list struct {
		Topics []struct {
			Name       string            `json:"name"`
			Partitions int               `json:"partitions"`
			Configs    map[string]string `json:"configs"`
		} `json:"topics"`
	}
	raw, err := os.ReadFile(filepath.Join(dataDir, "topics.json"))
	if err != nil {
		return nil, fmt.Errorf("reading the list of topics: %w", err)
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("reading the list of topics: %w", err)
	}
	var logs []string
	for _, t := range list.Topics {
		if !strings.Contains(t.Configs["cleanup.policy"], "compact") {
			continue
		}
		for p := range t.Partitions {
			logs = append(logs, filepath.Join(dataDir, "partitions", url.PathEscape(t.Name)+"-"+strconv.Itoa(p)))
		}
	}
	return logs, nil
}

func logsSize(logs []string) int64 {
	var size int64
	for _, dir := range logs {
		for _, base := range segments(dir) {
			if info, err := os.Stat(segmentPath(dir, base)); err == nil {
				size += info.Size()
			}
		}
	}
	return size
}

// saveLogs links the files of each log into a folder of its own below to, which appears only when it is complete.
func saveLogs(logs []string, to string) error {
	tmp := to + ".tmp"
	if err := os.RemoveAll(tmp); err != nil {
		return err
	}
	for _, dir := range logs {
		if err := linkLog(dir, filepath.Join(tmp, filepath.Base(dir))); err != nil {
			return err
		}
	}
	return os.Rename(tmp, to)
}

func linkLog(from, to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // nothing was ever written to the partition
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.Link(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// discard removes a folder so that no half of it can be taken for the whole.
func discard(dir string) error {
	tmp := dir + ".tmp"
	if err := os.Rename(dir, tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.RemoveAll(tmp)
}

// restoreCompacted puts back the logs that a compaction did not finish before the process was killed.
func restoreCompacted(dataDir string) error {
	backup := filepath.Join(dataDir, "compacting")
	saved, err := os.ReadDir(backup)
	if errors.Is(err, fs.ErrNotExist) {
		return os.RemoveAll(backup + ".tmp")
	}
	if err != nil {
		return fmt.Errorf("reading the logs saved before compaction: %w", err)
	}
	for _, e := range saved {
		from, to := filepath.Join(backup, e.Name()), filepath.Join(dataDir, "partitions", e.Name())
		if logEnd(to) >= logEnd(from) {
			continue
		}
		if err := errors.Join(os.RemoveAll(to), linkLog(from, to)); err != nil {
			return fmt.Errorf("restoring the log of %s after an interrupted compaction: %w", e.Name(), err)
		}
	}
	return discard(backup)
}

// segments lists the base offsets of a log's segments, ascending.
func segments(dir string) []int64 {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var bases []int64
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".dat")
		if base, err := strconv.ParseInt(name, 10, 64); ok && err == nil {
			bases = append(bases, base)
		}
	}
	slices.Sort(bases)
	return bases
}

func segmentPath(dir string, base int64) string {
	return filepath.Join(dir, strconv.FormatInt(base, 10)+".dat")
}

// logEnd is the offset after a log's last whole record batch; 0 when there is none. A segment is record batches of format 2
// one after the other (KIP-98): base offset, length of what follows, ..., last offset delta at byte 23.
func logEnd(dir string) int64 {
	const lengthAt, bodyAt, deltaAt = 8, 12, 23
	for _, base := range slices.Backward(segments(dir)) {
		raw, err := os.ReadFile(segmentPath(dir, base))
		if err != nil {
			continue
		}
		end := int64(0)
		for len(raw) >= deltaAt+4 {
			size := bodyAt + int64(int32(binary.BigEndian.Uint32(raw[lengthAt:])))
			if size < deltaAt+4 || size > int64(len(raw)) {
				break
			}
			end = int64(binary.BigEndian.Uint64(raw)) + int64(binary.BigEndian.Uint32(raw[deltaAt:])) + 1
			raw = raw[size:]
		}
		if end > 0 {
			return end
		}
	}
	return 0
}
