package kafka

import (
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect"
)

// reader reads one partition. Its goroutine and the one that listens to complaints end with the task's readers.
type reader struct {
	task     *sourceTask
	tp       connect.TopicPartition
	part     *connect.Partition
	target   string
	number   int32 // the Kafka partition of its records
	consumer sarama.PartitionConsumer
	next     int64 // behind the last message, -1 before the first
	free     chan *fetch
}

// run reads until the task is closed or cannot go on.
func (r *reader) run() {
	for range cap(r.free) {
		r.free <- &fetch{from: r, messages: make([]*sarama.ConsumerMessage, 0, fetchRecords)}
	}
	for {
		gone := make(chan bool, 1)
		consumer := r.consumer
		go func() { gone <- r.listen(consumer) }()
		r.read()
		consumer.AsyncClose()
		if !<-gone {
			return
		}
		// Records were deleted faster than they were read: sarama leaves it to us where to go on.
		at, err := r.task.lost(r.tp, r.next)
		if err == nil {
			r.consumer, err = r.task.open(r.tp, at)
		}
		if err != nil {
			r.task.rt.Fail(err)
			return
		}
	}
}

// read gathers messages into fetches until the task is closed or the consumer is.
func (r *reader) read() {
	for {
		var f *fetch
		select {
		case f = <-r.free:
			f.messages = f.messages[:0]
		case <-r.task.done:
			return
		}
		if !r.gather(f) {
			r.free <- f
			return
		}
		r.next = f.messages[len(f.messages)-1].Offset + 1
		select {
		case r.task.fetched <- f:
		case <-r.task.done:
			return
		}
	}
}

// gather waits for a message and takes what others are at hand.
func (r *reader) gather(f *fetch) bool {
	messages := r.consumer.Messages()
	select {
	case m, ok := <-messages:
		if !ok {
			return false
		}
		f.messages = append(f.messages, m)
	case <-r.task.done:
		return false
	}
	if r.task.sick.CompareAndSwap(true, false) {
		r.task.rt.Healthy()
	}
	for len(f.messages) < fetchRecords {
		select {
		case m, ok := <-messages:
			if !ok {
				return true
			}
			f.messages = append(f.messages, m)
		default:
			return true
		}
	}
	return true
}

// listen tells the runtime what goes wrong, until the consumer is closed. It returns whether that was because its offset is gone.
func (r *reader) listen(consumer sarama.PartitionConsumer) (gone bool) {
	for e := range consumer.Errors() {
		cause := fmt.Errorf("reading %s-%d: %w", r.tp.Topic, r.tp.Partition, e.Err)
		switch {
		case errors.Is(e.Err, sarama.ErrOffsetOutOfRange):
			gone = true
		case fatal(e.Err):
			r.task.rt.Fail(explained(cause, r.task.settings, sourcePrefix))
		default:
			r.task.sick.Store(true)
			r.task.rt.Waiting(explained(cause, r.task.settings, sourcePrefix), time.Time{})
		}
	}
	return gone
}
