package stores

import (
	"context"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

// Log reads all partitions of a compacted topic from the beginning, for ever, and writes to it (Kafka's KafkaBasedLog). It belongs to no
// consumer group. Whatever happens to the brokers, it goes on where it was: it reads no record twice and leaves none out, unless the
// topic itself was cut or made anew. Its methods are safe for concurrent use once Start has returned.
type Log struct {
	kafka   Kafka
	topic   Topic
	deliver func(Entry)

	asking  *connection // requests that must not queue behind a long poll
	reading *connection
	tail    *tail
	sender  *sender
	stop    context.CancelFunc
	ended   chan struct{} // closed when the tail has ended
}

// NewLog is the log of a topic. It calls deliver for one record at a time, from the beginning on, on a goroutine of its own: deliver must
// not call the log.
func NewLog(k Kafka, topic Topic, deliver func(Entry)) *Log {
	return &Log{kafka: k, topic: topic, deliver: deliver}
}

// Start makes sure of the topic, delivers what it holds, and goes on delivering. While brokers are out of reach it keeps trying until ctx
// ends; a topic that breaks the rules is a [connect.ConfigError]. After an error the log is closed.
func (l *Log) Start(ctx context.Context) error {
	if err := l.open(ctx); err != nil {
		return err
	}
	partitions, err := l.partitions(ctx)
	if err != nil {
		l.cut()
		return err
	}
	tailing, stop := context.WithCancel(context.WithoutCancel(ctx))
	l.stop, l.ended = stop, make(chan struct{})
	l.tail = newTail(l.kafka, l.reading, l.topic.Name, partitions, l.deliver)
	go func() {
		defer close(l.ended)
		l.tail.run(tailing)
	}()
	// Up to what is committed: a transaction that a killed worker left open is to be ended by one that starts.
	if err := l.readTo(ctx, l.kafka.Config.Consumer.IsolationLevel); err != nil {
		l.end()
		return err
	}
	return nil
}

// open connects, and connects again while the brokers do not answer. It logs each cause once, not each try.
func (l *Log) open(ctx context.Context) error {
	said := ""
	for attempt := 0; ; attempt++ {
		err := l.tryOpen(ctx)
		if err == nil {
			return nil
		}
		if !(passing(err) || ctx.Err() != nil) {
			return l.kafka.explained(err)
		}
		if cause := l.kafka.explained(err).Error(); cause != said {
			said = cause
			l.kafka.logger().Warn("waiting for Kafka", "topic", l.topic.Name, "cause", cause)
		}
		if ended := pause(ctx, attempt); ended != nil {
			return fmt.Errorf("opening topic '%s' (%s): %w", l.topic.Name, l.topic.Key, gaveUp(ended, err))
		}
	}
}

func (l *Log) tryOpen(ctx context.Context) (err error) {
	if !l.topic.readOnly {
		if err := l.topic.Ensure(ctx, l.kafka.admin()); err != nil {
			return err
		}
	}
	defer func() {
		if err != nil {
			l.cut()
			err = fmt.Errorf("opening topic '%s' (%s): %w", l.topic.Name, l.topic.Key, err)
		}
	}()
	if l.asking, err = l.kafka.knowing(oneTopic).connect(ctx); err != nil {
		return err
	}
	if l.reading, err = l.kafka.knowing(oneTopic).connect(ctx); err != nil {
		return err
	}
	if !l.topic.readOnly {
		l.sender, err = newSender(ctx, l.kafka.writer().knowing(oneTopic))
	}
	return err
}

func (l *Log) cut() {
	for _, c := range []*connection{l.asking, l.reading} {
		if c != nil {
			c.cut()
		}
	}
	if l.sender != nil {
		l.sender.abandon()
	}
}

// metadataPatience is how long a topic may stay unknown to the brokers after it was created (KafkaBasedLog.CREATE_TOPIC_TIMEOUT_NS).
const metadataPatience = 30 * time.Second

func (l *Log) partitions(ctx context.Context) ([]int32, error) {
	ctx, cancel := context.WithTimeout(ctx, metadataPatience)
	defer cancel()
	for attempt := 0; ; attempt++ {
		partitions, err := l.asking.Partitions(l.topic.Name)
		if err == nil && len(partitions) > 0 {
			return partitions, nil
		}
		if ended := pause(ctx, attempt); ended != nil {
			return nil, fmt.Errorf("opening topic '%s' (%s): %s: %w", l.topic.Name, l.topic.Key, l.topic.unknown(), gaveUp(ended, err))
		}
	}
}

// ReadToEnd returns when everything that was in the topic at the time of the call has been delivered. With the isolation level
// read_committed that means to wait for transactions that are open. It keeps trying until ctx ends.
func (l *Log) ReadToEnd(ctx context.Context) error { return l.readTo(ctx, sarama.ReadUncommitted) }

// readTo returns when everything has been delivered that a reader of that isolation level saw at the time of the call.
func (l *Log) readTo(ctx context.Context, isolation sarama.IsolationLevel) error {
	ends, err := l.ends(ctx, isolation)
	if err != nil {
		return l.unread(err)
	}
	return l.reach(ctx, ends)
}

// Send writes the records in order and returns when all in-sync replicas have them. Records of one call that share a partition keep their
// order. When ctx ends first, they may still be written later.
func (l *Log) Send(ctx context.Context, records ...Record) error {
	_, err := l.send(ctx, records)
	return err
}

func (l *Log) send(ctx context.Context, records []Record) (ends map[int32]int64, err error) {
	if ends, err = l.sender.send(ctx, l.topic.Name, records); err != nil {
		return nil, fmt.Errorf("writing to topic '%s' (%s): %w", l.topic.Name, l.topic.Key, l.kafka.explained(err))
	}
	return ends, nil
}

// Append is Send, and returns when the records and everything before them in their partitions have been delivered too. It spares the question for
// the topic's end that ReadToEnd asks.
func (l *Log) Append(ctx context.Context, records ...Record) error {
	ends, err := l.send(ctx, records)
	if err != nil {
		return err
	}
	return l.reach(ctx, ends)
}

// reach returns when everything before the given ends of partitions has been delivered.
func (l *Log) reach(ctx context.Context, ends map[int32]int64) error {
	if err := l.tail.reach(ctx, ends); err != nil {
		return l.unread(err)
	}
	return nil
}

func (l *Log) unread(err error) error {
	return fmt.Errorf("reading topic '%s' (%s) to its end: %w", l.topic.Name, l.topic.Key, err)
}

// Outage tells whether reading stands still. Before Start there is none to tell.
func (l *Log) Outage() Outage {
	if l.tail == nil {
		return Outage{}
	}
	return l.tail.outage()
}

// end stops reading.
func (l *Log) end() {
	l.stop()
	l.cut()
	<-l.ended // cutting has woken it
}

// Close stops reading and waits, until ctx ends, for what is being sent.
func (l *Log) Close(ctx context.Context) error {
	if l.tail == nil {
		return nil
	}
	var err error
	if l.sender != nil {
		err = l.sender.close(ctx)
	}
	l.end()
	if err != nil {
		return fmt.Errorf("closing topic '%s' (%s): %w", l.topic.Name, l.topic.Key, err)
	}
	return nil
}
