package ledger

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Fleet is several devices that publish at the same time, each to several topics of its own.
type Fleet struct {
	Ledger *Ledger
	// Addr is the broker's host:port. Topics begin with Prefix, client ids too.
	Addr, Prefix string
	QoS          byte
	// MayGo is asked by each device before so many messages, and has it wait; nil for no waiting.
	MayGo func(ctx context.Context, messages int) error
	// Size is the size of payloads in bytes; 0 is the devices' own.
	Size int
	// Devices and Topics per device, so that there are Devices*Topics streams.
	Devices, Topics int
}

// Filter is the MQTT topic filter that matches what the fleet publishes.
func (f Fleet) Filter() string { return f.Prefix + "/#" }

// Publish sends about n messages, a multiple of the number of streams not below n, and returns when the broker has taken all of
// them. It can be called again, the numbers go on.
func (f Fleet) Publish(ctx context.Context, n int) error {
	streams := f.Devices * f.Topics
	each := (n + streams - 1) / streams
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var devices sync.WaitGroup
	errs := make([]error, f.Devices)
	for i := range f.Devices {
		devices.Go(func() { errs[i] = f.device(ctx, i, each) })
	}
	devices.Wait()
	return errors.Join(errs...)
}

func (f Fleet) device(ctx context.Context, i, each int) error {
	d, err := ConnectDevice(ctx, f.Ledger, f.Addr, fmt.Sprintf("%s-device-%d", f.Prefix, i))
	if err != nil {
		return err
	}
	if f.Size > 0 {
		d.Size = f.Size
	}
	topics := make([]string, f.Topics)
	for n := range topics {
		topics[n] = fmt.Sprintf("%s/device-%d/%d", f.Prefix, i, n)
	}
	mayGo := func(messages int) error {
		if f.MayGo == nil {
			return nil
		}
		return f.MayGo(ctx, messages)
	}
	return errors.Join(d.Publish(f.QoS, each, mayGo, topics...), d.Close())
}
