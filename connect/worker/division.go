package worker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/configproviders"
)

// splitTimeout bounds one call of Split: a connector that asks its system for tables may take a while, one that hangs must say so.
const splitTimeout = time.Minute

// division asks a connector for its tasks and says in its status why there are none yet.
type division struct {
	run    *connectorRun
	plugin *plugin
	pause  backoff
	health health
}

func (c *connectorRun) newDivision(p *plugin) *division {
	return &division{run: c, plugin: p, health: health{
		publish: func(trace string) { c.publish(Running, trace, p.spec.Version) },
		log:     func(cause string) { logHealth(c.log, cause) },
	}}
}

// split asks for the tasks once and hands their configurations on. A wait above 0 is when to ask again.
func (d *division) split(stop context.Context) (wait time.Duration, err error) {
	tasks, err := d.tasks(stop)
	var again *connect.RetryError
	switch {
	case stop.Err() != nil:
		return 0, nil
	case err == nil:
		if err := d.planned(stop, tasks); err != nil {
			return 0, err
		}
		d.pause.reset()
		d.well()
		return 0, nil
	case !errors.As(err, &again):
		return 0, err
	}
	if wait = again.After; wait <= 0 {
		wait = d.pause.next()
	}
	now := time.Now()
	d.health.report(callFailed, again.Cause, now.Add(wait), now)
	return wait, nil
}

// well takes back what the status says.
func (d *division) well() {
	d.health.report(callFailed, nil, time.Time{}, time.Now())
	d.run.publish(Running, "", d.plugin.spec.Version)
}

// tasks are what the connector says, or one for a source and tasks.max for a sink that does not divide its work itself.
func (d *division) tasks(stop context.Context) (tasks []connect.Config, err error) {
	p := d.plugin
	if splitter, ok := p.connector.(connect.Splitter); ok {
		return d.ask(stop, splitter)
	}
	n := 1
	if _, sink := p.connector.(connect.SinkConnector); sink {
		n = p.framework.TasksMax
	}
	for range n {
		tasks = append(tasks, p.config)
	}
	return tasks, nil
}

// ask calls Split. One that does not return in time makes the connector FAILED until it does: nothing but a restart can end it.
func (d *division) ask(stop context.Context, splitter connect.Splitter) (tasks []connect.Config, err error) {
	ctx, cancel := context.WithTimeout(stop, splitTimeout)
	defer cancel()
	returned := make(chan struct{})
	go func() {
		defer close(returned)
		err = guard("Split", func() (err error) {
			tasks, err = splitter.Split(ctx, maps.Clone(d.plugin.config), d.plugin.framework.TasksMax)
			return err
		})
	}()
	select {
	case <-returned:
	case <-ctx.Done():
	}
	if ctx.Err() == nil || stop.Err() != nil {
		<-returned
		return tasks, err
	}
	d.run.log.Error("Split does not return", "waited", splitTimeout.String())
	d.run.publish(Failed, fmt.Sprintf("Split has not returned for %v: restart the connector if it hangs", splitTimeout), d.plugin.spec.Version)
	<-returned
	if err == nil || errors.As(err, new(*connect.RetryError)) {
		d.well()
	}
	if err != nil {
		err = fmt.Errorf("dividing the work took longer than %v: %w", splitTimeout, err)
	}
	return tasks, err
}

// planned completes the task configurations as Java does (Worker.connectorTaskConfigs) and hands them to the herder.
func (d *division) planned(stop context.Context, tasks []connect.Config) error {
	p, spec := d.plugin, d.run.spec
	if n := len(tasks); n > p.framework.TasksMax && p.framework.TasksMaxEnforce {
		return fmt.Errorf("the connector %s has generated %d task configs, which is greater than %d, the maximum number of tasks "+
			"it is configured to create: raise tasks.max, or set tasks.max.enforce=false", spec.Name, n, p.framework.TasksMax)
	}
	whole := make([]connect.Config, len(tasks))
	for i, t := range tasks {
		whole[i] = d.complete(t)
	}
	d.run.plan(stop, spec.Name, whole)
	return nil
}

// complete returns a task configuration of its own with the framework's keys: the connector may have returned the same one twice, or none.
func (d *division) complete(task connect.Config) connect.Config {
	whole := make(connect.Config, len(task)+2)
	maps.Copy(whole, task)
	whole["task.class"] = d.plugin.spec.TaskClass
	if d.plugin.spec.TaskClass == "" {
		whole["task.class"] = d.plugin.spec.Class
	}
	if _, sink := d.plugin.connector.(connect.SinkConnector); sink {
		for _, key := range []string{"topics", "topics.regex"} {
			if v, ok := d.run.spec.Config[key]; ok {
				whole[key] = v
			}
		}
	}
	configproviders.Restore(whole, d.run.spec.Config, d.plugin.config)
	return whole
}
