package inspection

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins/contract"
	"github.com/sluice-connect/sluice/plugins/wire"
)

// keys asks for the checks and the recommendations that keys promise.
func (v *visit) keys(ctx context.Context, d *contract.Description) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	asked := 0
	for _, class := range d.GetClasses() {
		for _, key := range class.GetKeys() {
			if key.GetChecked() {
				asked++
				value, err := defaultOf(key)
				if err == nil {
					_, err = v.plugin.CheckKey(ctx, &contract.CheckKeyRequest{Type: class.GetType(), Class: class.GetName(), Key: key.GetName(), Value: value})
				}
				if err != nil {
					v.report.problem("keys", fmt.Sprintf("the check of %s of %s: %v", key.GetName(), class.GetName(), v.reason(err)))
					return
				}
			}
			if key.GetRecommends() {
				asked++
				_, err := v.plugin.Recommend(ctx, &contract.RecommendRequest{Type: class.GetType(), Class: class.GetName(), Key: key.GetName()})
				if err != nil {
					v.report.problem("keys", fmt.Sprintf("the recommendations for %s of %s: %v", key.GetName(), class.GetName(), v.reason(err)))
					return
				}
			}
		}
	}
	v.report.well("keys", fmt.Sprintf("%d questions about keys answered", asked))
}

// defaultOf is a key's default as its check sees it; null for none.
func defaultOf(key *contract.KeyDef) (*contract.Value, error) {
	var value connect.Value
	if key.Default != nil {
		parsed, err := connect.Type(key.GetType()).Parse(key.GetDefault())
		if err != nil {
			return nil, err
		}
		value = parsed
	}
	return wire.ToValue(value)
}

// tasks opens a task of each connector without its configuration: it must be refused, and the process must survive that. A class that needs no key is
// left alone: it would begin its work.
func (v *visit) tasks(ctx context.Context, d *contract.Description) {
	opened := 0
	for _, class := range d.GetClasses() {
		if !slices.ContainsFunc(class.GetKeys(), func(k *contract.KeyDef) bool { return !k.GetOptional() && k.Default == nil }) {
			continue
		}
		var err error
		switch class.GetType() {
		case contract.Class_SOURCE:
			err = v.refusesSource(ctx, class.GetName())
		case contract.Class_SINK:
			err = v.refusesSink(ctx, class.GetName())
		default:
			continue
		}
		opened++
		if err != nil {
			v.report.problem("tasks", fmt.Sprintf("%s without its configuration: %v", class.GetName(), err))
			return
		}
		answer, cancel := context.WithTimeout(ctx, answerTimeout)
		_, err = v.plugin.Ping(answer, &contract.PingRequest{})
		cancel()
		if err != nil {
			v.report.problem("tasks", fmt.Sprintf("after %s was opened without its configuration: %v", class.GetName(), v.reason(err)))
			return
		}
	}
	v.report.well("tasks", fmt.Sprintf("%d refused without their configuration", opened))
}

func nameless(class string) *contract.OpenTask {
	return &contract.OpenTask{Class: class, Connector: "check"}
}

// closing is what a task gets to end.
const closing = 1000

func (v *visit) refusesSource(ctx context.Context, class string) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	stream, err := v.plugin.Source(ctx)
	if err != nil {
		return v.reason(err)
	}
	send := func(m *contract.ToSource) { _ = stream.SendMsg(m) } // what is wrong shows where it is received
	send(&contract.ToSource{Message: &contract.ToSource_Open{Open: nameless(class)}})
	return refused(v, stream, func(m *wire.FromSource) (opened bool, fault *contract.Fault, closed bool) {
		if m.Message == nil {
			return false, nil, false
		}
		answer := m.Message.GetOpened()
		return answer != nil, answer.GetFault(), m.Message.GetClosed() != nil
	}, func() {
		send(&contract.ToSource{Message: &contract.ToSource_Close{Close: &contract.CloseTask{TimeoutMs: closing}}})
	})
}

func (v *visit) refusesSink(ctx context.Context, class string) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	stream, err := v.plugin.Sink(ctx)
	if err != nil {
		return v.reason(err)
	}
	send := func(m *contract.ToSink) { _ = stream.SendMsg(m) } // what is wrong shows where it is received
	send(&contract.ToSink{Message: &contract.ToSink_Open{Open: nameless(class)}})
	return refused(v, stream, func(m *contract.FromSink) (opened bool, fault *contract.Fault, closed bool) {
		answer := m.GetOpened()
		return answer != nil, answer.GetFault(), m.GetClosed() != nil
	}, func() {
		send(&contract.ToSink{Message: &contract.ToSink_Close{Close: &contract.CloseTask{TimeoutMs: closing}}})
	})
}

// refused waits for the refusal. A task that opens all the same is closed again.
func refused[M any](v *visit, stream grpc.ClientStream, read func(*M) (opened bool, fault *contract.Fault, closed bool), end func()) error {
	for {
		m := new(M)
		if err := stream.RecvMsg(m); err != nil {
			return fmt.Errorf("the task must say that it is opened, with the fault: %w", v.reason(err))
		}
		opened, fault, closed := read(m)
		switch {
		case opened && fault != nil && strings.TrimSpace(fault.GetMessage()) == "":
			return fmt.Errorf("it is refused, and nobody is told why: a fault needs a message")
		case opened && fault != nil, closed:
			return nil
		case opened:
			end()
		}
	}
}
