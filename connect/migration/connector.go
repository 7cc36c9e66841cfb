package migration

import (
	"context"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/stores"
	"github.com/sluice-connect/sluice/connect/validation"
)

// connector judges one connector.
func (c *Check) connector(ctx context.Context, found content, name string) Connector {
	config := found.configs.Connector(name)
	target, _ := found.configs.Target(name)
	k := Connector{
		Name: name, Class: config["connector.class"], Type: c.Catalog.TypeOf(config["connector.class"]), Target: target,
		Tasks: found.configs.TaskCount(name), Status: lastStatus(found.statuses, name),
	}
	class, err := validation.ClassOf(c.Catalog, config)
	if err == nil {
		k.Here = class.Spec.Class
	} else if given(config, "topics") || given(config, "topics.regex") { // as all sinks have
		k.Type = string(catalog.Sink)
	}
	k.Offsets = c.offsets(ctx, found.offsets, k, config)
	k.Keys = c.connectorKeys(ctx, class, catalog.Type(k.Type), config)
	if found.configs.Inconsistent(name) {
		k.Keys = append(k.Keys, Finding{"tasks", Differs, "the tasks' configurations on the topic are not complete: the connector writes them again when it starts"})
	}
	k.Runs = len(k.Keys) == 0 || k.Keys[0].Weight != Blocks
	return k
}

// given reports whether a configuration has more than blanks for a key.
func given(config connect.Config, key string) bool { return connect.StringKey(key, "").Set(config) }

// lastStatus is what the status topic has of a connector. Traces are left out: they may hold anything.
func lastStatus(statuses *stores.Statuses, name string) *Status {
	if statuses == nil {
		return nil
	}
	status, known := statuses.Get(stores.ConnectorInstance(name))
	if !known {
		return nil
	}
	s := &Status{Connector: status.State, Worker: status.WorkerID, Tasks: map[stores.State]int{}}
	for _, task := range statuses.Tasks(name) {
		s.Tasks[task.State]++
	}
	return s
}

// offsets is what the connector would go on from.
func (c *Check) offsets(ctx context.Context, stored *stores.Offsets, k Connector, config connect.Config) Offsets {
	if k.Type == string(catalog.Sink) {
		o := Offsets{Group: "connect-" + k.Name}
		if group := config["consumer.override.group.id"]; group != "" {
			o.Group = group
		}
		found, _ := c.Worker.Providers.Resolve(ctx, config) // what leads nowhere is a finding of its own
		committed, err := c.Committed.Committed(ctx, k.Name, found.Config)
		if err != nil {
			o.Problem = secretsOf(found.Config).Removed(found.Secrets.Removed(err.Error()))
		}
		o.Count = len(committed)
		return o
	}
	if stored == nil {
		return Offsets{Problem: "there is no offset topic"}
	}
	return Offsets{Count: len(stored.Of(k.Name)), Unreadable: stored.Unreadable(k.Name)}
}
