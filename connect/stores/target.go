package stores

import "github.com/sluice-connect/sluice/connect"

// TargetState is what the user wants a connector to be.
type TargetState string

// The target states.
const (
	Started TargetState = "STARTED"
	// Paused keeps the connector and its tasks assigned, idle.
	Paused TargetState = "PAUSED"
	// Stopped leaves the connector without tasks.
	Stopped TargetState = "STOPPED"
)

// record is the state's form on the topic: `state` for workers from before KIP-875, which know no STOPPED, `state.v2` for all others.
func (t TargetState) record() []byte {
	old := t
	if t == Stopped {
		old = Paused
	}
	return object(
		connect.Attr{Name: "state", Value: connect.String(string(old))},
		connect.Attr{Name: "state.v2", Value: connect.String(string(t))})
}

// targetState reads either form; ok is false where there is no state that we know.
func targetState(v connect.Value) (t TargetState, ok bool) {
	name, ok := text(member(v, "state.v2"))
	if !ok {
		name, _ = text(member(v, "state"))
	}
	switch t = TargetState(name); t {
	case Started, Paused, Stopped:
		return t, true
	}
	return "", false
}
