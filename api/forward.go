package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/sluice-connect/sluice/connect/herder"
)

// forwarded is how often a request may still be passed on: the query parameter of RestClient's requests.
type forwarded int

const (
	fromUser   forwarded = iota // passed on with forward=true
	fromPeer                    // passed on with forward=false: the leader sends it to whoever runs the connector
	lastChance                  // not passed on
)

func hops(r *http.Request) forwarded {
	switch {
	case r.URL.Query().Get("forward") == "":
		return fromUser
	case truth(r, "forward"):
		return fromPeer
	}
	return lastChance
}

// elsewhere finds out whether a request failed because another worker has to do it, and may be passed on there.
func elsewhere(r *http.Request, err error) (url string, ok bool) {
	var other *herder.NotLeaderError
	if !errors.As(err, &other) || other.URL == "" || hops(r) == lastChance {
		return "", false
	}
	return other.URL, true
}

// pass asks another worker in place of this one.
func (a *handler) pass(r *http.Request, url string, body []byte) (*reply, error) {
	query := r.URL.Query()
	query.Set("forward", "true")
	if hops(r) == fromPeer {
		query.Set("forward", "false")
	}
	at := strings.TrimSuffix(url, "/") + r.URL.RawPath + "?" + query.Encode() // what was routed here
	return a.peers.ask(r.Context(), r.Method, at, r.Header, body, nil)
}

// relay sends another worker's answer on.
func relay(w http.ResponseWriter, r *http.Request, from *reply) {
	for _, name := range []string{"Content-Type", "Sluice-Warnings"} {
		for _, value := range from.header.Values(name) {
			w.Header().Add(name, value)
		}
	}
	if from.status == http.StatusCreated {
		var info herder.ConnectorInfo
		if json.Unmarshal(from.body, &info) == nil {
			w.Header().Set("Location", location(r, info.Name))
		}
	}
	w.WriteHeader(from.status)
	_, _ = w.Write(from.body) // a client that is gone needs no answer
}
