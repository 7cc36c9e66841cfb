package api

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/connect/herder"
)

// Users knows names and passwords.
type Users interface {
	// Permits reports whether the password is the user's. How long it takes tells nothing of either.
	Permits(user, password string) bool
}

// Login has everybody log in with name and password, as org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension does. The
// requests between workers are signed instead, and need none.
type Login struct {
	Users Users
	// ReadOnly are users who may look at everything and change nothing. Validating a configuration is a change, too: it has this worker connect to
	// wherever the configuration says, with what it knows of secrets.
	ReadOnly []string
}

// refusal is Java's body of a 401, which it calls JSON.
const refusal = "User cannot access the resource."

// guarding lets requests through to next. Before the login nothing is told, not even which paths there are.
func (l *Login) guarding(next http.Handler, h Herder, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if betweenWorkers(r) || asksForTopics(r, h) {
			next.ServeHTTP(w, r)
			return
		}
		user, password, given := r.BasicAuth()
		if !l.Users.Permits(user, password) || !given {
			log.Debug("a login was refused", "from", r.RemoteAddr, "path", r.URL.Path) // without the name: people type passwords there
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(refusal)) // a client that is gone needs no answer
			return
		}
		if slices.Contains(l.ReadOnly, user) && r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions {
			writeError(w, &httpError{http.StatusForbidden, "User " + user + " may read and not change anything"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// betweenWorkers tells the two requests that carry a signature (JaasBasicAuthFilter.INTERNAL_REQUEST_MATCHERS). It goes by the path that is routed.
func betweenWorkers(r *http.Request) bool {
	parts := strings.Split(routed(r), "/")
	if len(parts) != 4 || parts[0] != "" || parts[1] != "connectors" || parts[2] == "" {
		return false
	}
	return r.Method == http.MethodPost && parts[3] == "tasks" || r.Method == http.MethodPut && parts[3] == "fence"
}

// asksForTopics tells the one request that is a user's as well as a worker's: a worker's is signed.
func asksForTopics(r *http.Request, h Herder) bool {
	if r.Method != http.MethodGet || routed(r) != herder.InternalTopicsPath {
		return false
	}
	signature, err := herder.ParseSignature(r.Header.Get(herder.SignatureAlgorithmHeader), r.Header.Get(herder.SignatureHeader))
	return err == nil && h.Authorize([]byte(herder.InternalTopicsPath), signature) == nil
}
