package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"runtime/debug"
	"time"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	"github.com/sluice-connect/sluice/connect/herder"
)

// Limits of one request.
const (
	requestTimeout = 90 * time.Second // Java's, not configurable there either
	healthTimeout  = 10 * time.Second
	bodyLimit      = 8 << 20
)

// handler answers requests. Its methods return what to send or an error; [handler.do] writes either.
type handler struct {
	herder Herder
	peers  *Peers
	log    *slog.Logger
}

// metricsPath is the one path whose answer is no JSON.
const metricsPath = "/metrics"

// router is what all paths have in common.
func (a *handler) router() *chi.Mux {
	r := chi.NewRouter()
	r.Use(a.logged, a.recovered, negotiated)
	r.NotFound(func(w http.ResponseWriter, _ *http.Request) {
		writeError(w, &layerError{http.StatusNotFound})
	})
	r.MethodNotAllowed(func(w http.ResponseWriter, _ *http.Request) {
		writeError(w, &layerError{http.StatusMethodNotAllowed})
	})
	return r
}

// Handler is the API without /admin as an http.Handler; metrics, if not nil, answers /metrics.
func Handler(h Herder, peers *Peers, metrics http.Handler, log *slog.Logger) http.Handler {
	a := &handler{herder: h, peers: peers, log: log}
	return rawPaths(a.routes(metrics))
}

// routes are the paths and methods of the API.
func (a *handler) routes(metrics http.Handler) *chi.Mux {
	r := a.router()
	if metrics != nil {
		r.Method(http.MethodGet, metricsPath, metrics)
	}
	const connector = "/connectors/{name}"
	r.Get("/", a.do(a.root))
	r.Get("/health", a.health)
	r.Get("/connectors", a.do(a.list))
	r.Post("/connectors", a.do(a.create))
	r.Get(connector, a.do(a.connector))
	r.Delete(connector, a.do(a.remove))
	r.Get(connector+"/config", a.do(a.config))
	r.Put(connector+"/config", a.do(a.putConfig))
	r.Patch(connector+"/config", a.do(a.patchConfig))
	r.Get(connector+"/status", a.do(a.status))
	r.Get(connector+"/tasks", a.do(a.tasks))
	r.Post(connector+"/tasks", a.do(a.putTasks))
	r.Put(connector+"/fence", a.do(a.fence))
	r.Get(connector+"/tasks/{task}/status", a.do(a.taskStatus))
	r.Post(connector+"/tasks/{task}/restart", a.do(a.restartTask))
	r.Post(connector+"/restart", a.do(a.restart))
	r.Put(connector+"/pause", a.do(a.pause))
	r.Put(connector+"/resume", a.do(a.resume))
	r.Put(connector+"/stop", a.do(a.stop))
	r.Get(connector+"/offsets", a.do(a.offsets))
	r.Patch(connector+"/offsets", a.do(a.alterOffsets))
	r.Delete(connector+"/offsets", a.do(a.resetOffsets))
	r.Get(connector+"/topics", a.do(a.topics))
	r.Put(connector+"/topics/reset", a.do(a.resetTopics))
	r.Get("/sluice/v1/cluster", a.do(a.cluster))
	r.Get(herder.InternalTopicsPath, a.do(a.internalTopics))
	r.Get("/sluice/v1/openapi.json", a.do(a.openAPI))
	r.Get("/sluice/v1/ready", a.ready)
	r.Get("/connector-plugins", a.do(a.plugins))
	r.Get("/connector-plugins/{plugin}/config", a.do(a.pluginConfig))
	r.Put("/connector-plugins/{plugin}/config/validate", a.do(a.validate))
	return r
}

// rawPaths makes chi route by the path as it was sent: a connector's name may have an escaped slash. Trailing slashes do not matter, nor does what
// stands behind a semicolon in a segment (a matrix parameter, to Java): one in a connector's name is to be escaped.
func rawPaths(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.RawPath = routed(r)
		next.ServeHTTP(w, r)
	})
}

var matrix = regexp.MustCompile(`;[^/]*`)

// routed is the path that decides what answers.
func routed(r *http.Request) string {
	raw := matrix.ReplaceAllString(r.URL.EscapedPath(), "")
	for len(raw) > 1 && raw[len(raw)-1] == '/' {
		raw = raw[:len(raw)-1]
	}
	return raw
}

// param is a path parameter, decoded.
func param(r *http.Request, name string) (string, error) {
	text, err := url.PathUnescape(chi.URLParam(r, name))
	if err == nil && !utf8.ValidString(text) {
		err = errors.New("it is not UTF-8")
	}
	if err != nil {
		return "", &httpError{http.StatusBadRequest, "the path is not well escaped: " + err.Error()}
	}
	return text, nil
}

// answer is what a request gets.
type answer struct {
	status   int
	body     any // nil for none
	location string
	warnings []string
}

// do wraps a method that answers or fails. What another worker has to do is passed on to it.
func (a *handler) do(f func(r *http.Request) (answer, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		r = r.WithContext(ctx)
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyLimit))
		if err != nil {
			writeError(w, fmt.Errorf("reading the body: %w", err))
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		reply, err := f(r)
		if url, pass := elsewhere(r, err); pass {
			from, err := a.pass(r, url, body)
			if err == nil && (from.status < http.StatusOK || from.status >= http.StatusMultipleChoices && from.status < http.StatusBadRequest) {
				err = fmt.Errorf("Unexpected status code when handling forwarded request: %d", from.status) //lint:ignore ST1005 Kafka's text
			}
			if err != nil {
				writeError(w, err)
				return
			}
			relay(w, r, from)
			return
		}
		if err != nil {
			writeError(w, err)
			return
		}
		writeAnswer(w, reply)
	}
}

// logged writes a line per request at debug level; bodies may hold secrets and stay out.
func (a *handler) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		next.ServeHTTP(w, r)
		a.log.Debug("request", "method", r.Method, "path", r.URL.Path, "took", time.Since(began).String())
	})
}

// recovered turns a panic into a 500.
func (a *handler) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if what := recover(); what != nil {
				a.log.Error("a request panicked", "path", r.URL.Path, "panic", fmt.Sprint(what), "stack", string(debug.Stack()))
				writeError(w, errors.New("internal error: see the worker's log"))
			}
		}()
		next.ServeHTTP(w, r)
	})
}
