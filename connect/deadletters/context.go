// Package deadletters is what stands in a dead letter queue, and the way back out of it: letters are read with the reasons why they are there, and sent to
// the topics that they came from.
package deadletters

import (
	"strconv"
	"strings"

	"github.com/IBM/sarama"
)

// The names of context headers (org.apache.kafka.connect.runtime.errors.DeadLetterQueueReporter). Those of a source's place are not Java's, whose sources have
// no dead letters.
const (
	headerPrefix = "__connect.errors."

	HeaderTopic           = headerPrefix + "topic"
	HeaderPartition       = headerPrefix + "partition"
	HeaderOffset          = headerPrefix + "offset"
	HeaderSourcePartition = headerPrefix + "source.partition"
	HeaderSourceOffset    = headerPrefix + "source.offset"
	HeaderKeySize         = headerPrefix + "source.key.size"   // only where the key was cut: its bytes before
	HeaderValueSize       = headerPrefix + "source.value.size" // likewise
	HeaderConnector       = headerPrefix + "connector.name"
	HeaderTask            = headerPrefix + "task.id"
	HeaderStage           = headerPrefix + "stage"
	HeaderClass           = headerPrefix + "class.name"
	HeaderException       = headerPrefix + "exception.class.name"
	HeaderMessage         = headerPrefix + "exception.message"
	HeaderTrace           = headerPrefix + "exception.stacktrace"
)

// Context is why a record is in the queue, and where it was: what the context headers say. Topic is empty where there are none
// (errors.deadletterqueue.context.headers.enable=false).
type Context struct {
	Topic           string // that a sink read it from, or that a source meant it for
	Partition       int32  // -1 for a source's record
	Offset          int64  // -1 for a source's record
	SourcePartition string // JSON; only of a source's record
	SourceOffset    string // likewise
	Connector       string
	Task            string
	Stage           string
	Class           string // that was at work
	Exception       string // Java's class of the cause
	Message         string
	Trace           string
	Cut             bool // key or value are only the beginning of what they were
	Source          bool // a source's record, as it was before any converter
}

// contextOf reads the context headers of a letter, the last of each name where it has been in a queue before, and returns the record's own headers.
func contextOf(headers []*sarama.RecordHeader) (c Context, own []sarama.RecordHeader) {
	c.Partition, c.Offset = -1, -1
	for _, h := range headers {
		name, value := string(h.Key), string(h.Value)
		if !strings.HasPrefix(name, headerPrefix) {
			own = append(own, *h)
			continue
		}
		switch name {
		case HeaderTopic:
			c.Topic = value
		case HeaderPartition:
			if n, err := strconv.ParseInt(value, 10, 32); err == nil {
				c.Partition = int32(n)
			}
		case HeaderOffset:
			if n, err := strconv.ParseInt(value, 10, 64); err == nil {
				c.Offset = n
			}
		case HeaderSourcePartition:
			c.SourcePartition = value
		case HeaderSourceOffset:
			c.SourceOffset = value
		case HeaderKeySize, HeaderValueSize:
			c.Cut = true
		case HeaderConnector:
			c.Connector = value
		case HeaderTask:
			c.Task = value
		case HeaderStage:
			c.Stage = value
		case HeaderClass:
			c.Class = value
		case HeaderException:
			c.Exception = value
		case HeaderMessage:
			c.Message = value
		case HeaderTrace:
			c.Trace = value
		}
	}
	c.Source = c.Topic != "" && c.Partition < 0
	return c, own
}
