package assignment

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect/stores"
	"github.com/sluice-connect/sluice/internal/golden"
)

// protocolCase is one of worker-protocol.json.
type protocolCase struct {
	ID        string               `json:"id"`
	Op        string               `json:"op"`
	Version   Protocol             `json:"version"`
	Reader    Protocol             `json:"reader"`
	Mode      string               `json:"mode"`
	ByteExact bool                 `json:"byte_exact"`
	Hex       golden.Hex           `json:"hex"`
	Protocols [][2]json.RawMessage `json:"protocols"`
	Input     notation             `json:"input"`
	ReadBack0 *notation            `json:"read_back_v0"`
	ReadBack1 *notation            `json:"read_back_v1"`
	Decoded   *notation            `json:"decoded"`
	Error     string               `json:"error"`
}

// notation is metadata or an assignment in the golden file.
type notation struct {
	URL               string    `json:"url"`
	ConfigOffset      int64     `json:"config_offset,string"`
	Allocation        *notation `json:"allocation"`
	Error             Error     `json:"error"`
	Leader            *string   `json:"leader"`
	LeaderURL         *string   `json:"leader_url"`
	Connectors        []string  `json:"connectors"`
	Tasks             []taskRow `json:"tasks"`
	RevokedConnectors []string  `json:"revoked_connectors"`
	RevokedTasks      []taskRow `json:"revoked_tasks"`
	Delay             int64     `json:"delay"`
}

// taskRow is a task written as a list of connector and number.
type taskRow stores.TaskID

func (r *taskRow) UnmarshalJSON(raw []byte) error {
	return json.Unmarshal(raw, &[]any{&r.Connector, &r.Task})
}

func (n *notation) assignment() Assignment {
	a := Assignment{
		Error: n.Error, ConfigOffset: n.ConfigOffset, Delay: time.Duration(n.Delay) * time.Millisecond,
		Assigned: Work{Connectors: n.Connectors}, Revoked: Work{Connectors: n.RevokedConnectors},
	}
	if n.Leader != nil {
		a.Leader, a.LeaderURL = *n.Leader, *n.LeaderURL
	}
	for _, id := range n.Tasks {
		a.Assigned.Tasks = append(a.Assigned.Tasks, stores.TaskID(id))
	}
	for _, id := range n.RevokedTasks {
		a.Revoked.Tasks = append(a.Revoked.Tasks, stores.TaskID(id))
	}
	return a
}

// state leaves Held nil where Java reads back the empty allocation that stands for null: the one without a leader.
func (n *notation) state() WorkerState {
	s := WorkerState{URL: n.URL, ConfigOffset: n.ConfigOffset}
	if n.Allocation != nil && n.Allocation.Leader != nil {
		held := n.Allocation.assignment()
		s.Held = &held
	}
	return s
}

func sameAssignment(t *testing.T, want, got Assignment) {
	t.Helper()
	sort := func(a Assignment) Assignment {
		for _, w := range []*Work{&a.Assigned, &a.Revoked} {
			*w = w.Sorted()
			w.Connectors = append([]string{}, w.Connectors...)
			w.Tasks = append([]stores.TaskID{}, w.Tasks...)
		}
		return a
	}
	assert.Equal(t, sort(want), sort(got))
}

func sameState(t *testing.T, want, got WorkerState) {
	t.Helper()
	assert.Equal(t, want.URL, got.URL)
	assert.Equal(t, want.ConfigOffset, got.ConfigOffset)
	require.Equal(t, want.Held == nil, got.Held == nil, "holds nothing")
	if want.Held != nil {
		sameAssignment(t, *want.Held, *got.Held)
	}
}

func TestGoldenBytesAreWrittenAndReadAsJavaDoes(t *testing.T) {
	for _, c := range golden.Load[protocolCase](t, "worker-protocol.json") {
		t.Run(c.ID, func(t *testing.T) {
			switch c.Op {
			case "assignment":
				assignmentCase(t, c)
			case "metadata":
				metadataCase(t, c)
			case "join-protocols":
				joinCase(t, c)
			case "decode-assignment":
				got, err := DecodeAssignment(c.Reader, c.Hex)
				if c.Error != "" {
					require.ErrorIs(t, err, ErrMalformed)
					return
				}
				require.NoError(t, err)
				sameAssignment(t, c.Decoded.assignment(), got)
			case "decode-metadata":
				got, err := DecodeWorkerState(c.Reader, c.Hex)
				if c.Error != "" {
					require.ErrorIs(t, err, ErrMalformed)
					return
				}
				require.NoError(t, err)
				sameState(t, c.Decoded.state(), got)
			default:
				require.Fail(t, "unknown operation", c.Op)
			}
		})
	}
}

