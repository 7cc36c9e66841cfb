package worker

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/configproviders"
	"github.com/sluice-connect/sluice/connect/redaction"
)

// resolution is what the configurations of one life stand for. They are looked up when the life begins, on its own goroutine, and by nobody
// else: what is stored and what is shown keeps its references.
type resolution struct {
	providers *configproviders.Providers
	raw       []connect.Config
	configs   []connect.Config // resolved, in the order of raw
	secrets   redaction.Values
	ttl       time.Duration // 0 for ever
}

// resolve looks up what configurations refer to. A connector's come with the worker's own secrets, which clients' errors may repeat.
func (w *Worker) resolve(ctx context.Context, raw ...connect.Config) (*resolution, error) {
	r := &resolution{providers: w.settings.Providers, raw: raw, secrets: slices.Clip(w.settings.Secrets)}
	for _, config := range raw {
		found, err := r.providers.Resolve(ctx, config)
		if err != nil {
			return r, err
		}
		r.configs = append(r.configs, found.Config)
		r.secrets = append(r.secrets, found.Secrets...)
		r.ttl = sooner(r.ttl, found.TTL)
	}
	r.secrets = redaction.Of(r.secrets...)
	return r, nil
}

func sooner(a, b time.Duration) time.Duration {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

// watch has the unit look at what was found when it is no longer sure to hold, unless the connector does not want that
// (config.action.reload=none). Java restarts the connector then, whether or not anything has changed, and its tasks only where their configurations
// have.
func (r *resolution) watch(tell oversight) {
	if r.ttl > 0 && !strings.EqualFold(strings.TrimSpace(r.raw[0]["config.action.reload"]), "none") {
		tell.expires(r.ttl, r.look)
	}
}

// look is a [look].
func (r *resolution) look(ctx context.Context) (changed bool, holds time.Duration, err error) {
	for i, config := range r.raw {
		found, err := r.providers.Resolve(ctx, config)
		if err != nil {
			return false, 0, r.secrets.Error(err)
		}
		changed = changed || !maps.Equal(found.Config, r.configs[i])
		holds = sooner(holds, found.TTL)
	}
	return changed, holds, nil
}
