package herder

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/redaction"
	"github.com/sluice-connect/sluice/connect/stores"
	"github.com/sluice-connect/sluice/connect/validation"
	"github.com/sluice-connect/sluice/connect/worker"
)

// storeTime bounds how long the store of source offsets may keep the scribe, and thereby all other changes, from its work.
const storeTime = 30 * time.Second

// ConnectorOffsets lists the offsets of a connector in any state: those stored for a source, sorted by the partitions' texts, or those of a sink's
// consumer group, by topic and partition.
func (h *Herder) ConnectorOffsets(ctx context.Context, name string) (ConnectorOffsets, error) {
	state, err := h.existing(ctx, name)
	if err != nil {
		return ConnectorOffsets{}, err
	}
	config, err := h.Providers.Resolve(ctx, state.Connector(name))
	if err != nil {
		return ConnectorOffsets{}, &OffsetsError{Message: "Failed to read the configuration of connector " + name, Cause: err}
	}
	class, err := validation.ClassOf(h.Catalog, config.Config)
	if err != nil {
		return ConnectorOffsets{}, config.Secrets.Error(err)
	}
	if class.Type == catalog.Sink {
		offsets, err := h.Groups.Committed(ctx, name, config.Config)
		if err != nil {
			return ConnectorOffsets{}, &OffsetsError{
				Message: "Failed to retrieve consumer group offsets for sink connector " + name, Cause: config.Secrets.Error(err),
			}
		}
		return groupOffsets(offsets), nil
	}
	var stored []stores.StoredOffset
	err = h.withOffsets(ctx, name, config.Config, func(store stores.OffsetStore) (err error) {
		stored, err = store.Stored(ctx, name)
		return err
	})
	if err != nil {
		return ConnectorOffsets{}, &OffsetsError{Message: "Failed to retrieve offsets for source connector " + name, Cause: config.Secrets.Error(err)}
	}
	list := ConnectorOffsets{Offsets: []ConnectorOffset{}}
	for _, o := range stored {
		list.Offsets = append(list.Offsets, ConnectorOffset{Partition: members(o.Partition.Attrs()), Offset: offsetMembers(o.Offset)})
	}
	return list, nil
}

// withOffsets opens the store of a source's offsets for f.
func (h *Herder) withOffsets(ctx context.Context, name string, config connect.Config, f func(stores.OffsetStore) error) error {
	store, end, err := h.Offsets.Open(ctx, worker.Owner{Connector: name}, config)
	if err != nil {
		return err
	}
	return errors.Join(f(store), end(ctx))
}

func members(attrs []connect.Attr) stores.Members { return append(stores.Members{}, attrs...) }

func offsetMembers(o connect.Offset) stores.Members {
	if o.IsZero() {
		return nil
	}
	return members(o.Attrs())
}

// AlterOffsets stores offsets of a stopped connector, and deletes those that are nil. It is for the leader.
func (h *Herder) AlterOffsets(ctx context.Context, name string, offsets []ConnectorOffset) (Message, error) {
	c, err := h.stopped(ctx, name)
	if err != nil {
		return Message{}, err
	}
	if c.class.Type == catalog.Sink {
		return c.alterGroup(ctx, offsets)
	}
	wanted, err := sourceOffsets(offsets)
	if err != nil {
		return Message{}, err
	}
	return c.storeOffsets(ctx, altered, wanted)
}

// ResetOffsets deletes all offsets of a stopped connector. It is for the leader.
func (h *Herder) ResetOffsets(ctx context.Context, name string) (Message, error) {
	c, err := h.stopped(ctx, name)
	if err != nil {
		return Message{}, err
	}
	if c.class.Type == catalog.Sink {
		return c.resetGroup(ctx)
	}
	var wanted []connect.SourceOffset
	err = h.withOffsets(ctx, name, c.config, func(store stores.OffsetStore) error {
		stored, err := store.Stored(ctx, name)
		for _, o := range stored {
			wanted = append(wanted, connect.SourceOffset{Partition: o.Partition})
		}
		return err
	})
	if err != nil {
		return Message{}, c.failed(err)
	}
	return c.storeOffsets(ctx, reset, wanted)
}

// sourceOffsets reads what REST was given for a source. A partition that is named twice counts as named last, in whatever order its members are.
func sourceOffsets(offsets []ConnectorOffset) ([]connect.SourceOffset, error) {
	var intern connect.Partitions
	seen := map[*connect.Partition]int{}
	var wanted []connect.SourceOffset
	for _, o := range offsets {
		for _, m := range []stores.Members{o.Partition, o.Offset} {
			if err := m.CheckPrimitive(); err != nil {
				return nil, err
			}
		}
		w := connect.SourceOffset{}
		if o.Partition != nil {
			w.Partition = intern.Intern(o.Partition.Sorted()...)
		}
		if o.Offset != nil {
			w.Offset = connect.NewOffset(o.Offset...)
		}
		if at, twice := seen[w.Partition]; twice {
			wanted[at] = w
			continue
		}
		seen[w.Partition] = len(wanted)
		wanted = append(wanted, w)
	}
	return wanted, nil
}