func assignmentCase(t *testing.T, c protocolCase) {
	got, err := c.Input.assignment().Encode(c.Version)
	require.NoError(t, err)
	if c.ByteExact {
		assert.Equal(t, []byte(c.Hex), got)
	}
	assert.Len(t, got, len(c.Hex), "the order alone may differ")
	for _, b := range [][]byte{c.Hex, got} {
		read, err := DecodeAssignment(Compatible, b)
		require.NoError(t, err)
		sameAssignment(t, c.ReadBack1.assignment(), read)
	}
}

func metadataCase(t *testing.T, c protocolCase) {
	got, err := c.Input.state().Encode(c.Version)
	require.NoError(t, err)
	if c.ByteExact {
		assert.Equal(t, []byte(c.Hex), got)
	}
	assert.Len(t, got, len(c.Hex), "the order alone may differ")
	want := c.ReadBack1
	if c.Version == Eager {
		want = c.ReadBack0
	}
	for _, b := range [][]byte{c.Hex, got} {
		read, err := DecodeWorkerState(c.Version, b)
		require.NoError(t, err)
		sameState(t, want.state(), read)
	}
}

func joinCase(t *testing.T, c protocolCase) {
	mode, err := ParseProtocol(c.Mode)
	require.NoError(t, err)
	offers, err := c.Input.state().Offers(mode)
	require.NoError(t, err)
	require.Len(t, offers, len(c.Protocols))
	for i, offer := range offers {
		var name string
		var metadata golden.Hex
		require.NoError(t, json.Unmarshal(c.Protocols[i][0], &name))
		require.NoError(t, json.Unmarshal(c.Protocols[i][1], &metadata))
		assert.Equal(t, name, offer.Name)
		if c.ByteExact {
			assert.Equal(t, []byte(metadata), offer.Metadata)
		}
		p, err := ProtocolNamed(name)
		require.NoError(t, err)
		want, err := DecodeWorkerState(p, metadata)
		require.NoError(t, err)
		got, err := DecodeWorkerState(p, offer.Metadata)
		require.NoError(t, err)
		sameState(t, want, got)
	}
}

func TestANegativeVersionIsRefusedInJavasWords(t *testing.T) {
	_, err := DecodeAssignment(Sessioned, []byte{0xff, 0xff, 0, 0})
	require.ErrorIs(t, err, ErrMalformed)
	assert.ErrorContains(t, err, "Unsupported subscription version: -1")
	_, err = DecodeWorkerState(Eager, []byte{0x80, 0, 0, 0})
	assert.ErrorContains(t, err, "Unsupported subscription version: -32768")
}

func TestTheFirstMissingFieldIsNamed(t *testing.T) {
	whole, err := Assignment{Leader: "L", LeaderURL: "http://h/"}.Encode(Sessioned)
	require.NoError(t, err)
	_, err = DecodeAssignment(Sessioned, whole[:2+2+2+1+2+4])
	assert.ErrorContains(t, err, "leader-url needs 9 bytes, there are 4")
	_, err = DecodeAssignment(Sessioned, nil)
	assert.ErrorContains(t, err, "version needs 2 bytes, there are 0")
}

func TestALengthThatLiesCostsNothing(t *testing.T) {
	head, err := Assignment{Leader: "L", LeaderURL: "http://h/"}.Encode(Eager)
	require.NoError(t, err)
	head = head[:len(head)-4]
	for _, tail := range [][]byte{
		{0x7f, 0xff, 0xff, 0xff},
		{0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0},
		{0, 0, 0, 1, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 1},
		{0, 0, 0, 1, 0x7f, 0xff, 'a'},
	} {
		allocated := testing.AllocsPerRun(10, func() {
			_, err = DecodeAssignment(Sessioned, slices.Concat(head, tail))
		})
		require.ErrorIs(t, err, ErrMalformed)
		assert.Less(t, allocated, 20.0)
	}
}

