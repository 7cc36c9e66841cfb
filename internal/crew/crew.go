package crew

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/ledger"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// Crew are the workers of one cluster.
type Crew struct {
	t       *testing.T
	kafka   string
	prefix  string
	lines   []string
	Workers []*ledger.Worker
	// Refused is the longest time for which a request was answered 409.
	Refused time.Duration
}

// NewCrew is a cluster without workers yet. Lines are properties of all its workers.
func NewCrew(t *testing.T, kafka, prefix string, lines ...string) *Crew {
	return &Crew{t: t, kafka: kafka, prefix: prefix, lines: append([]string{
		"value.converter=org.apache.kafka.connect.storage.StringConverter",
	}, lines...)}
}

// Sluice adds a Sluice worker.
func (c *Crew) Sluice() *ledger.Worker {
	c.t.Helper()
	w := ledger.StartWorker(c.t, c.kafka, c.prefix, c.lines...)
	c.Workers = append(c.Workers, w)
	return w
}

// Java adds a worker of Java's Kafka Connect.
func (c *Crew) Java() *ledger.Worker {
	c.t.Helper()
	w := ledger.StartJavaWorker(c.t, c.kafka, c.prefix, c.lines...)
	c.Workers = append(c.Workers, w)
	return w
}

// Create puts a connector through a worker.
func (c *Crew) Create(w *ledger.Worker, name string, config map[string]string) {
	c.t.Helper()
	c.Do(w, "PUT", "/connectors/"+name+"/config", config, 200, 201)
}

// Do asks a worker until the answer has one of the codes: a rebalance may refuse for a moment. Another code than 409 ends it.
func (c *Crew) Do(w *ledger.Worker, method, path string, body any, codes ...int) ledger.Answer {
	c.t.Helper()
	var a ledger.Answer
	var refused time.Time
	what := method + " " + path + " at " + w.URL
	testbed.Await(c.t, 20*time.Second, what, func(ctx context.Context) (err error) {
		if a, err = w.Ask(ctx, method, path, body); err != nil {
			return err
		}
		if slices.Contains(codes, a.Code) {
			return nil
		}
		if a.Code != 409 {
			require.Failf(c.t, what, "%d: %s", a.Code, a.Body)
		}
		if refused.IsZero() {
			refused = time.Now()
		}
		return fmt.Errorf("%d: %s", a.Code, a.Body)
	})
	if !refused.IsZero() {
		c.Refused = max(c.Refused, time.Since(refused))
	}
	return a
}

// AwaitFlowing waits until the connectors run, each with all its tasks, as every worker tells it, and no task is said to be on a worker
// that is not in the crew.
func (c *Crew) AwaitFlowing(within time.Duration, tasks map[string]int) {
	c.t.Helper()
	testbed.Await(c.t, within, "all connectors to flow", func(ctx context.Context) error {
		for _, w := range c.Workers {
			if err := c.flowing(ctx, w, tasks); err != nil {
				return fmt.Errorf("as %s tells: %w", w.URL, err)
			}
		}
		return nil
	})
}

func (c *Crew) flowing(ctx context.Context, w *ledger.Worker, tasks map[string]int) error {
	for name, count := range tasks {
		s, err := w.Status(ctx, name)
		if err != nil {
			return err
		}
		if err := s.Flowing(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if len(s.Tasks) != count {
			return fmt.Errorf("%s has %d tasks of %d", name, len(s.Tasks), count)
		}
		for _, state := range append(s.Tasks, s.Connector) {
			if !slices.ContainsFunc(c.Workers, func(w *ledger.Worker) bool { return strings.HasSuffix(w.URL, state.WorkerID) }) {
				return fmt.Errorf("%s: something is on %s", name, state.WorkerID)
			}
		}
	}
	return nil
}

// Loads is how many connectors and tasks each worker has, by its id, as the first worker tells.
func (c *Crew) Loads(tasks map[string]int) (connectors, shares map[string]int, err error) {
	connectors, shares = map[string]int{}, map[string]int{}
	for _, w := range c.Workers {
		_, id, _ := strings.Cut(w.URL, "//")
		connectors[id], shares[id] = 0, 0
	}
	for name := range tasks {
		s, err := c.Workers[0].Status(c.t.Context(), name)
		if err != nil {
			return nil, nil, err
		}
		connectors[s.Connector.WorkerID]++
		for _, task := range s.Tasks {
			shares[task.WorkerID]++
		}
	}
	return connectors, shares, nil
}

// Balanced is content when no worker has two more than another.
func Balanced(loads map[string]int) error {
	least, most := -1, 0
	for _, n := range loads {
		if least < 0 || n < least {
			least = n
		}
		most = max(most, n)
	}
	if most-least > 1 {
		return fmt.Errorf("loads are uneven: %v", loads)
	}
	return nil
}

// AwaitBalance waits until connectors and tasks are spread within one of each other.
func (c *Crew) AwaitBalance(within time.Duration, tasks map[string]int) {
	c.t.Helper()
	testbed.Await(c.t, within, "the work to be spread evenly", func(context.Context) error {
		connectors, shares, err := c.Loads(tasks)
		if err != nil {
			return err
		}
		return errors.Join(Balanced(connectors), Balanced(shares))
	})
}

// Without is the crew less a worker.
func (c *Crew) Without(w *ledger.Worker) *Crew {
	rest := *c
	rest.Workers = slices.DeleteFunc(slices.Clone(c.Workers), func(x *ledger.Worker) bool { return x == w })
	return &rest
}