// stoppedConnector is a connector whose offsets may be changed.
type stoppedConnector struct {
	h       *Herder
	name    string
	config  connect.Config   // resolved
	secrets redaction.Values // in config
	class   *catalog.Class
}

// stopped finds a connector whose offsets are to be changed, as DistributedHerder.modifyConnectorOffsetsChecks does, and waits for those of its tasks
// that are still ending here: they store their last offsets.
func (h *Herder) stopped(ctx context.Context, name string) (*stoppedConnector, error) {
	standing, err := h.undisturbed(ctx)
	if err != nil {
		return nil, err
	}
	if !standing.Leads {
		return nil, &NotLeaderError{URL: standing.LeaderURL}
	}
	if err := h.configs.Refresh(ctx); err != nil {
		return nil, &OffsetsError{Message: "Failed to read to end of config topic before modifying connector offsets", Cause: err}
	}
	if err := h.checkStopped(name); err != nil {
		return nil, err
	}
	if err := h.mind.Do(ctx, h.mind.hear); err != nil {
		return nil, h.late(ctx)
	}
	if h.Membership.Standing().RebalanceDue { // the stop was news
		return nil, &RebalanceError{}
	}
	if err := h.worker.Released(ctx); err != nil {
		return nil, h.late(ctx)
	}
	config, err := h.Providers.Resolve(ctx, h.configs.Snapshot().Connector(name))
	if err != nil {
		return nil, &OffsetsError{Message: "Failed to read the configuration of connector " + name, Cause: err}
	}
	class, err := validation.ClassOf(h.Catalog, config.Config)
	if err != nil {
		return nil, config.Secrets.Error(err)
	}
	return &stoppedConnector{h: h, name: name, config: config.Config, secrets: config.Secrets, class: class}, nil
}

func (h *Herder) checkStopped(name string) error {
	state := h.configs.Snapshot()
	if !state.Contains(name) {
		return unknownConnector("Connector %s not found", name)
	}
	if target, _ := state.Target(name); target != stores.Stopped || state.TaskCount(name) != 0 {
		return &InvalidError{Message: fmt.Sprintf("Connectors must be in the STOPPED state before their offsets can be modified. This can be done for "+
			"the specified connector by issuing a 'PUT' request to the '/connectors/%s/stop' endpoint", name)}
	}
	return nil
}

// storeOffsets has a source's offsets looked at by its plugin, and stores them unless the connector runs again by then.
func (c *stoppedConnector) storeOffsets(ctx context.Context, how change, wanted []connect.SourceOffset) (Message, error) {
	vouched := false
	if alterer, ok := c.class.Plugin.(connect.SourceOffsetAlterer); ok {
		vouched = true
		if err := c.consult(ctx, func(ctx context.Context) error { return alterer.AlterOffsets(ctx, maps.Clone(c.config), wanted) }); err != nil {
			return Message{}, err
		}
	}
	if c.h.Offsets.Transactional() {
		if err := c.h.FenceZombies(ctx, c.name); err != nil {
			return Message{}, &OffsetsError{Message: "Failed to perform zombie fencing for source connector prior to modifying offsets", Cause: err}
		}
	}
	err := c.h.inscribe(ctx, func(ctx context.Context) error {
		if err := c.h.checkStopped(c.name); err != nil {
			return err
		}
		return c.put(ctx, wanted)
	})
	if err != nil {
		return Message{}, err
	}
	return how.message(vouched), nil
}

func (c *stoppedConnector) put(ctx context.Context, wanted []connect.SourceOffset) error {
	offsets := make([]stores.StoredOffset, 0, len(wanted))
	for _, o := range wanted {
		offsets = append(offsets, stores.StoredOffset(o))
	}
	if len(offsets) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	err := c.h.withOffsets(ctx, c.name, c.config, func(store stores.OffsetStore) error {
		records, err := stores.EncodeAll(store, c.name, offsets)
		if err != nil {
			return err
		}
		return c.h.Offsets.Modify(ctx, store, c.name, c.config, records)
	})
	switch {
	case err == nil:
		return nil
	case errors.As(err, new(*stores.NotPrimitiveError)):
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return &OffsetsError{Message: "Timed out while attempting to modify offsets for source connector " + c.name, Cause: c.secrets.Error(err)}
	}
	return c.failed(err)
}

func (c *stoppedConnector) failed(cause error) error {
	return &OffsetsError{Message: fmt.Sprintf("Failed to modify offsets for %s connector %s", c.class.Type, c.name), Cause: c.secrets.Error(cause)}
}

// change is what is done to offsets, as messages have it.
type change string

const (
	altered change = "altered"
	reset   change = "reset"
)

// message tells of a success. vouched means that the plugin has nothing to add.
func (c change) message(vouched bool) Message {
	if vouched {
		return Message{fmt.Sprintf("The offsets for this connector have been %s successfully", c)}
	}
	return Message{fmt.Sprintf("The Connect framework-managed offsets for this connector have been %s successfully. However, if this connector manages "+
		"offsets externally, they will need to be manually %s in the system that the connector uses.", c, c)}
}
