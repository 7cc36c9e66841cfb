package remote

import (
	"context"
	"time"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/configproviders"
	"github.com/sluice-connect/sluice/plugins/contract"
	"github.com/sluice-connect/sluice/plugins/wire"
)

// provider is the definition of a class of config providers.
func (c *class) provider() configproviders.Definition {
	return configproviders.Definition{Spec: c.spec, New: func(params connect.Config) (configproviders.Provider, error) {
		return provider{class: c, params: params}, nil
	}}
}

// provider is one config provider in a plugin's process. The plugin makes its own at the first question.
type provider struct {
	*class
	params connect.Config
}

// Get implements connect.ConfigProvider.
func (p provider) Get(ctx context.Context, path string, keys []string) (connect.Provided, error) {
	answer, err := ask(p.hiding(ctx, p.params), p.plugin, contract.PluginClient.Provide, &contract.ProvideRequest{
		Class: p.described.GetName(), Params: p.params, Path: path, Keys: keys,
	})
	if err != nil {
		return connect.Provided{}, err
	}
	if err := wire.FromFault(answer.GetFault()); err != nil {
		return connect.Provided{}, err
	}
	return connect.Provided{Values: answer.GetValues(), TTL: time.Duration(max(0, answer.GetTtlMs())) * time.Millisecond}, nil
}
