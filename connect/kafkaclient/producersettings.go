package kafkaclient

import (
	"errors"
	"math"
	"strings"
	"time"

	"github.com/IBM/sarama"
)

// maxRetries bounds the tries of one batch by one producer: sarama keeps 32 bytes per partition for each possible one. See [Producer.Lost] for
// what happens after the last.
const maxRetries = 1000

// maxTransactionalRetries is less: a batch that is given up only costs its transaction, and sarama tries a fenced producer's batches just as
// often.
const maxTransactionalRetries = 30

// ProducerSettings turns the keys of Java's producer into settings. Where a key is missing the default is Java's but for these: acks=all and
// enable.idempotence=true with one request in flight per connection, no linger.ms (while a request is under way the next batch fills
// anyway), and no end to retries.
func ProducerSettings(p Properties) (*Settings, error) {
	r, s := read(ProducerClient, p), new(Settings)
	r.connection(s)
	c := s.Sarama
	c.Producer.Return.Successes, c.Producer.Return.Errors = true, true
	c.Producer.Retry.Max = maxRetries
	c.Producer.Retry.BackoffFunc = func(retries, _ int) time.Duration { return s.backoff.after(retries) }
	c.Producer.Transaction.Retry.BackoffFunc = c.Producer.Retry.BackoffFunc
	c.Producer.Timeout = c.Net.ReadTimeout // Java sends request.timeout.ms as the broker's time to gather acknowledgements
	s.BufferMemory = int(r.number("buffer.memory", 32<<20, 0, math.MaxInt64))

	r.acknowledgement(c)
	r.batching(c)
	r.compression(c)
	return r.finish(s)
}

// acknowledgement keeps Java's rules: an idempotent producer needs acks=all, and gives way where only acks is given.
func (r *reader) acknowledgement(c *sarama.Config) {
	switch r.choice("acks", "all", "all", "-1", "1", "0") {
	case "all", "-1":
		c.Producer.RequiredAcks = sarama.WaitForAll
	case "1":
		c.Producer.RequiredAcks = sarama.WaitForLocal
		r.warn("acks", "a record that one broker alone has may be lost with it")
	case "0":
		c.Producer.RequiredAcks = sarama.NoResponse
		r.warn("acks", "nobody learns of records that Kafka did not take")
	}
	all := c.Producer.RequiredAcks == sarama.WaitForAll
	c.Producer.Idempotent = r.flag("enable.idempotence", all)
	if c.Producer.Idempotent && !all {
		r.fail("acks", errors.New("it must be all where enable.idempotence is true"))
	}
	c.Producer.Transaction.ID = r.text("transactional.id", "")
	if c.Producer.Transaction.ID != "" {
		c.Producer.Retry.Max = maxTransactionalRetries
		if !c.Producer.Idempotent {
			r.fail("enable.idempotence", errors.New("it must be true where transactional.id is set"))
		}
	}
	c.Producer.Transaction.Timeout = r.millis("transaction.timeout.ms", time.Minute, 1)

	c.Net.MaxOpenRequests = int(r.number("max.in.flight.requests.per.connection", 1, 1, math.MaxInt32))
	if c.Producer.Idempotent && c.Net.MaxOpenRequests > 1 {
		c.Net.MaxOpenRequests = 1
		r.warn("max.in.flight.requests.per.connection", "an idempotent producer has one request in flight, and fills the next meanwhile")
	}
}

func (r *reader) batching(c *sarama.Config) {
	// sarama refuses larger requests altogether.
	c.Producer.MaxMessageBytes = int(r.number("max.request.size", 1<<20, 1, int64(sarama.MaxRequestSize)-1))
	batch := int(r.number("batch.size", 16<<10, 0, math.MaxInt32))
	if linger := r.millis("linger.ms", 0, 0); linger > 0 {
		c.Producer.Flush.Frequency = linger
		c.Producer.Flush.Bytes = max(batch, 1)
	}
	choose := &partitioner{spread: sticky, ignoreKeys: r.flag("partitioner.ignore.keys", false), batchSize: max(batch, 1)}
	switch class := r.text("partitioner.class", ""); class[strings.LastIndexByte(class, '.')+1:] {
	case "", "DefaultPartitioner":
	case "UniformStickyPartitioner":
		choose.ignoreKeys = true
	case "RoundRobinPartitioner":
		choose.spread, choose.ignoreKeys = roundRobin, true
	default:
		r.fail("partitioner.class", errors.New("a Java class, which Sluice cannot run: leave it out, or use RoundRobinPartitioner"))
	}
	c.Producer.Partitioner = func(topic string) sarama.Partitioner {
		own := *choose
		own.byKey = sarama.NewMurmur2Partitioner(topic)
		return &own
	}
}

func (r *reader) compression(c *sarama.Config) {
	gzip := int(r.number("compression.gzip.level", -1, -1, 9))
	if gzip == 0 {
		r.fail("compression.gzip.level", errors.New("it must be -1, or from 1 to 9"))
	}
	zstd := int(r.number("compression.zstd.level", 3, -131072, 22))
	switch r.choice("compression.type", "none", "none", "gzip", "snappy", "lz4", "zstd") {
	case "gzip":
		c.Producer.Compression = sarama.CompressionGZIP
		if gzip > 0 {
			c.Producer.CompressionLevel = gzip
		}
	case "snappy":
		c.Producer.Compression = sarama.CompressionSnappy
	case "lz4":
		c.Producer.Compression = sarama.CompressionLZ4
	case "zstd":
		c.Producer.Compression = sarama.CompressionZSTD
		if r.given("compression.zstd.level") {
			c.Producer.CompressionLevel = zstd
		}
	}
}
