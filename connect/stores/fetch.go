package stores

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

// Places of a leader that are no broker.
const (
	noLeader int32 = -1
	resting  int32 = -2
)

// unmoved is a position that a request did not change.
const unmoved int64 = -1

// fetchLimit bounds the bytes of one answer, which are decoded all at once.
const fetchLimit = 16 << 20

// fetch is one long poll of one broker.
type fetch struct {
	client *connection
	topic  string
	leader int32
	from   map[int32]int64

	leaderless error // why leader is noLeader
}

// fetched is what became of the partitions of a fetch, all of them.
type fetched struct {
	leader int32
	parts  []part
}

// part is one partition's share of an answer.
type part struct {
	partition int32
	entries   []Entry
	next      int64 // where to go on, or unmoved
	err       error
	reset     bool // next is the beginning, because from was out of range
	resting   bool // nothing was asked
}

func (f fetch) run() fetched {
	response, err := f.ask()
	result := fetched{leader: f.leader}
	if err != nil {
		for p := range f.from {
			result.parts = append(result.parts, part{partition: p, next: unmoved, err: err})
		}
		return result
	}
	silent := true
	for p, from := range f.from {
		block := response.GetBlock(f.topic, p)
		share := f.read(p, from, block)
		result.parts = append(result.parts, share)
		silent = silent && share.err == nil && share.next == unmoved && !block.Partial
	}
	if silent {
		for i := range result.parts {
			stepOverEmptyBatch(&result.parts[i], f.from[result.parts[i].partition],
				response.GetBlock(f.topic, result.parts[i].partition), f.client.Config().Consumer.IsolationLevel)
		}
	}
	return result
}

func (f fetch) ask() (*sarama.FetchResponse, error) {
	if f.leader == noLeader {
		return nil, f.leaderless
	}
	broker, err := f.client.Broker(f.leader)
	if err != nil {
		return nil, fmt.Errorf("finding broker %d: %w", f.leader, err)
	}
	if err := broker.Open(f.client.Config()); err != nil && !errors.Is(err, sarama.ErrAlreadyConnected) {
		return nil, fmt.Errorf("connecting to broker %s: %w", broker.Addr(), err)
	}
	response, err := broker.Fetch(f.request())
	if err != nil {
		return nil, fmt.Errorf("fetching from broker %s: %w", broker.Addr(), err)
	}
	return response, nil
}

func (f fetch) request() *sarama.FetchRequest {
	config := f.client.Config()
	request := &sarama.FetchRequest{
		Version:      fetchVersion(config.Version),
		MinBytes:     1,
		MaxBytes:     min(config.Consumer.Fetch.MaxBytes, fetchLimit),
		MaxWaitTime:  int32(config.Consumer.MaxWaitTime / time.Millisecond),
		Isolation:    config.Consumer.IsolationLevel,
		SessionEpoch: -1, // no fetch session
	}
	for p, from := range f.from {
		request.AddBlock(f.topic, p, from, config.Consumer.Fetch.Default, -1)
	}
	return request
}

// fetchVersion is the newest version of the request that sarama knows and a broker of this age too.
func fetchVersion(kafka sarama.KafkaVersion) int16 {
	switch {
	case kafka.IsAtLeast(sarama.V2_7_0_0):
		return 12
	case kafka.IsAtLeast(sarama.V2_3_0_0):
		return 11
	}
	return 5
}

func (f fetch) read(partition int32, from int64, block *sarama.FetchResponseBlock) part {
	share := part{partition: partition, next: unmoved}
	switch {
	case block == nil:
		share.err = sarama.ErrIncompleteResponse
	case errors.Is(block.Err, sarama.ErrOffsetOutOfRange):
		share.reset = true
		share.next, share.err = f.client.GetOffset(f.topic, partition, sarama.OffsetOldest)
	case !errors.Is(block.Err, sarama.ErrNoError):
		share.err = block.Err
	default:
		share.entries, share.next, share.err = entries(partition, from, block, f.client.Config().Consumer.IsolationLevel)
	}
	if share.err != nil {
		share.next = unmoved
	}
	return share
}

// stepOverEmptyBatch moves on where a broker has answered with batches whose records compaction has all removed: sarama does not
// show those. Each answer moves by one offset only, since their length is unknown too.
func stepOverEmptyBatch(share *part, from int64, block *sarama.FetchResponseBlock, isolation sarama.IsolationLevel) {
	readable := block.HighWaterMarkOffset
	if isolation == sarama.ReadCommitted {
		readable = block.LastStableOffset
	}
	if from < readable {
		share.next = from + 1
	}
}

// entries takes the records from the given offset on out of a partition's share, and says where to go on: behind the last batch, whether or
// not it had records to show.
func entries(partition int32, from int64, block *sarama.FetchResponseBlock, isolation sarama.IsolationLevel) ([]Entry, int64, error) {
	aborted := abortedWriters{pending: block.AbortedTransactions}
	found, next := []Entry(nil), unmoved
	for _, set := range block.RecordsSet {
		batch := set.RecordBatch
		switch {
		case batch == nil:
			return nil, unmoved, fmt.Errorf("offset %d: the record format is older than Kafka 0.11", from)
		case batch.PartialTrailingRecord:
			return found, next, nil
		}
		aborted.enter(batch)
		hidden := batch.Control || (isolation == sarama.ReadCommitted && batch.IsTransactional && aborted.wrote(batch))
		for _, r := range batch.Records {
			if offset := batch.FirstOffset + r.OffsetDelta; !hidden && offset >= from {
				found = append(found, Entry{Record: Record{Key: r.Key, Value: r.Value},
					Partition: partition, Offset: offset, Timestamp: timestamp(batch, r), Headers: r.Headers})
			}
		}
		next = batch.LastOffset() + 1
	}
	return found, next, nil
}

func timestamp(batch *sarama.RecordBatch, r *sarama.Record) time.Time {
	if batch.LogAppendTime {
		return batch.MaxTimestamp
	}
	return batch.FirstTimestamp.Add(r.TimestampDelta)
}

// abortedWriters knows, while batches go by, whose records belong to an aborted transaction.
type abortedWriters struct {
	pending []*sarama.AbortedTransaction // by first offset
	writers map[int64]bool
}

func (a *abortedWriters) enter(batch *sarama.RecordBatch) {
	rest := a.pending[:0:0]
	for _, txn := range a.pending {
		if txn.FirstOffset > batch.LastOffset() {
			rest = append(rest, txn)
			continue
		}
		if a.writers == nil {
			a.writers = map[int64]bool{}
		}
		a.writers[txn.ProducerID] = true
	}
	a.pending = rest
	if batch.Control && aborts(batch) {
		delete(a.writers, batch.ProducerID)
	}
}

func (a *abortedWriters) wrote(batch *sarama.RecordBatch) bool { return a.writers[batch.ProducerID] }

// aborts reads a marker's key: a version and a type of 16 bits each; type 0 is an abort.
func aborts(batch *sarama.RecordBatch) bool {
	for _, r := range batch.Records {
		if len(r.Key) >= 4 && binary.BigEndian.Uint16(r.Key[2:]) == 0 {
			return true
		}
	}
	return false
}
