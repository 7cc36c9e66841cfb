package herder

import (
	"sync"

	"github.com/sluice-connect/sluice/connect/stores"
)

// ownWords remembers what this worker's connectors and tasks last said of themselves. A status is seen only once it has come back from its
// topic, so that without this "Kafka is away" would be seen when Kafka is back. It is safe for concurrent use; the zero value is empty.
type ownWords struct {
	mu   sync.Mutex
	said map[stores.Instance]stores.Status
}

func (o *ownWords) note(i stores.Instance, s stores.Status) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.said == nil {
		o.said = map[stores.Instance]stores.Status{}
	}
	o.said[i] = s
}

func (o *ownWords) forget(i stores.Instance) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.said, i)
}

// over is a stored status with the trace of what this worker said last, where that is about the same state here: what another worker or a
// restart has stored since counts more.
func (o *ownWords) over(i stores.Instance, stored stores.Status) stores.Status {
	o.mu.Lock()
	defer o.mu.Unlock()
	if own, ok := o.said[i]; ok && own.WorkerID == stored.WorkerID && own.State == stored.State {
		stored.Trace = own.Trace
	}
	return stored
}
