package ledger

import (
	"sync/atomic"
	"testing"

	"github.com/sluice-connect/sluice/internal/testbed"
)

// stock is what devices have published, and how much mosquitto keeps of it.
type stock struct {
	sent    atomic.Int64 // messages that devices were let publish
	kept    atomic.Int64 // messages that mosquitto was last said to keep
	counted atomic.Int64 // of sent, when that was said
}

// mostStock is how many messages mosquitto may keep: version 2.0 loses count at 65 536, and gives packet ids to two messages then. It takes messages faster
// than it reads what becomes of them, so that how many are not in Kafka does not bound them.
const mostStock = 50_000

// watch has mosquitto tell the stock.
func (s *stock) watch(t *testing.T, m *testbed.Mosquitto) {
	t.Helper()
	m.OnStock(t, func(messages int64) {
		s.counted.Store(s.sent.Load())
		s.kept.Store(messages)
	})
}

// full reports whether mosquitto might keep too many when all up to a number of those sent have been published.
func (s *stock) full(sent int64) bool { return s.kept.Load()+sent-s.counted.Load() >= mostStock }
