package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/assignment"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/group"
	"github.com/sluice-connect/sluice/connect/herder"
	"github.com/sluice-connect/sluice/connect/stores"
	"github.com/sluice-connect/sluice/connect/validation"
	"github.com/sluice-connect/sluice/connect/worker"
)

// crew is a cluster of herders in one process, in virtual time.
type crew struct {
	t        *testing.T
	random   *rand.Rand
	maxDelay time.Duration
	at       *coordinator
	configs  *stores.MemoryTopic // of the nodes to come
	said     stores.MemoryTopic  // statuses

	// Of the nodes to come, too.
	protocol assignment.Protocol
	keyLife  time.Duration // inter.worker.key.ttl.ms
	beat     time.Duration // heartbeat.interval.ms
	misses   deafness
	offsets  string // offset.storage.topic
	statuses string // status.storage.topic

	mu      sync.Mutex
	nodes   map[string]*node
	count   int
	refused int            // requests between workers whose signature was not taken
	asked   map[string]int // how often a worker was asked for its topics, by URL
	untold  func(url string) error

	dice sync.Mutex // of random
}

func (c *crew) roll(n int) int {
	c.dice.Lock()
	defer c.dice.Unlock()
	return c.random.IntN(n)
}

// delay is a way on which all takes up to 200 ms.
func (c *crew) delay(ctx context.Context) error {
	timer := time.NewTimer(time.Duration(c.roll(200)) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// add starts a node and waits until it has its first assignment.
func (c *crew) add() *node {
	n := c.enrol()
	started := make(chan error, 1)
	go func() { started <- n.herder.Start(n.life) }()
	for {
		select {
		case err := <-started:
			require.NoError(c.t, err)
			return n
		default:
			c.pass(100 * time.Millisecond)
		}
	}
}

// enrol makes a node that has not started.
func (c *crew) enrol() *node {
	c.count++
	n := newNode(c, fmt.Sprintf("http://w%d:8083/", c.count))
	log := slog.New(slog.NewTextHandler(&n.log, nil))
	classes, err := catalog.New([]connect.SourceConnector{counted{}}, nil)
	require.NoError(c.t, err)
	properties := map[string]string{"bootstrap.servers": "nowhere:1", "key.converter": "StringConverter", "value.converter": "StringConverter"}
	configs, beat, misses := c.configs, c.beat, c.misses
	n.membership = New(Options{
		URL: n.url, Group: "g", ConfigTopic: "configs", OffsetTopic: c.offsets, StatusTopic: c.statuses, Protocol: c.protocol, Session: c.at.session, MaxDelay: c.maxDelay, Sync: syncTime, Unsync: unsyncTime,
		Release: 5 * time.Second, Gate: n.gate, Log: log,
		Join: func(h group.Handler) Member {
			return &member{at: c.at, link: n.link, handler: h, dead: n.dead, again: make(chan struct{}, 1), beat: beat, roll: c.roll, misses: misses}
		},
	})
	n.herder = herder.New(herder.Options{
		WorkerID: n.url, Catalog: classes, Log: log, Statuses: c.said.StatusStore(log, c.delay), Peers: c, Keys: herder.KeyPolicy{
			KeyAlgorithm: "HmacSHA256", SignAlgorithm: "HmacSHA256", VerifyAlgorithm: []string{"HmacSHA256"}, LifetimeMillis: c.keyLife.Milliseconds(),
		},
		Validator: &validation.Validator{Catalog: classes, Worker: properties, OverridePolicy: "All"},
		Offsets:   worker.SharedOffsets(stores.NewFileOffsetStore(c.t.TempDir()+"/offsets", log)),
		OpenConfigs: func(listen func(stores.ConfigEvent)) *stores.ConfigStore {
			return configs.ConfigStore(log, func(ctx context.Context) error {
				if err := c.delay(ctx); err != nil {
					return err
				}
				return n.configs.up(ctx)
			}, listen)
		},
		Employ: func(s worker.StatusSink, p worker.Plan, _ worker.Fencing) herder.Worker {
			n.status, n.plan = s, p
			return n
		},
		Membership: n.membership,
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nodes[n.url] = n
	return n
}

// What nodes are made with.
const (
	syncTime   = 3 * time.Second
	unsyncTime = 7 * time.Second
)

// kill ends a node without a word.
func (c *crew) kill(n *node) {
	close(n.dead)
	c.forget(n)
	n.herder.Close(context.Background())
	n.end()
}

// stop shuts a node down.
func (c *crew) stop(n *node) {
	n.herder.Close(context.Background())
	c.forget(n)
	n.end()
}

func (c *crew) forget(n *node) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.nodes, n.url)
}

func (c *crew) any() *node {
	all := c.all()
	return all[c.roll(len(all))]
}

// mend opens all ways that were cut.
func (c *crew) mend() {
	for _, n := range c.all() {
		n.link.mend()
		n.configs.mend()
	}
}

// SubmitTasks implements herder.Peers, as package api does.
func (c *crew) SubmitTasks(ctx context.Context, url, connector string, tasks []connect.Config, sign func([]byte) (*herder.Signature, error)) error {
	leader := c.at1(url)
	if leader == nil {
		return fmt.Errorf("nobody at %s", url)
	}
	body, err := json.Marshal(tasks)
	if err != nil {
		return err
	}
	signature, err := sign(body)
	if err != nil {
		return err
	}
	if err := leader.herder.Authorize(body, signature); err != nil {
		c.mu.Lock()
		c.refused++
		c.mu.Unlock()
		return err
	}
	return leader.herder.PutTasks(ctx, connector, tasks)
}

// FenceZombies implements herder.Peers.
func (c *crew) FenceZombies(ctx context.Context, url, connector string, _ func([]byte) (*herder.Signature, error)) error {
	c.mu.Lock()
	leader := c.nodes[url]
	c.mu.Unlock()
	if leader == nil {
		return fmt.Errorf("nobody at %s", url)
	}
	return leader.herder.FenceZombies(ctx, connector)
}

// InternalTopics implements herder.Peers.
func (c *crew) InternalTopics(ctx context.Context, url string, sign func([]byte) (*herder.Signature, error)) (*herder.InternalTopics, error) {
	c.mu.Lock()
	n, untold := c.nodes[url], c.untold
	c.asked[url]++
	c.mu.Unlock()
	if n == nil {
		return nil, fmt.Errorf("nobody at %s", url)
	}
	if untold != nil {
		if err := untold(url); err != nil {
			return nil, err
		}
	}
	if err := c.delay(ctx); err != nil {
		return nil, err
	}
	signature, err := sign([]byte(herder.InternalTopicsPath))
	if err == nil {
		err = n.herder.Authorize([]byte(herder.InternalTopicsPath), signature)
	}
	if err != nil {
		return nil, err
	}
	return n.herder.InternalTopics(), nil
}

// owners are the nodes that could write for a task at this moment: it runs there, or is on its way to its end there, and nothing holds it back.
func (c *crew) owners(id stores.TaskID) (urls []string) {
	for _, n := range c.all() {
		if n.has(id) && n.gate.Open() {
			urls = append(urls, n.url)
		}
	}
	return urls
}

// said are the lines that a node has logged with a message.
func (n *node) said(message string) (lines []string) {
	for line := range strings.Lines(n.log.String()) {
		if strings.Contains(line, "msg="+message) || strings.Contains(line, "msg=\""+message) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// told waits until a node has logged a line that contains all these.
func (c *crew) told(n *node, message string, all ...string) string {
	c.t.Helper()
	for deadline := time.Now().Add(10 * time.Minute); time.Now().Before(deadline); c.pass(time.Second) {
		for _, line := range n.said(message) {
			if !slices.ContainsFunc(all, func(part string) bool { return !strings.Contains(line, part) }) {
				return line
			}
		}
	}
	require.Failf(c.t, "not in the log", "%s %q: %s", message, all, strings.Join(n.said(message), "\n"))
	return ""
}
