package connecttest

import (
	"context"
	"fmt"

	"github.com/sluice-connect/sluice/connect"
)

// validate refuses a configuration that a worker would refuse.
func (h *host) validate(spec connect.Spec, connector any) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), h.opts.patience)
	defer cancel()
	for _, p := range findings(ctx, spec, connector, h.config) {
		if p.Warning {
			h.log.Warn("the configuration has a warning", "key", p.Key, "message", p.Message)
			continue
		}
		h.t.Fatalf("connecttest: the configuration is refused: %s: %s", p.Key, p.Message)
	}
}

// findings are what a worker would say of a configuration: what each key's own check does, or else the connector.
func findings(ctx context.Context, spec connect.Spec, connector any, cfg connect.Config) (found []connect.Problem) {
	for _, report := range spec.Keys.Validate(cfg) {
		for _, text := range report.Errors {
			found = append(found, connect.Problem{Key: report.Def.Name, Message: text})
		}
	}
	if v, ok := connector.(connect.Validator); ok && len(found) == 0 {
		return v.Validate(ctx, cfg)
	}
	return found
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
