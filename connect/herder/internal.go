package herder

import (
	"context"
	"fmt"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

// Peers carries requests to other workers.
type Peers interface {
	// SubmitTasks hands the tasks into which a connector divides its work to the leader at url. sign returns the signature of the body's
	// bytes, nil for a cluster that does not sign. The error is a [*ForgedError] where the leader does not take the signature.
	SubmitTasks(ctx context.Context, url, connector string, tasks []connect.Config, sign func(body []byte) (*Signature, error)) error
	// FenceZombies asks the leader at url for [Herder.FenceZombies].
	FenceZombies(ctx context.Context, url, connector string, sign func(body []byte) (*Signature, error)) error
	// InternalTopics asks the worker at url for its topics. The error is [ErrUntold] for one that does not tell them.
	InternalTopics(ctx context.Context, url string, sign func(body []byte) (*Signature, error)) (*InternalTopics, error)
}

// UnsignedError says that a request between workers lacks its signature, or has one that this worker does not take.
type UnsignedError struct{ Message string }

func (e *UnsignedError) Error() string { return e.Message }

// ForgedError says that a request's signature is wrong.
type ForgedError struct{}

func (*ForgedError) Error() string { return "Internal request contained invalid signature." }

// KeylessError says that this worker does not know the cluster's key yet.
type KeylessError struct{}

func (*KeylessError) Error() string {
	return "This worker is still starting up and has not been able to read a session key from the config topic yet"
}

// Authorize checks a request between workers (DistributedHerder.requestNotSignedProperly): nil for one that this cluster trusts.
func (h *Herder) Authorize(body []byte, signature *Signature) error {
	if !h.Membership.Standing().Signed {
		return nil
	}
	if signature == nil {
		return &UnsignedError{Message: "Internal request missing required signature"}
	}
	if !h.Keys.accepts(signature.Algorithm) {
		return &UnsignedError{Message: fmt.Sprintf("This worker does not support the '%s' key signing algorithm used by other workers. This worker "+
			"is currently configured to use: [%s]. Check that all workers' configuration files permit the same set of signature algorithms, and correct any "+
			"misconfigured worker and restart it.", signature.Algorithm, strings.Join(h.Keys.VerifyAlgorithm, ", "))}
	}
	key := h.configs.Snapshot().SessionKey()
	if key == nil {
		return &KeylessError{}
	}
	if !signature.Valid(key.Key, body) {
		return &ForgedError{}
	}
	return nil
}

// sign signs the body of a request to another worker with the cluster's key; nil where the cluster does not sign.
func (h *Herder) sign(body []byte) (*Signature, error) {
	if !h.Membership.Standing().Signed {
		return nil, nil
	}
	signature, err := h.signKnown(body)
	if signature == nil && err == nil {
		err = &KeylessError{}
	}
	return signature, err
}

// PutTasks stores the tasks that a connector has divided its work into on another worker. For the leader.
func (h *Herder) PutTasks(ctx context.Context, name string, tasks []connect.Config) error {
	standing, err := h.leading(ctx)
	switch {
	case err != nil:
		return err
	case !standing.Leads:
		return &NotLeaderError{URL: standing.LeaderURL}
	case !h.configs.Snapshot().Contains(name):
		return unknownConnector("Connector %s not found", name)
	}
	return h.putTasks(ctx, name, tasks)
}
