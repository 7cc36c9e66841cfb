package stores

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMembersGoThroughJSONAsThroughJava(t *testing.T) {
	for in, want := range map[string]string{
		`null`:                     `null`,
		`{}`:                       `{}`,
		` {"server":"s","db":"d"}`: `{"server":"s","db":"d"}`,
		`{"database":"d","schema":1e7,"table":-9223372036854775808}`: `{"schema":1.0E7,"database":"d","table":-9223372036854775808}`,
		`{"a":1,"a":2}`:                 `{"a":2}`,
		`{"a":true,"b":null,"c":0.1}`:   `{"a":true,"b":null,"c":0.1}`,
		`{"a":"<&>\u2028\ud83d\ude00"}`: "{\"a\":\"<&>\u2028\\uD83D\\uDE00\"}",
	} {
		var m Members
		require.NoError(t, json.Unmarshal([]byte(in), &m), in)
		out, err := m.MarshalJSON()
		require.NoError(t, err)
		require.Equal(t, want, string(out))
	}
}

func TestMembersThatAreNoneAreRefused(t *testing.T) {
	for _, in := range []string{`5`, `"x"`, `[1]`, `true`, `{"a":9223372036854775808}`, `{"a":{"b":-9223372036854775809}}`} {
		var m Members
		require.Error(t, json.Unmarshal([]byte(in), &m), in)
	}
}

func TestMembersThatAreNotPrimitiveAreNamed(t *testing.T) {
	for in, want := range map[string]string{
		`{"a":1,"b":"x","c":null}`: "",
		`{"a":1,"b":[1]}`:          "Offsets may only contain primitive types as values, but field b contains ARRAY",
		`{"a":{}}`:                 "Offsets may only contain primitive types as values, but field a contains MAP",
	} {
		var m Members
		require.NoError(t, json.Unmarshal([]byte(in), &m))
		if err := m.CheckPrimitive(); want != "" {
			require.EqualError(t, err, want)
		} else {
			require.NoError(t, err)
		}
	}
}

func TestForgottenTopicsAreCounted(t *testing.T) {
	s := NewMemoryStatusStore(nil)
	require.NoError(t, s.Start(t.Context()))
	defer func() { require.NoError(t, s.Close(t.Context())) }()
	s.PutTopic(TopicStatus{Topic: "t", Connector: "c:1"})
	require.NoError(t, s.Flush(t.Context()))
	require.Equal(t, []string{"c:1"}, s.TopicUsers())
	before := s.TopicsForgotten()
	s.DeleteTopic("c:1", "t")
	require.NoError(t, s.Flush(t.Context()))
	require.Empty(t, s.TopicUsers())
	require.NotEqual(t, before, s.TopicsForgotten())
}
