package stores

import "testing"

// FuzzTopics has the three views read whatever somebody may have written to the topics of a cluster: they ignore what they do not understand.
func FuzzTopics(f *testing.F) {
	for _, seed := range [][2]string{
		{"connector-x", someConfig}, {"task-x-0", someTask}, {"commit-x", `{"tasks":1}`}, {"commit-x", `{"tasks":2147483647}`},
		{"target-state-x", `{"state":"PAUSED","state.v2":"STOPPED"}`}, {"tasks-fencing-x", `{"tasks":4294967296}`},
		{"session-key", `{"key":"AQI=","algorithm":"HmacSHA256","creation-timestamp":1}`}, {"restart-connector-x", `{"include-tasks":true}`},
		{"logger-cluster-a", `{"level":"INFO"}`}, {"status-task-x-0", `{"state":"RUNNING","trace":null,"worker_id":"h:1","generation":3}`},
		{"status-topic-t:connector-x", `{"topic":{"name":"t","connector":"x","task":0,"discoverTimestamp":1}}`},
		{`["x",{"file":"f"}]`, `{"position":7}`}, {`["x",null]`, "null"}, {"task-x-", "{"}, {"", "[[[[1e999]]]]"},
	} {
		f.Add([]byte(seed[0]), []byte(seed[1]))
	}
	f.Fuzz(func(t *testing.T, key, value []byte) {
		entries := []Entry{
			{Record: Record{Key: []byte("connector-x"), Value: []byte(someConfig)}}, {Record: Record{Key: key, Value: value}},
			{Record: Record{Key: []byte("commit-x"), Value: []byte(`{"tasks":1}`)}}, {Record: Record{Key: key}},
		}
		var configs configView
		var statuses statusView
		var offsets offsetView
		for _, e := range entries { // an error is a record ignored
			_, _ = configs.apply(e)
			_ = statuses.apply(e)
			_ = offsets.apply(e)
		}
	})
}
