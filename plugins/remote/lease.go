package remote

import (
	"time"

	"github.com/sluice-connect/sluice/plugins/contract"
)

const (
	// leaseRenewal is how often the plugin hears that its task may write.
	leaseRenewal = time.Second
	// leaseTime is how long it may without hearing so: what is left to a plugin whose worker is frozen, beyond the worker's own lease.
	leaseTime = 3 * time.Second
)

// renewLease is a goroutine: it passes on while this worker may write for the task, and that it may not, until the stream ends.
func (t *sinkTask) renewLease() {
	ticker := time.NewTicker(leaseRenewal)
	defer ticker.Stop()
	for {
		resumed := t.rt.Suspended()
		valid := leaseTime
		if resumed != nil {
			valid = 0
		}
		t.out.put(&contract.ToSink{Message: &contract.ToSink_Lease{Lease: &contract.Lease{ValidMs: valid.Milliseconds()}}})
		select {
		case <-resumed:
		case <-ticker.C:
		case <-t.life.Done():
			return
		}
	}
}