func TestANameTooLongForTheProtocolIsRefused(t *testing.T) {
	long := string(make([]byte, 1<<15))
	for _, a := range []Assignment{{Leader: long}, {LeaderURL: long}, {Assigned: Work{Connectors: []string{long}}}} {
		_, err := a.Encode(Sessioned)
		require.ErrorContains(t, err, "32768 bytes is longer than 32767")
		_, err = WorkerState{Held: &a}.Offers(Sessioned)
		require.ErrorContains(t, err, "longer than 32767")
	}
	_, err := WorkerState{URL: long}.Offers(Eager)
	require.ErrorContains(t, err, "URL of 32768 bytes")
}

func TestADelayIsNeverRoundedDownToNone(t *testing.T) {
	for delay, want := range map[time.Duration]time.Duration{
		0: 0, 1: time.Millisecond, 1500 * time.Microsecond: 2 * time.Millisecond, time.Second: time.Second,
		1 << 62: (1<<31 - 1) * time.Millisecond,
	} {
		b, err := Assignment{Delay: delay}.Encode(Sessioned)
		require.NoError(t, err)
		read, err := DecodeAssignment(Sessioned, b)
		require.NoError(t, err)
		assert.Equal(t, want, read.Delay)
	}
}

func TestTheModeNamesWhatIsOfferedInOrder(t *testing.T) {
	names := func(mode string) (names []string) {
		p, err := ParseProtocol(mode)
		require.NoError(t, err)
		assert.EqualValues(t, p, p.Version())
		for _, offer := range p.Offers() {
			names = append(names, offer.Name())
		}
		return names
	}
	assert.Equal(t, []string{"sessioned", "compatible", "default"}, names("sessioned"))
	assert.Equal(t, []string{"compatible", "default"}, names("Compatible"))
	assert.Equal(t, []string{"default"}, names("EAGER"))
	_, err := ParseProtocol("default")
	require.ErrorContains(t, err, `connect.protocol is "default"; set it to eager, compatible or sessioned`)
	_, err = ProtocolNamed("range")
	require.ErrorContains(t, err, "group.id")
}

func FuzzWorkerStateSurvivesAnyBytes(f *testing.F) {
	for _, c := range golden.Load[protocolCase](f, "worker-protocol.json") {
		if c.Op == "metadata" || c.Op == "decode-metadata" {
			f.Add([]byte(c.Hex))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, p := range Sessioned.Offers() {
			read, err := DecodeWorkerState(p, b)
			if err != nil {
				require.ErrorIs(t, err, ErrMalformed)
				continue
			}
			again, err := read.Encode(p)
			require.NoError(t, err)
			reread, err := DecodeWorkerState(p, again)
			require.NoError(t, err)
			require.Equal(t, read.URL, reread.URL)
			require.Equal(t, read.Held == nil, reread.Held == nil)
		}
	})
}

func FuzzAssignmentSurvivesAnyBytes(f *testing.F) {
	for _, c := range golden.Load[protocolCase](f, "worker-protocol.json") {
		if c.Op == "assignment" || c.Op == "decode-assignment" {
			f.Add([]byte(c.Hex))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, p := range Sessioned.Offers() {
			read, err := DecodeAssignment(p, b)
			if err != nil {
				require.ErrorIs(t, err, ErrMalformed)
				continue
			}
			require.LessOrEqual(t, 4*(read.Assigned.Size()+read.Revoked.Size()), len(b), "an item takes four bytes at least")
			again, err := read.Encode(p)
			require.NoError(t, err)
			reread, err := DecodeAssignment(p, again)
			require.NoError(t, err)
			sameAssignment(t, Assignment{
				Error: read.Error, Leader: read.Leader, LeaderURL: read.LeaderURL, ConfigOffset: read.ConfigOffset, Delay: read.Delay,
				Assigned: read.Assigned.distinct(), Revoked: read.Revoked.distinct(),
			}, reread)
		}
	})
}
