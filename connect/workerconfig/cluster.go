package workerconfig

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sluice-connect/sluice/connect"
)

// Cluster is how a worker is a member of its cluster (org.apache.kafka.connect.runtime.distributed.DistributedConfig).
type Cluster struct {
	Protocol          string // eager, compatible or sessioned, in any case
	SessionTimeout    time.Duration
	HeartbeatInterval time.Duration
	RebalanceTimeout  time.Duration
	RequestTimeout    time.Duration
	RetryBackoff      time.Duration
	RetryBackoffMax   time.Duration
	SyncTimeout       time.Duration
	UnsyncBackoff     time.Duration
	MaxDelay          time.Duration // scheduled.rebalance.max.delay.ms

	KeyAlgorithm       string
	KeyBits            int // 0 for the algorithm's own size
	KeyLifetime        time.Duration
	SignAlgorithm      string
	VerifiedAlgorithms []string
}

// Keys of the cluster.
var (
	connectProtocol = connect.StringKey("connect.protocol", "Highest protocol of the group that this worker offers.").Default("sessioned").
			Must(connect.OneOfFold("EAGER", "COMPATIBLE", "SESSIONED"))
	sessionTimeout    = connect.IntKey("session.timeout.ms", "After how long without heartbeat a worker counts as dead.").Default(10000).Must(connect.AtLeast(1))
	heartbeatInterval = connect.IntKey("heartbeat.interval.ms", "How often a worker shows that it lives.").Default(3000).Must(connect.AtLeast(1))
	rebalanceTimeout  = connect.IntKey("rebalance.timeout.ms", "How long workers get to join a rebalance.").Default(60000).Must(connect.AtLeast(1))
	requestTimeout    = connect.IntKey("request.timeout.ms", "How long a broker gets to answer.").Default(40000).Must(connect.AtLeast(0))
	retryBackoff      = connect.LongKey("retry.backoff.ms", "First pause before a request is tried again.").Default(100).Must(connect.AtLeast(0))
	retryBackoffMax   = connect.LongKey("retry.backoff.max.ms", "Longest such pause.").Default(1000).Must(connect.AtLeast(0))
	syncTimeout       = connect.IntKey("worker.sync.timeout.ms", "How long reading the config topic to its end may take in a rebalance.").Default(3000)
	unsyncBackoff     = connect.IntKey("worker.unsync.backoff.ms", "How long a worker of an eager group stays out after that failed.").Default(300000)
	maxDelay          = connect.IntKey("scheduled.rebalance.max.delay.ms", "How long the work of a lost worker waits for its return.").Default(300000).
				Must(connect.Between(0, 1<<31-1))
	keyAlgorithm    = connect.StringKey("inter.worker.key.generation.algorithm", "Kind of the session keys.").Default("HmacSHA256")
	keyBits         = connect.IntKey("inter.worker.key.size", "Size of the session keys in bits; unset for the algorithm's own.").Optional()
	keyLifetime     = connect.IntKey("inter.worker.key.ttl.ms", "How often the session key changes; 0 for never.").Default(3600000).Must(connect.Between(0, 1<<31-1))
	signAlgorithm   = connect.StringKey("inter.worker.signature.algorithm", "How requests between workers are signed.").Default("HmacSHA256")
	verifyAlgorithm = connect.ListKey("inter.worker.verification.algorithms", "Which signatures of other workers are taken.").Default([]string{"HmacSHA256"})
)

var clusterKeys = connect.NewSpec("", "", connectProtocol, sessionTimeout, heartbeatInterval, rebalanceTimeout, requestTimeout, retryBackoff,
	retryBackoffMax, syncTimeout, unsyncBackoff, maxDelay, keyAlgorithm, keyBits, keyLifetime, signAlgorithm, verifyAlgorithm).Keys

// parseCluster reads checked properties.
func parseCluster(cfg connect.Config) (Cluster, error) {
	milli := func(n int) time.Duration { return milliseconds(int64(n)) }
	c := Cluster{
		Protocol:           connectProtocol.Get(cfg),
		SessionTimeout:     milli(sessionTimeout.Get(cfg)),
		HeartbeatInterval:  milli(heartbeatInterval.Get(cfg)),
		RebalanceTimeout:   milli(rebalanceTimeout.Get(cfg)),
		RequestTimeout:     milli(requestTimeout.Get(cfg)),
		RetryBackoff:       milliseconds(retryBackoff.Get(cfg)),
		RetryBackoffMax:    milliseconds(retryBackoffMax.Get(cfg)),
		SyncTimeout:        milli(syncTimeout.Get(cfg)),
		UnsyncBackoff:      milli(unsyncBackoff.Get(cfg)),
		MaxDelay:           milli(maxDelay.Get(cfg)),
		KeyAlgorithm:       keyAlgorithm.Get(cfg),
		KeyBits:            keyBits.Get(cfg),
		KeyLifetime:        milli(keyLifetime.Get(cfg)),
		SignAlgorithm:      signAlgorithm.Get(cfg),
		VerifiedAlgorithms: verifyAlgorithm.Get(cfg),
	}
	var errs []error
	if c.HeartbeatInterval >= c.SessionTimeout {
		errs = append(errs, fmt.Errorf("heartbeat.interval.ms (%d) must be less than session.timeout.ms (%d)",
			c.HeartbeatInterval.Milliseconds(), c.SessionTimeout.Milliseconds()))
	}
	if !slices.Contains(c.VerifiedAlgorithms, c.SignAlgorithm) {
		errs = append(errs, fmt.Errorf("inter.worker.signature.algorithm (%s) must be in the inter.worker.verification.algorithms list", c.SignAlgorithm))
	}
	return c, errors.Join(errs...)
}
