package main

import (
	"fmt"
	"time"

	"github.com/sluice-connect/sluice/connect/assignment"
	"github.com/sluice-connect/sluice/connect/cluster"
	"github.com/sluice-connect/sluice/connect/group"
	"github.com/sluice-connect/sluice/connect/herder"
	"github.com/sluice-connect/sluice/connect/kafkaclient"
	"github.com/sluice-connect/sluice/connect/workerconfig"
)

// releaseMargin is what the end of connectors and tasks may take beyond their own graceful time before a rebalance goes on without.
const releaseMargin = 2 * time.Second

// noticeWithin is how often a worker asks for news of its group, where heartbeat.interval.ms allows longer: the coordinator tells of a member
// that left or died only in its answers to heartbeats, and until then that member's work is nobody's.
const noticeWithin = 500 * time.Millisecond

// membership makes this worker a member of its cluster.
func (n *node) membership(o *herder.Options, config *workerconfig.Worker) error {
	c := config.Cluster
	protocol, err := assignment.ParseProtocol(c.Protocol)
	if err != nil {
		return err
	}
	for key, algorithm := range map[string]string{
		"inter.worker.key.generation.algorithm": c.KeyAlgorithm, "inter.worker.signature.algorithm": c.SignAlgorithm,
	} {
		if !herder.KnownMAC(algorithm) {
			return fmt.Errorf("%s: %s is not known here: use HmacSHA256", key, algorithm)
		}
	}
	o.Keys = herder.KeyPolicy{
		KeyAlgorithm: c.KeyAlgorithm, KeyBits: c.KeyBits, LifetimeMillis: c.KeyLifetime.Milliseconds(),
		SignAlgorithm: c.SignAlgorithm, VerifyAlgorithm: c.VerifiedAlgorithms,
	}
	o.Peers = n.peers
	properties := config.Properties.Clients()
	properties["client.id"] = clientID(config, n.rest)
	settings, err := kafkaclient.AdminSettings(kafkaclient.Properties(properties))
	if err != nil {
		return err
	}
	talk := group.NewMetrics(properties["client.id"], sampling(config))
	membership := cluster.New(cluster.Options{
		URL: n.url, Group: config.GroupID, ConfigTopic: config.Config.Name, OffsetTopic: config.Offset.Name, StatusTopic: config.Status.Name, Protocol: protocol, Session: c.SessionTimeout, MaxDelay: c.MaxDelay, Sync: c.SyncTimeout, Unsync: c.UnsyncBackoff,
		Release: min(config.GracefulShutdown+releaseMargin, c.RebalanceTimeout/2), Gate: n.gate, Log: n.log.Logger,
		ClientID: properties["client.id"], Sampling: sampling(config),
		Join: func(h group.Handler) cluster.Member {
			return group.New(settings, group.Settings{
				Group: config.GroupID, ProtocolType: "connect", Session: c.SessionTimeout, Heartbeat: min(c.HeartbeatInterval, noticeWithin),
				Rebalance: c.RebalanceTimeout, Request: c.RequestTimeout, RetryBackoff: c.RetryBackoff, RetryBackoffMax: c.RetryBackoffMax,
				Metrics: talk,
			}, h, n.log.Logger)
		},
	})
	o.Membership = membership
	n.measured = append(n.measured, talk, membership.Metrics())
	return nil
}
