package api

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/sluice-connect/sluice/connect/herder"
	"github.com/sluice-connect/sluice/connect/logging"
)

// administration answers /admin.
type administration struct {
	handler
	levels *logging.Levels
}

// Admin is the API under /admin as an http.Handler (LoggingResource).
func Admin(h Herder, levels *logging.Levels, log *slog.Logger) http.Handler {
	a := &administration{handler{herder: h, log: log}, levels}
	return rawPaths(a.routes())
}

// routes are the paths and methods under /admin.
func (a *administration) routes() *chi.Mux {
	r := a.router()
	r.Get("/admin/loggers", a.do(a.list))
	r.Get("/admin/loggers/{logger}", a.do(a.logger))
	r.Put("/admin/loggers/{logger}", a.do(a.setLevel))
	return r
}

// loggerLevel is Kafka Connect's LoggerLevel. The time is in milliseconds, null where the level was never changed.
type loggerLevel struct {
	Level    string `json:"level"`
	Modified *int64 `json:"last_modified"`
}

func levelOf(s logging.Setting) loggerLevel {
	l := loggerLevel{Level: s.Level.String()}
	if !s.Modified.IsZero() {
		at := s.Modified.UnixMilli()
		l.Modified = &at
	}
	return l
}

func (a *administration) list(*http.Request) (answer, error) {
	all := map[string]loggerLevel{}
	for name, setting := range a.levels.All() {
		all[name] = levelOf(setting)
	}
	return ok(all)
}

func (a *administration) logger(r *http.Request) (answer, error) {
	name, err := param(r, "logger")
	if err != nil {
		return answer{}, err
	}
	setting, known := a.levels.Get(name)
	if !known {
		return answer{}, &herder.NotFoundError{Message: "Logger " + name + " not found."}
	}
	return ok(levelOf(setting))
}

// setLevel changes the level on this worker, or has all workers of the cluster change it. An unknown scope is this worker's, as in Java.
func (a *administration) setLevel(r *http.Request) (answer, error) {
	name, err := param(r, "logger")
	if err != nil {
		return answer{}, err
	}
	data, err := readBody(r)
	if err != nil {
		return answer{}, err
	}
	var body map[string]*scalar
	if err := decode(data, &body); err != nil {
		return answer{}, err
	}
	wanted := body["level"]
	if wanted == nil || wanted.text == nil {
		return answer{}, &httpError{http.StatusBadRequest, "Desired 'level' parameter was not specified in request."}
	}
	level, known := logging.ParseLevel(*wanted.text)
	if !known {
		return answer{}, &herder.NotFoundError{Message: fmt.Sprintf("invalid log level '%s'.", *wanted.text)}
	}
	if strings.EqualFold(r.URL.Query().Get("scope"), "cluster") {
		if err := a.herder.SetLoggerLevel(r.Context(), name, *wanted.text); err != nil {
			return answer{}, err
		}
		return answer{status: http.StatusNoContent}, nil
	}
	a.log.Info("a log level is changed", "logger", name, "level", level.String())
	return ok(a.levels.Set(name, level))
}
