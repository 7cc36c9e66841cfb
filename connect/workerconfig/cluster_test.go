package workerconfig

import (
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// distributed are the least properties of a distributed worker, with others.
func distributed(others Properties) Properties {
	p := Properties{
		"group.id": "g", "key.converter": "k", "value.converter": "v", "config.storage.topic": "c", "offset.storage.topic": "o",
		"status.storage.topic": "s",
	}
	maps.Copy(p, others)
	return p
}

func TestAClusterHasKafkaConnectsDefaults(t *testing.T) {
	w, err := Parse(Distributed, distributed(nil))
	require.NoError(t, err)
	require.Equal(t, Cluster{
		Protocol:          "sessioned",
		SessionTimeout:    10 * time.Second,
		HeartbeatInterval: 3 * time.Second,
		RebalanceTimeout:  60 * time.Second,
		RequestTimeout:    40 * time.Second,
		RetryBackoff:      100 * time.Millisecond,
		RetryBackoffMax:   time.Second,
		SyncTimeout:       3 * time.Second,
		UnsyncBackoff:     5 * time.Minute,
		MaxDelay:          5 * time.Minute,

		KeyAlgorithm:       "HmacSHA256",
		KeyLifetime:        time.Hour,
		SignAlgorithm:      "HmacSHA256",
		VerifiedAlgorithms: []string{"HmacSHA256"},
	}, w.Cluster)
}

func TestAClustersKeysAreRead(t *testing.T) {
	w, err := Parse(Distributed, distributed(Properties{
		"connect.protocol": "Eager", "session.timeout.ms": "6001", "heartbeat.interval.ms": "6000", "rebalance.timeout.ms": "1", "request.timeout.ms": "0",
		"retry.backoff.ms": "0", "retry.backoff.max.ms": "7", "worker.sync.timeout.ms": "8", "worker.unsync.backoff.ms": "9",
		"scheduled.rebalance.max.delay.ms": "0", "inter.worker.key.generation.algorithm": "HmacSHA512", "inter.worker.key.size": "256",
		"inter.worker.key.ttl.ms": "0", "inter.worker.signature.algorithm": "HmacSHA1", "inter.worker.verification.algorithms": "HmacSHA256, HmacSHA1",
	}))
	require.NoError(t, err)
	const ms = time.Millisecond
	require.Equal(t, Cluster{
		Protocol: "Eager", SessionTimeout: 6001 * ms, HeartbeatInterval: 6000 * ms, RebalanceTimeout: ms, RetryBackoffMax: 7 * ms, SyncTimeout: 8 * ms,
		UnsyncBackoff: 9 * ms, KeyAlgorithm: "HmacSHA512", KeyBits: 256, SignAlgorithm: "HmacSHA1", VerifiedAlgorithms: []string{"HmacSHA256", "HmacSHA1"},
	}, w.Cluster)
}

func TestEachBadValueOfAClusterIsNamed(t *testing.T) {
	const notInt, notLong = "INT", "LONG"
	for key, values := range map[string]map[string]string{
		"connect.protocol": {
			"strict": "Invalid value strict for configuration connect.protocol: String must be one of (case insensitive): ",
		},
		"session.timeout.ms":               {"0": "Invalid value 0 for configuration session.timeout.ms: Value must be at least 1", "soon": notInt},
		"heartbeat.interval.ms":            {"0": "Invalid value 0 for configuration heartbeat.interval.ms: Value must be at least 1", "soon": notInt},
		"rebalance.timeout.ms":             {"-1": "Invalid value -1 for configuration rebalance.timeout.ms: Value must be at least 1", "soon": notInt},
		"request.timeout.ms":               {"-1": "Invalid value -1 for configuration request.timeout.ms: Value must be at least 0", "soon": notInt},
		"retry.backoff.ms":                 {"-1": "Invalid value -1 for configuration retry.backoff.ms: Value must be at least 0", "soon": notLong},
		"retry.backoff.max.ms":             {"-1": "Invalid value -1 for configuration retry.backoff.max.ms: Value must be at least 0", "soon": notLong},
		"worker.sync.timeout.ms":           {"soon": notInt, "3000000000": notInt},
		"worker.unsync.backoff.ms":         {"soon": notInt},
		"scheduled.rebalance.max.delay.ms": {"-1": "Invalid value -1 for configuration scheduled.rebalance.max.delay.ms: Value must be at least 0", "soon": notInt},
		"inter.worker.key.size":            {"long": notInt},
		"inter.worker.key.ttl.ms":          {"-1": "Invalid value -1 for configuration inter.worker.key.ttl.ms: Value must be at least 0", "soon": notInt},
		"inter.worker.signature.algorithm": {
			"HmacMD5": "inter.worker.signature.algorithm (HmacMD5) must be in the inter.worker.verification.algorithms list",
		},
		"inter.worker.verification.algorithms": {
			"HmacMD5": "inter.worker.signature.algorithm (HmacSHA256) must be in the inter.worker.verification.algorithms list",
		},
	} {
		for value, want := range values {
			t.Run(key+"="+value, func(t *testing.T) {
				_, err := Parse(Distributed, distributed(Properties{key: value}))
				problems := new(Error)
				require.ErrorAs(t, err, &problems)
				if want == notInt || want == notLong {
					want = "Invalid value " + value + " for configuration " + key + ": Not a number of type " + want
				}
				require.Contains(t, problems.Problems[0], want)
			})
		}
	}
}

func TestAWorkerMustBeatBeforeItsSessionIsOver(t *testing.T) {
	for _, times := range [][2]string{{"3000", "3000"}, {"3001", "3000"}} {
		_, err := Parse(Distributed, distributed(Properties{"heartbeat.interval.ms": times[0], "session.timeout.ms": times[1]}))
		require.EqualError(t, err, "heartbeat.interval.ms ("+times[0]+") must be less than session.timeout.ms ("+times[1]+")")
	}
	_, err := Parse(Distributed, distributed(Properties{"session.timeout.ms": "1", "inter.worker.signature.algorithm": "HmacMD5"}))
	require.Equal(t, &Error{Problems: []string{
		"heartbeat.interval.ms (3000) must be less than session.timeout.ms (1)",
		"inter.worker.signature.algorithm (HmacMD5) must be in the inter.worker.verification.algorithms list",
	}}, err)
	_, err = Parse(Distributed, distributed(Properties{"heartbeat.interval.ms": "2999", "session.timeout.ms": "3000"}))
	require.NoError(t, err)
}
