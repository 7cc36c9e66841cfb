package plugins

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins/contract"
	"github.com/sluice-connect/sluice/plugins/wire"
)

// providers are the config providers in use, by class and parameters: one may keep a session with its system.
type providers struct {
	mu   sync.Mutex
	open map[string]connect.ConfigProvider
}

// Provide implements contract.PluginServer.
func (s *server) Provide(ctx context.Context, q *contract.ProvideRequest) (*contract.Provided, error) {
	var found connect.Provided
	err := guard("the config provider", func() error {
		p, err := s.provider(q)
		if err != nil {
			return err
		}
		found, err = p.Get(ctx, q.GetPath(), q.GetKeys())
		return err
	})
	if err != nil {
		return &contract.Provided{Fault: wire.ToFault(err)}, nil
	}
	return &contract.Provided{Values: found.Values, TtlMs: found.TTL.Milliseconds()}, nil
}

func (s *server) provider(q *contract.ProvideRequest) (connect.ConfigProvider, error) {
	at := slices.IndexFunc(s.plugin.Providers, func(c connect.ConfigProviderClass) bool { return c.Spec.Class == q.GetClass() })
	if at < 0 {
		return nil, s.missing("config provider", q.GetClass())
	}
	id := identity(q)
	s.providers.mu.Lock()
	defer s.providers.mu.Unlock()
	if p := s.providers.open[id]; p != nil {
		return p, nil
	}
	p, err := s.plugin.Providers[at].New(q.GetParams())
	if err != nil {
		return nil, err
	}
	if s.providers.open == nil {
		s.providers.open = map[string]connect.ConfigProvider{}
	}
	s.providers.open[id] = p
	return p, nil
}

// identity is text that differs whenever the class or a parameter does.
func identity(q *contract.ProvideRequest) string {
	parts := []string{q.GetClass()}
	for k, v := range q.GetParams() {
		parts = append(parts, k+"\x00"+v)
	}
	slices.Sort(parts[1:])
	return strings.Join(parts, "\x00\x00")
}
