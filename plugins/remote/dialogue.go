package remote

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"google.golang.org/grpc"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/redaction"
	"github.com/sluice-connect/sluice/plugins/contract"
	"github.com/sluice-connect/sluice/plugins/wire"
)

// dialogue is one transform, predicate or converter in the plugin's control process: question and answer, in turn, on the goroutine that asks. A record
// costs two messages and the switch to another process and back, some 50 to 100 microseconds: what has to be faster is compiled in.
//
// A process that is gone is replaced once for a question. What the transform or converter knew of earlier records is gone with it.
type dialogue[Q any, A any, PA interface {
	*A
	GetFault() *contract.Fault
}] struct {
	*class
	first  *Q // opens it
	config connect.Config
	dial   func(contract.PluginClient, context.Context) (grpc.BidiStreamingClient[Q, A], error)

	process  Process
	stream   grpc.BidiStreamingClient[Q, A] // nil before the first question, and after a failure
	cut      context.CancelFunc
	sender   *wire.Sender
	receiver *wire.Receiver
}

// open makes the stream and opens the part. The error of the plugin's constructor is given back as it is.
func (d *dialogue[Q, A, PA]) open() error {
	ctx, cancel := context.WithTimeout(context.Background(), partTimeout)
	defer cancel()
	process, err := d.from.Control(ctx)
	if err != nil {
		return fmt.Errorf("plugin %s cannot be asked: %w", d.name, err)
	}
	process.Hide(redaction.From(d.hiding(ctx, d.config))...)
	life, cut := context.WithCancel(context.Background())
	stream, err := d.dial(contract.NewPluginClient(process.Conn()), life)
	if err != nil {
		cut()
		return d.explain(ctx, process, err)
	}
	d.process, d.stream, d.cut, d.sender, d.receiver = process, stream, cut, &wire.Sender{}, &wire.Receiver{}
	runtime.AddCleanup(d, func(cut context.CancelFunc) { cut() }, cut) // converters are never closed
	answer, err := d.exchange(d.first)
	if err != nil {
		return err
	}
	if err := wire.FromFault(answer.GetFault()); err != nil {
		d.Close()
		return err
	}
	return nil
}

// ask puts a question, which question makes for the stream's schemas.
func (d *dialogue[Q, A, PA]) ask(question func(*wire.Sender) (*Q, error)) (PA, error) {
	var lost error
	for range 2 {
		if d.stream == nil {
			if err := d.open(); err != nil {
				return nil, err
			}
		}
		q, err := question(d.sender)
		if err != nil {
			return nil, err
		}
		answer, err := d.exchange(q)
		if err == nil {
			return answer, wire.FromFault(answer.GetFault())
		}
		lost = err
	}
	return nil, lost
}

// exchange sends one message and waits for one. After an error there is no stream any more.
func (d *dialogue[Q, A, PA]) exchange(q *Q) (PA, error) {
	late := time.AfterFunc(partTimeout, d.cut)
	defer late.Stop()
	err := d.stream.Send(q)
	var answer *A
	if err == nil {
		answer, err = d.stream.Recv()
	} else {
		_, err = d.stream.Recv() // says why
	}
	if err == nil {
		return answer, nil
	}
	if !late.Stop() {
		err = fmt.Errorf("plugin %s: %s does not answer within %v", d.name, d.described.GetName(), partTimeout)
	} else {
		err = d.explain(d.stream.Context(), d.process, err)
	}
	d.Close()
	return nil, err
}

// Close ends it.
func (d *dialogue[Q, A, PA]) Close() {
	if d.stream == nil {
		return
	}
	d.cut()
	d.stream = nil
}
