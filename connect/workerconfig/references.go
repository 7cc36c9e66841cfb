package workerconfig

import (
	"context"
	"errors"
	"maps"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/configproviders"
	"github.com/sluice-connect/sluice/connect/redaction"
)

// Resolved are properties with what their references to config providers stand for.
type Resolved struct {
	Properties Properties
	Providers  *configproviders.Providers // for connectors too
	Secrets    redaction.Values           // what was looked up, which must not be shown
}

// Resolve opens the config providers that a worker's properties name and looks up what the properties refer to. What says which providers there are
// is taken as it stands, and so is plugin.path, as in Java. The error names each key that is wrong; what could be resolved is returned beside it.
func Resolve(ctx context.Context, p Properties, classes []configproviders.Definition) (Resolved, error) {
	providers, openErr := configproviders.Open(classes, connect.Config(p))
	literal, referring := Properties{}, connect.Config{}
	for key, value := range p {
		if key == "plugin.path" || strings.HasPrefix(key, "config.providers") {
			literal[key] = value
		} else {
			referring[key] = value
		}
	}
	found, err := providers.Resolve(ctx, referring)
	all := maps.Clone(Properties(found.Config))
	maps.Copy(all, literal)
	return Resolved{Properties: all, Providers: providers, Secrets: found.Secrets}, errors.Join(openErr, err)
}

// Open is [Parse] for properties that may refer to config providers. No error shows what they hold.
func Open(ctx context.Context, mode Mode, p Properties, classes []configproviders.Definition) (*Worker, error) {
	found, err := Resolve(ctx, p, classes)
	if err != nil {
		return nil, err
	}
	return found.Parse(mode)
}

// Parse checks the resolved properties.
func (r Resolved) Parse(mode Mode) (*Worker, error) {
	w, err := Parse(mode, r.Properties)
	if err != nil {
		return nil, r.Secrets.Error(err)
	}
	w.Providers, w.Secrets = r.Providers, r.Secrets
	return w, nil
}
