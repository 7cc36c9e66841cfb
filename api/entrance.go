package api

import (
	"net/http"
	"strings"
)

// handlers are what answers on the listeners and on those for administration alone. As in Java the latter have neither logins nor headers for browsers.
func (c *Config) handlers(h Herder, metrics http.Handler) (main, admin http.Handler) {
	main, admin = Handler(h, c.Peers, metrics, c.Log), Admin(h, c.Levels, c.Log)
	if !c.AdminApart {
		main = both(main, admin)
	}
	if c.Login != nil {
		main = c.Login.guarding(main, h, c.Log)
	}
	if c.Headers != nil {
		main = c.decorating(main)
	}
	if c.Origins != nil {
		main = c.Origins.admitting(main)
	}
	return main, admin
}

// both answers paths under /admin by one handler and all others by another.
func both(main, admin http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path := routed(r); path == "/admin" || strings.HasPrefix(path, "/admin/") {
			admin.ServeHTTP(w, r)
			return
		}
		main.ServeHTTP(w, r)
	})
}

// decorating adds the configured headers. They come first, so that an answer's own headers win.
func (c *Config) decorating(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.Headers(w.Header())
		next.ServeHTTP(w, r)
	})
}
