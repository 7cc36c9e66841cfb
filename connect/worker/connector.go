package worker

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/redaction"
	"github.com/sluice-connect/sluice/connect/stores"
	"github.com/sluice-connect/sluice/connect/validation"
)

// connectorRun is one life of a connector: it divides the work into tasks whenever it becomes STARTED or its system has changed, and watches
// for the latter. It has no data path; its tasks run whether or not it does.
type connectorRun struct {
	spec     ConnectorSpec
	load     func(stop context.Context) (*plugin, error)
	log      *slog.Logger
	publish  func(state State, trace, version string)
	measured *connectorMetrics
	startup  *startup
	failed   func(trace, version string) // the last that is published
	plan     Plan
	targets  chan TargetState // capacity 1, the newest wins
	watched  sync.WaitGroup   // the calls of Watch under way: one, but for those that do not heed that their context has ended
}

// startConnector begins a life.
func (w *Worker) startConnector(spec ConnectorSpec, first TargetState, tell oversight) *life {
	stop, end, _, cut := lifetime()
	measured := w.metrics.connector(spec.Name)
	secrets := w.settings.Secrets
	status := newSilenceable(func(state State, trace, version string) {
		w.connectorStatus(spec.Name, measured, state, secrets.Removed(trace), version)
	})
	c := &connectorRun{
		measured: measured, startup: &startup{note: w.metrics.connectorStarts.note},
		spec: spec, log: w.log.With("connector", spec.Name),
		publish: status.publish, plan: w.plan, targets: make(chan TargetState, 1),
	}
	c.failed = func(trace, version string) { tell.failed(secrets.Removed(trace), version) }
	c.load = func(stop context.Context) (*plugin, error) {
		found, err := w.resolve(stop, spec.Config)
		secrets = found.secrets
		c.log = secrets.Logger(c.log)
		if err != nil {
			return nil, err
		}
		found.watch(tell)
		p, err := w.load(found.configs[0])
		if err != nil {
			return nil, err
		}
		secrets = redaction.Of(append(slices.Clip(secrets), p.passwords()...)...)
		c.log = secrets.Logger(w.log.With("connector", spec.Name))
		p.secrets = secrets
		return p, nil
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer cut()
		c.run(stop, first)
	}()
	return &life{
		target: c.setTarget,
		stop:   func() { end(nil) },
		kill:   func() { status.silence(); cut() },
		done:   done,
	}
}

func (c *connectorRun) setTarget(t TargetState) {
	select {
	case <-c.targets: // an older wish
	default:
	}
	c.targets <- t
}

// run lives until stop ends, also when the connector has failed: its status stays until somebody restarts or changes it.
func (c *connectorRun) run(stop context.Context, target TargetState) {
	version, failed := "", false
	defer func() {
		c.watched.Wait()
		if !failed {
			c.publish(Unassigned, "", version)
		}
	}()
	fail := func(err error) {
		failed = true
		c.log.Error("connector failed", "error", err)
		c.startup.over(false)
		c.failed(err.Error(), version)
	}
	plugin, err := c.load(stop)
	if err != nil {
		fail(err)
	} else {
		version = plugin.spec.Version
		stop = plugin.secrets.Context(stop)
		c.measured.is(plugin.spec.Class, string(plugin.kind))
	}
	for stop.Err() == nil {
		if !failed {
			c.publish(shown(target), "", version)
			if target == stores.Started {
				if target, err = c.started(stop, plugin); err != nil {
					fail(err)
				}
				continue
			}
			c.startup.over(true)
		}
		select {
		case target = <-c.targets:
		case <-stop.Done():
		}
	}
}

// plugin is what a connector's class turns out to be.
type plugin struct {
	spec      connect.Spec
	kind      catalog.Type // source or sink
	connector any
	framework *validation.Framework
	config    connect.Config
	secrets   redaction.Values // of config; only a connector's, not a task's
}

// passwords are the values of the keys that the connector's class defines as PASSWORD. Errors of its system's client may repeat them.
func (p *plugin) passwords() (values []string) {
	for _, key := range p.spec.Keys {
		if value := p.config[key.Name]; key.Type == connect.TypePassword && value != "" {
			values = append(values, value)
		}
	}
	return values
}

// load finds the class of a connector and reads the keys that are the framework's, from a resolved configuration.
func (w *Worker) load(config connect.Config) (*plugin, error) {
	class, err := validation.ClassOf(w.catalog, config)
	if err != nil {
		return nil, err
	}
	framework, err := validation.ParseFramework(w.catalog, class, config, w.settings.Properties)
	if err != nil {
		return nil, err
	}
	exactlyOnce := strings.EqualFold(w.settings.Properties["exactly.once.source.support"], "enabled")
	if err := w.settings.OverridePolicy.Check(config, validation.Clients(class.Type, config, exactlyOnce)...); err != nil {
		return nil, err
	}
	return &plugin{spec: class.Spec, kind: class.Type, connector: class.Plugin, framework: framework, config: config}, nil
}

// started divides the work, and again when the connector asks for it, until the target changes or the life ends.
func (c *connectorRun) started(stop context.Context, p *plugin) (TargetState, error) {
	division := c.newDivision(p)
	watching, endWatch := context.WithCancel(stop)
	defer endWatch()
	var watched chan error // nil before the first division
	again := make(chan struct{}, 1)
	again <- struct{}{}
	var retry <-chan time.Time
	first := true
	for {
		select {
		case target := <-c.targets:
			return target, nil
		case <-stop.Done():
			return stores.Started, nil
		case err := <-watched:
			if err != nil {
				return stores.Started, fmt.Errorf("watching the source's system: %w", err)
			}
			continue
		case <-again:
		case <-retry:
		}
		wait, err := division.split(stop)
		if err != nil {
			return stores.Started, err
		}
		retry = nil
		if wait == 0 && stop.Err() == nil {
			c.startup.over(true)
		}
		if wait > 0 {
			retry = time.After(wait)
		} else if first {
			first, watched = false, make(chan error, 1)
			c.watched.Go(func() { watched <- watch(watching, p, again) })
		}
	}
}

// watch lets the connector look for changes in its system; nil means that there is nothing to watch, or no longer.
func watch(ctx context.Context, p *plugin, again chan<- struct{}) error {
	watcher, ok := p.connector.(connect.Watcher)
	if !ok {
		return nil
	}
	err := guard("Watch", func() error {
		return watcher.Watch(ctx, maps.Clone(p.config), func() {
			select {
			case again <- struct{}{}:
			default:
			}
		})
	})
	if ctx.Err() != nil {
		return nil
	}
	return err
}
