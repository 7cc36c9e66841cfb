package migration

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/stores"
	"github.com/sluice-connect/sluice/connect/validation"
	"github.com/sluice-connect/sluice/connect/workerconfig"
)

// Groups reads the committed offsets of sinks.
type Groups interface {
	Committed(ctx context.Context, connector string, config connect.Config) (connect.Offsets, error)
}

// Check is what a look at a cluster is made of.
type Check struct {
	Worker    *workerconfig.Worker
	Catalog   *catalog.Catalog
	Validator *validation.Validator // an offline one, unless the connectors' systems may be asked
	Groups    Groups
	// Configs, Statuses and Offsets are stores on topics that are read only, not started.
	Configs  *stores.ConfigStore
	Statuses *stores.StatusStore
	Offsets  stores.OffsetStore
}

// Run reads the cluster and reports. Its error means that nothing can be told: Kafka out of reach, a refused login.
func (c *Check) Run(ctx context.Context) (*Report, error) {
	r := &Report{Group: c.Worker.GroupID, Worker: properties(c.Worker.Properties, c.Catalog), Connectors: []Connector{}}
	topics := []struct {
		key, name string
		start     func(context.Context) error
		close     func(context.Context) error
	}{
		{"config.storage.topic", c.Worker.Config.Name, c.Configs.Start, c.Configs.Close},
		{"offset.storage.topic", c.Worker.Offset.Name, c.Offsets.Start, c.Offsets.Close},
		{"status.storage.topic", c.Worker.Status.Name, c.Statuses.Start, c.Statuses.Close},
	}
	readable := map[string]bool{}
	for _, t := range topics {
		problem, err := refusal(t.start(ctx))
		if err != nil {
			return nil, err
		}
		if problem == "" {
			readable[t.key] = true
			defer func() { _ = t.close(ctx) }() // it was only read
		}
		r.Topics = append(r.Topics, Topic{Key: t.key, Name: t.name, Problem: problem})
	}
	if !readable["config.storage.topic"] {
		return r, nil
	}
	state := c.Configs.Snapshot()
	for _, name := range state.Connectors() {
		connector := c.connector(ctx, state, name)
		connector.LastState = c.lastState(name, readable["status.storage.topic"])
		connector.Offsets = c.offsets(ctx, name, state.Connector(name), connector.Type, readable["offset.storage.topic"])
		r.Connectors = append(r.Connectors, connector)
	}
	return r, nil
}

// refusal tells what is wrong with a topic from what is wrong with Kafka.
func refusal(err error) (problem string, failure error) {
	var gone *stores.MissingTopicError
	var wrong *connect.ConfigError
	switch {
	case errors.As(err, &gone):
		return "there is no such topic", nil
	case errors.As(err, &wrong):
		return wrong.Reason, nil
	}
	return "", err
}

// connector judges one connector by its configuration.
func (c *Check) connector(ctx context.Context, state *stores.ConfigState, name string) Connector {
	config := state.Connector(name)
	target, _ := state.Target(name)
	k := Connector{
		Name: name, Class: config["connector.class"], Type: c.Catalog.TypeOf(config["connector.class"]), Target: target, Tasks: state.TaskCount(name),
		Keys: len(config), Findings: []Finding{},
	}
	result, err := c.Validator.Validate(ctx, config)
	if err != nil {
		k.find("connector.class", Blocks, err.Error())
		return k
	}
	for _, info := range result.Infos.Configs {
		for _, reason := range info.Value.Errors {
			k.find(info.Value.Name, Blocks, strings.TrimPrefix(reason, info.Value.Name+": "))
		}
	}
	for _, warning := range result.Warnings {
		key, reason, _ := strings.Cut(warning, ": ")
		k.find(key, Differs, reason)
	}
	for _, key := range slices.Sorted(maps.Keys(config)) {
		if reference.MatchString(config[key]) {
			k.find(key, Blocks, "it refers to a config provider, and there are none yet: the reference would be taken for the value")
		}
	}
	if state.Inconsistent(name) {
		k.find("tasks", Differs, "the set of task configurations on the topic is not complete: the tasks begin when the connector has written it again")
	}
	k.Runs = !slices.ContainsFunc(k.Findings, func(f Finding) bool { return f.Weight == Blocks })
	return k
}

// reference is one to a config provider: ${provider:path:key} or ${provider:key} (ConfigTransformer).
var reference = regexp.MustCompile(`\$\{[^}:]+:[^}]*\}`)

func (k *Connector) find(key string, w Weight, reason string) {
	k.Findings = append(k.Findings, Finding{Key: key, Weight: w, Reason: reason})
}

// lastState is what the connector and its tasks were last said to do.
func (c *Check) lastState(name string, readable bool) string {
	if !readable {
		return "unknown"
	}
	status, known := c.Statuses.Get(stores.ConnectorInstance(name))
	if !known {
		return "none"
	}
	counts := map[stores.State]int{}
	for _, task := range c.Statuses.Tasks(name) {
		counts[task.State]++
	}
	text, before := string(status.State), "; tasks: "
	for _, state := range slices.Sorted(maps.Keys(counts)) {
		text += fmt.Sprintf("%s%d %s", before, counts[state], state)
		before = ", "
	}
	return text
}

// offsets is what the connector would go on from.
func (c *Check) offsets(ctx context.Context, name string, config connect.Config, kind string, readable bool) string {
	if kind == string(catalog.Sink) {
		committed, err := c.Groups.Committed(ctx, name, config)
		switch {
		case err != nil:
			return "of its consumer group: " + err.Error()
		case len(committed) == 0:
			return "none"
		}
		return fmt.Sprintf("%d committed", len(committed))
	}
	if !readable {
		return "unknown"
	}
	stored, err := c.Offsets.Stored(ctx, name)
	switch {
	case err != nil:
		return err.Error()
	case len(stored) == 0:
		return "none"
	}
	return fmt.Sprintf("%d stored", len(stored))
}
