package main

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/configproviders"
	"github.com/sluice-connect/sluice/connect/logging"
	"github.com/sluice-connect/sluice/connect/stores"
	"github.com/sluice-connect/sluice/connect/workerconfig"
	"github.com/sluice-connect/sluice/plugins/fleet"
	"github.com/sluice-connect/sluice/plugins/manifest"
	"github.com/sluice-connect/sluice/plugins/remote"
)

// installed are the plugins of a worker's plugin.path. None runs before it is needed.
type installed struct {
	manifests []*manifest.Manifest
	problems  []error // what is wrong in plugin.path
	sets      []*remote.Set
	fleet     *fleet.Fleet
	log       *logging.Relay
	sharing   fleet.Sharing // the worker's
	configs   atomic.Pointer[stores.ConfigStore]
}

// findPlugins reads what is in a worker's plugin.path. Until the worker's own log is known, plugins write to standard error.
func findPlugins(p workerconfig.Properties) *installed {
	i := &installed{log: logging.NewRelay(slog.NewTextHandler(os.Stderr, nil)), sharing: fleet.PerConnector}
	i.manifests, i.problems = manifest.Discover(p.PluginPath())
	log := slog.New(i.log)
	i.fleet = fleet.New(fleet.Options{Log: log, Sharing: i.shared})
	for _, m := range i.manifests {
		i.sets = append(i.sets, remote.Classes(m.Description(), i.fleet.Crew(m), log))
	}
	return i
}

// shared says how a connector's tasks share processes: as the connector says, or else the worker.
func (i *installed) shared(connector string) fleet.Sharing {
	if configs := i.configs.Load(); configs != nil {
		return cmp.Or(fleet.Sharing(configs.Snapshot().Connector(connector)[fleet.SharingKey]), i.sharing)
	}
	return i.sharing
}

// providers are the config providers of the program and of plugins.
func (i *installed) providers() []configproviders.Definition {
	all := configproviders.All()
	for _, set := range i.sets {
		all = append(all, set.Providers...)
	}
	return all
}

// classes are those of the program and of plugins.
func (i *installed) classes() (all *catalog.Catalog, problems []error, err error) {
	own, err := classes()
	if err != nil {
		return nil, nil, err
	}
	var more []catalog.Addition
	for n, set := range i.sets {
		more = append(more, catalog.Addition{
			Origin: "plugin " + i.manifests[n].String(), Sources: set.Sources, Sinks: set.Sinks, Transforms: set.Transforms, Predicates: set.Predicates,
			Converters: set.Converters,
		})
	}
	all, problems = own.With(more...)
	return all, problems, nil
}

// serve is told of the worker that the plugins are for, and of its log.
func (i *installed) serve(config *workerconfig.Worker, log *slog.Logger) {
	i.log.To(log.Handler())
	i.sharing = fleet.Sharing(config.PluginProcess)
	for _, m := range i.manifests {
		log.Info("a plugin is here", "plugin", m.Name, "version", m.Version, "folder", m.Dir, "classes", len(m.Classes))
	}
	for _, problem := range i.problems {
		log.Warn("a plugin is not used", "reason", problem)
	}
}

// pluginsTimeout is what processes of plugins get to end, when no task runs in them any more.
const pluginsTimeout = 3 * time.Second

// close ends what runs.
func (i *installed) close() {
	ctx, cancel := context.WithTimeout(context.Background(), pluginsTimeout)
	defer cancel()
	if err := i.fleet.Close(ctx); err != nil {
		slog.New(i.log).Error("a plugin's process is left", "error", err)
	}
}
