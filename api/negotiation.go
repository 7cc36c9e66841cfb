package api

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"
)

// methods are those of the API.
var methods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// told are all methods in the order in which OPTIONS tells them: that of Java's hash set.
var told = []string{
	http.MethodHead, http.MethodPost, http.MethodDelete, http.MethodGet, http.MethodOptions, http.MethodPut, http.MethodPatch,
}

// mediaType is what all answers are written in, and all bodies are to be.
const mediaType = "application/json"

// negotiated does what Jersey does for Java's resources before one is called: HEAD is GET without the body, OPTIONS tells the methods of a path, and
// whoever takes or sends anything but JSON hears so. It stands before the routing; r.URL.RawPath is what is routed.
func negotiated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := chi.RouteContext(r.Context())
		has := func(method string) bool { return ctx.Routes.Match(chi.NewRouteContext(), method, r.URL.RawPath) }
		method := r.Method
		switch {
		case method == http.MethodHead && has(http.MethodGet):
			method = http.MethodGet
			ctx.RouteMethod = method
		case method == http.MethodOptions:
			if slices.ContainsFunc(methods, has) {
				writeOptions(w, has)
				return
			}
		}
		if has(method) && r.URL.RawPath != metricsPath {
			if err := spoken(r); err != nil {
				writeError(w, err)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func writeOptions(w http.ResponseWriter, has func(method string) bool) {
	var there []string
	for _, method := range told {
		if method == http.MethodOptions || method == http.MethodHead && has(http.MethodGet) || has(method) {
			there = append(there, method)
		}
	}
	w.Header().Set("Allow", strings.Join(there, ","))
	w.Header().Set("Content-Type", "text/plain")
	_, _ = io.WriteString(w, strings.Join(there, ", ")) // a client that is gone needs no answer
}

// spoken is an error where a request wants another type than JSON, or has a body of another one.
func spoken(r *http.Request) error {
	if sent := r.Header.Get("Content-Type"); sent != "" {
		kind, _, err := mime.ParseMediaType(sent)
		switch {
		case err != nil || !strings.Contains(kind, "/"):
			return &httpError{http.StatusBadRequest, fmt.Sprintf("Content-Type: %q is no media type", sent)}
		case !admits(kind):
			return &layerError{http.StatusUnsupportedMediaType}
		}
	}
	if accept := r.Header.Values("Accept"); len(accept) > 0 && !takesJSON(strings.Join(accept, ",")) {
		return &layerError{http.StatusNotAcceptable}
	}
	return nil
}

// admits reports whether a media type, perhaps one with wild cards, stands for JSON.
func admits(kind string) bool {
	return kind == mediaType || kind == "application/*" || kind == "*/*" || kind == "*"
}

// takesJSON reports whether an Accept header admits JSON. An empty one admits everything, and weights do not count, not even 0.
func takesJSON(accept string) bool {
	if strings.TrimSpace(accept) == "" {
		return true
	}
	for kind := range strings.SplitSeq(accept, ",") {
		if kind, _, err := mime.ParseMediaType(kind); err == nil && admits(kind) {
			return true
		}
	}
	return false
}
