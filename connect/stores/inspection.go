package stores

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/IBM/sarama"
)

// Inspection is what a look at an internal topic found, beside what its records say.
type Inspection struct {
	Partitions int
	Policy     string // cleanup.policy; "" where the broker does not tell it
	Records    int    // those read, deletions included
	Ignored    int    // of these, those that no worker understands
	// Fault is why a worker does not start on this topic, and what to do; "" for none.
	Fault string
}

// MissingTopicError says that a topic which is only to be read is not there.
type MissingTopicError struct{ Topic, Key string }

func (e *MissingTopicError) Error() string {
	return fmt.Sprintf("%s: there is no topic '%s'", e.Key, e.Topic)
}

// ReadConfigs reads a config topic once, to its end. Like the other two readers it creates nothing, writes nothing and joins no group. A topic
// that is not there is a [*MissingTopicError]; while brokers are out of reach it keeps trying until ctx ends.
func ReadConfigs(ctx context.Context, k Kafka, t Topic) (*ConfigState, Inspection, error) {
	var view configView
	found, err := t.read(ctx, k, func(e Entry) error {
		_, err := view.apply(e)
		return err
	})
	return view.snapshot(), found, err
}

// Offsets is what an offset topic said when it was read. It is not to be used before the reading has ended.
type Offsets struct {
	view       offsetView
	unreadable map[string]int // records with a good key and a bad value, by connector
}

// ReadOffsets reads an offset topic once: see [ReadConfigs].
func ReadOffsets(ctx context.Context, k Kafka, t Topic) (*Offsets, Inspection, error) {
	o := &Offsets{unreadable: map[string]int{}}
	found, err := t.read(ctx, k, func(e Entry) error {
		err := o.view.apply(e)
		if connector, _, broken := parseOffsetKey(e.Key); err != nil && broken == nil {
			o.unreadable[connector]++
		}
		return err
	})
	return o, found, err
}

// Of lists what is stored for a connector, in the order of the partitions' texts.
func (o *Offsets) Of(connector string) []StoredOffset { return o.view.list(connector) }

// Unreadable counts a connector's records whose offset is no object of JSON.
func (o *Offsets) Unreadable(connector string) int { return o.unreadable[connector] }

// Statuses is what a status topic said when it was read.
type Statuses struct{ view statusView }

// ReadStatuses reads a status topic once: see [ReadConfigs].
func ReadStatuses(ctx context.Context, k Kafka, t Topic) (*Statuses, Inspection, error) {
	s := new(Statuses)
	found, err := t.read(ctx, k, s.view.apply)
	return s, found, err
}

// Get is a status; ok is false where there is none.
func (s *Statuses) Get(i Instance) (status Status, ok bool) { return s.view.get(i) }

// Tasks are the statuses of a connector's tasks by number.
func (s *Statuses) Tasks(connector string) map[int]Status { return s.view.tasks(connector) }

// read looks at the topic and applies its records, one at a time.
func (t Topic) read(ctx context.Context, k Kafka, apply func(Entry) error) (Inspection, error) {
	found, err := t.inspect(ctx, k)
	if err != nil {
		return found, k.explained(err)
	}
	t.readOnly = true
	log := NewLog(k, t, func(e Entry) {
		found.Records++
		if err := apply(e); err != nil {
			found.Ignored++
			k.logger().Warn("ignoring a record", "topic", t.Name, "key", string(e.Key), "partition", e.Partition, "offset", e.Offset, "cause", err)
		}
	})
	if err := log.Start(ctx); err != nil {
		return found, k.explained(err)
	}
	err = log.Close(ctx) // after which nothing is counted any more
	return found, err
}

// inspect finds the topic and holds it to the rules of [Topic.Ensure].
func (t Topic) inspect(ctx context.Context, k Kafka) (Inspection, error) {
	client, err := k.knowing(everyTopic).connect(ctx)
	if err != nil {
		return Inspection{}, fmt.Errorf("connecting to Kafka for topic '%s' (%s): %w", t.Name, t.Key, err)
	}
	defer client.cut()
	defer context.AfterFunc(ctx, client.cut)() // sarama's calls below know no context
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		return Inspection{}, fmt.Errorf("connecting to Kafka for topic '%s' (%s): %w", t.Name, t.Key, err)
	}
	topics, err := admin.DescribeTopics([]string{t.Name})
	switch {
	case err != nil:
		return Inspection{}, fmt.Errorf("looking for topic '%s' (%s): %w", t.Name, t.Key, err)
	case len(topics) != 1 || errors.Is(topics[0].Err, sarama.ErrUnknownTopicOrPartition):
		return Inspection{}, &MissingTopicError{Topic: t.Name, Key: t.Key}
	case !errors.Is(topics[0].Err, sarama.ErrNoError):
		return Inspection{}, fmt.Errorf("looking for topic '%s' (%s): %w", t.Name, t.Key, topics[0].Err)
	}
	found := Inspection{Partitions: len(topics[0].Partitions)}
	if found.Policy, err = t.policy(admin); err != nil && !notAllowed(err) {
		return found, fmt.Errorf("reading the cleanup policy of topic '%s' (%s): %w", t.Name, t.Key, err)
	}
	found.Fault = t.fault(found)
	return found, nil
}

// fault is a broken rule and its cure.
func (t Topic) fault(found Inspection) string {
	var faults []string
	if found.Policy != "" && !onlyCompact(found.Policy) {
		faults = append(faults, fmt.Sprintf("its cleanup.policy is %s, with which %s are lost in time: set it to compact, or name another topic in %s",
			found.Policy, t.Purpose, t.Key))
	}
	if t.SinglePartition && found.Partitions > 1 {
		faults = append(faults, fmt.Sprintf("it has %d partitions, and the order of %s is kept in one alone: name another topic in %s",
			found.Partitions, t.Purpose, t.Key))
	}
	return strings.Join(faults, "; ")
}
