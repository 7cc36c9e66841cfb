package stores

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/sluice-connect/sluice/connect"
)

// ConfigStore keeps the configurations of connectors and tasks, what users want of them, and the cluster's session key. Its methods are
// safe for concurrent use once Start has returned.
//
// The methods that only the leader of a cluster may use return when the store has read back what they wrote. No call takes longer than 30
// s, Kafka Connect's limit. A call that ended by its context may still take effect.
type ConfigStore struct {
	journal journal
	// How the leader writes: write returns when records are stored, append when they have been delivered too.
	write, append func(ctx context.Context, records ...Record) error
	leader        *transactions // nil where leaders are not fenced
	logger        *slog.Logger
	listen        func(ConfigEvent)
	view          configView
	live          atomic.Bool // the records of the past are read
}

// NewConfigStore is the store on a topic made by [ConfigTopic]. It calls listen with one event at a time, on its reading goroutine:
// listen must return soon and not write to the store; nil for nobody.
func NewConfigStore(k Kafka, topic Topic, listen func(ConfigEvent)) *ConfigStore {
	s := &ConfigStore{logger: k.logger().With("topic", topic.Name), listen: listen}
	log := NewLog(k, topic, s.replay)
	s.journal, s.write, s.append = log, log.Send, log.Append
	return s
}

// NewMemoryConfigStore is the store of a standalone worker, empty at its start. Events come on the writer's goroutine.
func NewMemoryConfigStore(logger *slog.Logger, listen func(ConfigEvent)) *ConfigStore {
	s := &ConfigStore{logger: orDiscard(logger), listen: listen}
	journal := &memory{deliver: s.replay}
	s.journal, s.write, s.append = journal, journal.Send, journal.Send
	return s
}

// Start reads everything; after that events are told. See [Log.Start] for its errors.
func (s *ConfigStore) Start(ctx context.Context) error {
	if err := s.journal.Start(ctx); err != nil {
		return fmt.Errorf("starting the config store: %w", err)
	}
	s.live.Store(true)
	return nil
}

// Close ends the store, waiting for what is being written until ctx ends.
func (s *ConfigStore) Close(ctx context.Context) error {
	if s.leader != nil {
		return errors.Join(s.leader.close(ctx), s.journal.Close(ctx))
	}
	return s.journal.Close(ctx)
}

// Outage tells whether the store can read at present.
func (s *ConfigStore) Outage() Outage { return s.journal.Outage() }

// replay takes in one record.
func (s *ConfigStore) replay(e Entry) {
	event, err := s.view.apply(e)
	if err != nil {
		s.logger.Error("ignoring a config record", "key", string(e.Key), "offset", e.Offset, "cause", err)
		return
	}
	if event != nil && s.listen != nil && s.live.Load() {
		s.listen(event)
	}
}

// Snapshot is the state as of what was read so far.
func (s *ConfigStore) Snapshot() *ConfigState { return s.view.snapshot() }

// Refresh reads to the topic's end.
func (s *ConfigStore) Refresh(ctx context.Context) error { return s.journal.ReadToEnd(ctx) }

// PutConnector creates or changes a connector; target, if not nil, is its first target state. For the leader.
func (s *ConfigStore) PutConnector(ctx context.Context, name string, config connect.Config, target *TargetState) error {
	records := []Record{record(connectorPrefix+name, propertiesRecord(config))}
	if target != nil {
		records = append([]Record{record(targetPrefix+name, target.record())}, records...)
	}
	return s.lead(ctx, "storing connector "+name, records...)
}

// RemoveConnector deletes a connector. Its offsets stay. For the leader.
func (s *ConfigStore) RemoveConnector(ctx context.Context, name string) error {
	return s.lead(ctx, "deleting connector "+name, record(connectorPrefix+name, nil), record(targetPrefix+name, nil))
}

// ConnectorTasks are the tasks of a connector, numbered from 0 in the given order.
type ConnectorTasks struct {
	Connector string
	Tasks     []connect.Config
}

// PutTaskConfigs replaces the tasks of a connector. See PutTasksOfAll.
func (s *ConfigStore) PutTaskConfigs(ctx context.Context, name string, tasks []connect.Config) error {
	return s.PutTasksOfAll(ctx, []ConnectorTasks{{name, tasks}})
}

// PutTasksOfAll replaces the tasks of connectors, each of which is named once. They take effect a connector at a time, by a commit that is written
// when all tasks are safe. For the leader, after Refresh, so that its view holds the connectors before the commits.
func (s *ConfigStore) PutTasksOfAll(ctx context.Context, all []ConnectorTasks) error {
	ctx, cancel := context.WithTimeout(ctx, writePatience)
	defer cancel()
	names := make([]string, 0, len(all))
	var tasks, commits []Record
	for _, c := range all {
		names = append(names, c.Connector)
		for n, config := range c.Tasks {
			tasks = append(tasks, record(taskPrefix+c.Connector+"-"+strconv.Itoa(n), propertiesRecord(config)))
		}
		commits = append(commits, record(commitPrefix+c.Connector, numberRecord("tasks", len(c.Tasks))))
	}
	doing := "storing the tasks of connector " + strings.Join(names, ", ")
	if len(tasks) > 0 {
		if err := s.write(ctx, tasks...); err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
	}
	return s.lead(ctx, doing, commits...)
}

// PutTargetState says what a connector shall be. Any worker may; it returns when the record is safe, before it is read back.
func (s *ConfigStore) PutTargetState(ctx context.Context, name string, target TargetState) error {
	return s.send(ctx, "storing the target state of connector "+name, record(targetPrefix+name, target.record()))
}

// PutRestartRequest asks all workers for a restart. For the leader.
func (s *ConfigStore) PutRestartRequest(ctx context.Context, r RestartRequest) error {
	return s.lead(ctx, "requesting a restart of connector "+r.Connector, record(restartPrefix+r.Connector, r.record()))
}

// PutSessionKey gives all workers another key to sign with. For the leader.
func (s *ConfigStore) PutSessionKey(ctx context.Context, key SessionKey) error {
	return s.lead(ctx, "storing the session key", record(sessionKeyKey, key.record()))
}

// PutTaskCount records that no producers but those of the first n tasks may exist, after fencing the others. For the leader.
func (s *ConfigStore) PutTaskCount(ctx context.Context, name string, n int) error {
	return s.lead(ctx, "storing the task count of connector "+name, record(taskCountPrefix+name, numberRecord("task-count", n)))
}

// PutLoggerLevel tells all workers to log a namespace at a level. Any worker may; it returns when the record is safe, before it is
// read back.
func (s *ConfigStore) PutLoggerLevel(ctx context.Context, namespace, level string) error {
	return s.send(ctx, "storing the log level of "+namespace, record(loggerPrefix+namespace, loggerRecord(level)))
}

func record(key string, value []byte) Record { return Record{Key: []byte(key), Value: value} }

func (s *ConfigStore) send(ctx context.Context, doing string, records ...Record) error {
	ctx, cancel := context.WithTimeout(ctx, writePatience)
	defer cancel()
	if err := s.journal.Send(ctx, records...); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// lead writes as the leader does, in one transaction where leaders are fenced, and reads it back.
func (s *ConfigStore) lead(ctx context.Context, doing string, records ...Record) error {
	ctx, cancel := context.WithTimeout(ctx, writePatience)
	defer cancel()
	if err := s.append(ctx, records...); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}
