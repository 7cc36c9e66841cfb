package migration

import (
	"context"
	"errors"

	"github.com/sluice-connect/sluice/connect/stores"
)

// read reads the three topics.
func (c *Check) read(ctx context.Context, r *Report) (content, error) {
	var (
		found content
		errs  [3]error
		seen  [3]stores.Inspection
	)
	found.configs, seen[configTopic], errs[configTopic] = stores.ReadConfigs(ctx, c.Kafka, c.Configs)
	found.offsets, seen[offsetTopic], errs[offsetTopic] = stores.ReadOffsets(ctx, c.Kafka, c.Offsets)
	found.statuses, seen[statusTopic], errs[statusTopic] = stores.ReadStatuses(ctx, c.Kafka, c.Statuses)
	there := [3]bool{}
	for i, topic := range []stores.Topic{c.Configs, c.Offsets, c.Statuses} {
		var missing *stores.MissingTopicError
		if errs[i] != nil && !errors.As(errs[i], &missing) {
			return found, errs[i]
		}
		there[i] = missing == nil
		r.Topics = append(r.Topics, topicReport(topic, seen[i], there[i]))
	}
	if !there[offsetTopic] {
		found.offsets = nil
	}
	if !there[statusTopic] {
		found.statuses = nil
	}
	return found, nil
}

func topicReport(t stores.Topic, seen stores.Inspection, there bool) Topic {
	report := Topic{
		Key: t.Key, Name: t.Name, There: there, Partitions: seen.Partitions, Policy: seen.Policy, Records: seen.Records, Ignored: seen.Ignored,
		Problem: seen.Fault, blocks: seen.Fault != "",
	}
	if !there {
		report.Problem = "there is no such topic: check " + t.Key + "; a worker would create it, and start with no " + t.Purpose
	}
	return report
}
