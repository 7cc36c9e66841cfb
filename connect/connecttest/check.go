package connecttest

import (
	"context"
	"fmt"

	"github.com/sluice-connect/sluice/connect"
)

// validate refuses a configuration that a worker would refuse.
func (h *host) validate(spec connect.Spec, connector any) {
	h.t.Helper()
	for _, key := range spec.Keys {
		if _, given := h.config[key.Name]; key.Default.Required() && !given {
			h.t.Fatalf("connecttest: the configuration is refused: %s: required, and not given", key.Name)
		}
	}
	validator, ok := connector.(connect.Validator)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), h.opts.patience)
	defer cancel()
	for _, p := range validator.Validate(ctx, h.config) {
		if p.Warning {
			h.log.Warn("the configuration has a warning", "key", p.Key, "message", p.Message)
			continue
		}
		h.t.Fatalf("connecttest: the configuration is refused: %s: %s", p.Key, p.Message)
	}
}

// split returns the configuration of the task: the first of one where the connector splits its work.
func (h *host) split(connector any, cfg connect.Config) connect.Config {
	h.t.Helper()
	splitter, ok := connector.(connect.Splitter)
	if !ok {
		return cfg
	}
	ctx, cancel := context.WithTimeout(context.Background(), h.opts.patience)
	defer cancel()
	var configs []connect.Config
	err := h.patiently(ctx, func() error {
		return h.guard("Split", func() (err error) {
			configs, err = splitter.Split(ctx, cfg, 1)
			return err
		})
	})
	if err != nil {
		h.t.Fatalf("connecttest: splitting into tasks: %v", err)
	}
	if len(configs) != 1 {
		h.t.Fatalf("connecttest: want the configuration of one task from Split, got %d", len(configs))
	}
	return configs[0]
}

func wantRecords(n int) string {
	if n == 1 {
		return "want a record"
	}
	return fmt.Sprintf("want %d records", n)
}
