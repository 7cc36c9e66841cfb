package client

import (
	"context"
	"net/http"
	"net/url"
)

// LoggerLevel is the level of a logger and when it was last changed over REST, in milliseconds since 1970, nil for never.
type LoggerLevel struct {
	Level        string `json:"level"`
	LastModified *int64 `json:"last_modified"`
}

// Loggers are those of the worker, by name.
func (c *Client) Loggers(ctx context.Context) (all map[string]LoggerLevel, err error) {
	return all, c.get(ctx, "/admin/loggers", &all)
}

// Logger is one logger of the worker.
func (c *Client) Logger(ctx context.Context, name string) (level LoggerLevel, err error) {
	return level, c.get(ctx, "/admin/loggers/"+url.PathEscape(name), &level)
}

// SetLogger changes the level of a logger and of those below it, in this worker, or in all workers of the cluster. It returns which loggers of this worker
// have changed, nil where all workers were told.
func (c *Client) SetLogger(ctx context.Context, name, level string, everywhere bool) (changed []string, err error) {
	path, body := "/admin/loggers/"+url.PathEscape(name), struct {
		Level string `json:"level"`
	}{level}
	if everywhere {
		_, err = c.ask(ctx, http.MethodPut, path+"?scope=cluster", body, nil)
		return nil, err
	}
	_, err = c.ask(ctx, http.MethodPut, path, body, &changed)
	return changed, err
}
