package embedded

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// KafkaConfig says how the embedded Kafka broker runs. The zero value is a broker in memory on a free loopback port.
type KafkaConfig struct {
	// Addr is host:port to listen on and to advertise; port 0 takes any free one. Default 127.0.0.1:0.
	Addr string
	// AddrHint is what the error for a busy port tells the user to use, e.g. "--kafka-port".
	AddrHint string
	// DataDir keeps topics, records, configs and committed offsets across restarts; empty keeps all in memory.
	DataDir string
	// DirHint is what the error for a directory in use tells the user to use, e.g. "--data-dir".
	DirHint string
	// Partitions is how many a topic gets that is created by its first use, or by a client that leaves it to the broker.
	// Default 3.
	Partitions int
	// RetentionBytes bounds the log of each partition of a topic that is not compacted, checked once a minute.
	// Default 256 MiB.
	RetentionBytes int64
	// Retention bounds the age of records in topics that are not compacted. Default 7 days.
	Retention time.Duration
	// Logger receives the broker's warnings; its chatter comes at level debug. Default: discarded.
	Logger *slog.Logger
}

func (c KafkaConfig) withDefaults() KafkaConfig {
	if c.Addr == "" {
		c.Addr = "127.0.0.1:0"
	}
	if c.Partitions <= 0 {
		c.Partitions = 3
	}
	if c.RetentionBytes <= 0 {
		c.RetentionBytes = 256 << 20
	}
	if c.Retention <= 0 {
		c.Retention = 7 * 24 * time.Hour
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Kafka is a running broker: one node, replication factor 1, no authentication.
//
// With a data directory it survives both an orderly end and kill -9: topics, also those created by their first use,
// records, topic configs and committed group offsets. Members of groups survive only an orderly end; after a kill the
// groups rebalance, and open transactions count as aborted. Like Apache Kafka by default it leaves flushing to the
// operating system, so a power cut may cost the last seconds.
type Kafka struct {
	cluster *kfake.Cluster
	addr    net.Addr
	ln      *kafkaListener
	lock    io.Closer
	cfg     KafkaConfig

	compacted int64 // bytes of the compacted topics after their last compaction; only keepHouse uses it

	stop  context.CancelFunc
	done  sync.WaitGroup
	close sync.Once
}

// StartKafka starts the broker; it accepts connections when the call returns. ctx bounds the start only, [Kafka.Close] ends
// the broker. Errors a user can mend are [AddrInUseError] and [DirInUseError].
func StartKafka(ctx context.Context, cfg KafkaConfig) (*Kafka, error) {
	cfg = cfg.withDefaults()
	k := &Kafka{cfg: cfg}
	ln, err := listen(ctx, cfg.Addr, cfg.AddrHint)
	if err != nil {
		return nil, fmt.Errorf("starting the embedded Kafka: %w", err)
	}
	k.ln = newKafkaListener(ln)
	k.addr = k.ln.Addr()
	if err := k.load(); err != nil {
		_ = ln.Close()
		if k.lock != nil {
			_ = k.lock.Close()
		}
		return nil, fmt.Errorf("starting the embedded Kafka: %w", err)
	}
	k.cluster.ControlKey(int16(kmsg.Metadata), k.onMetadata)
	k.cluster.ControlKey(int16(kmsg.CreateTopics), k.onCreateTopics)
	k.ln.open()

	running, stop := context.WithCancel(context.Background())
	k.stop = stop
	k.done.Go(func() { k.keepHouse(running) })
	return k, nil
}

// load locks and mends the data directory, if there is one, and starts the broker behind the still closed listener.
func (k *Kafka) load() error {
	opts, err := k.options()
	if err != nil {
		return err
	}
	if k.cfg.DataDir != "" {
		lock, err := lockDir(k.cfg.DataDir, k.cfg.DirHint)
		if err != nil {
			return err
		}
		k.lock = lock
		if err := restoreCompacted(k.cfg.DataDir); err != nil {
			return err
		}
	}
	k.cluster, err = kfake.NewCluster(opts...)
	return err
}

func (k *Kafka) options() ([]kfake.Opt, error) {
	id, err := newClusterID()
	if err != nil {
		return nil, err
	}
	cleaner := housekeeping
	if k.cfg.DataDir != "" {
		cleaner = 10 * 365 * 24 * time.Hour // never: it would lose a log to a kill, see compact
	}
	opts := []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.ClusterID(id), // a data directory keeps its own
		kfake.DefaultNumPartitions(k.cfg.Partitions),
		kfake.GroupMinSessionTimeout(time.Second),
		kfake.GroupMaxSessionTimeout(30 * time.Minute),
		kfake.ListenFn(func(string, string) (net.Listener, error) { return k.ln, nil }),
		kfake.WithLogger(kafkaLogger{k.cfg.Logger}),
		kfake.BrokerConfigs(map[string]string{
			"log.retention.bytes":    strconv.FormatInt(k.cfg.RetentionBytes, 10),
			"log.retention.ms":       strconv.FormatInt(k.cfg.Retention.Milliseconds(), 10),
			"log.segment.bytes":      strconv.Itoa(segmentBytes),
			"log.cleaner.backoff.ms": strconv.FormatInt(cleaner.Milliseconds(), 10),
		}),
	}
	if k.cfg.DataDir != "" {
		opts = append(opts, kfake.DataDir(k.cfg.DataDir))
	}
	return opts, nil
}

// housekeeping is how often retention and compaction are looked after.
const housekeeping = time.Minute

// segmentBytes is small because retention frees disk space by whole segments.
const segmentBytes = 16 << 20

// newClusterID makes an id of Kafka's shape (Uuid.randomUuid: 16 bytes, base64 for URLs).
func newClusterID() (string, error) {
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		return "", fmt.Errorf("making a cluster id: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(id[:]), nil
}

// Addr is the address clients connect to, host:port.
func (k *Kafka) Addr() string { return k.addr.String() }

// Close ends the broker and, with a data directory, saves what only an orderly end can save. It may be called more than
// once; the calls after the first do nothing.
func (k *Kafka) Close() error {
	var err error
	k.close.Do(func() {
		k.stop()
		k.done.Wait()
		k.cluster.Close()
		k.ln.wait()
		if k.lock != nil {
			err = k.lock.Close()
		}
	})
	if err != nil {
		return fmt.Errorf("unlocking the data directory: %w", err)
	}
	return nil
}

// keepHouse applies retention and compaction until ctx ends.
func (k *Kafka) keepHouse(ctx context.Context) {
	tick := time.NewTicker(housekeeping)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			k.cluster.ApplyRetention()
			if err := k.compact(); err != nil {
				k.cfg.Logger.Warn("compacting the embedded Kafka's topics failed; they keep growing", "error", err)
			}
		}
	}
}

// kafkaLogger hands the broker's log lines to slog.
type kafkaLogger struct{ log *slog.Logger }

// Logf implements [kfake.Logger].
func (l kafkaLogger) Logf(level kfake.LogLevel, format string, args ...any) {
	to := slog.LevelDebug
	switch level {
	case kfake.LogLevelError:
		to = slog.LevelError
	case kfake.LogLevelWarn:
		to = slog.LevelWarn
	}
	if ctx := context.Background(); l.log.Enabled(ctx, to) {
		l.log.Log(ctx, to, "embedded Kafka: "+fmt.Sprintf(format, args...))
	}
}
