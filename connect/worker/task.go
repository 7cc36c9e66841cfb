package worker

import (
	"errors"
	"fmt"
	"maps"
	"strconv"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/converters"
	"github.com/sluice-connect/sluice/connect/stores"
)

// taskLife is a source or sink task that can be run.
type taskLife interface {
	run(p phases) error
}

// startTask begins a life of a task. What cannot be built is a life that has failed from the start.
func (w *Worker) startTask(spec TaskSpec, first TargetState) *life {
	stop, end, kill, cut := lifetime()
	version := ""
	status := &taskStatus{state: Unassigned, publish: func(state State, trace string) {
		w.statuses.TaskStatus(spec.ID, state, trace, version)
	}}
	run := &taskRun{
		id: spec.ID, config: maps.Clone(spec.Config), settings: w.settings, log: w.taskLog(spec.ID),
		target: newTarget(first != stores.Started), status: status, end: end,
	}
	run.health = &health{publish: status.complain, log: func(cause string) { logHealth(run.log, cause) }}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer cut()
		defer run.target.release()
		err := guard("the task", func() error {
			p, err := w.load(spec.Connector)
			if err != nil {
				return err
			}
			version = p.spec.Version
			transforms, err := newChain(w.catalog, p.framework, p.config)
			if err != nil {
				return fmt.Errorf("building the transforms: %w", err)
			}
			defer transforms.close()
			task, err := w.buildTask(run, p, transforms)
			if err != nil {
				return err
			}
			// A task that is to be paused is not even opened (WorkerTask.doRun).
			if _, _, err := run.unpaused(stop); err != nil {
				return ended(stop, nil)
			}
			return task.run(newPhases(stop, kill, w.settings.GracefulShutdown))
		})
		run.finished(err)
	}()
	return &life{
		target: func(t TargetState) { run.target.set(t != stores.Started) },
		stop:   func() { end(nil) },
		kill:   func() { status.silence(); cut() },
		done:   done,
	}
}

// finished publishes how the task ended.
func (t *taskRun) finished(err error) {
	if err == nil {
		t.status.finish(Unassigned, "")
		return
	}
	t.log.Error("task failed", "error", err)
	t.status.finish(Failed, err.Error())
}

// buildTask makes what a task needs beside its plugin. The transforms stay the caller's to close.
func (w *Worker) buildTask(run *taskRun, p *plugin, transforms chain) (taskLife, error) {
	seats, err := w.converters(p)
	if err != nil {
		return nil, err
	}
	name, number := run.id.Connector, strconv.Itoa(run.id.Task)
	errant := &errantPolicy{
		tolerate: p.framework.TolerateErrors, logEach: p.framework.LogErrors, log: run.log, metrics: w.metrics.errors(name, number),
	}
	switch plugin := p.connector.(type) {
	case connect.SourceConnector:
		return w.buildSource(run, p, plugin, &sourceConversion{
			transforms: transforms, key: seats.key, value: seats.value, header: seats.header, errant: errant,
		}, w.metrics.source(name, number))
	case connect.SinkConnector:
		t := &sinkTask{
			taskRun: run, connector: plugin, metrics: w.metrics.sink(name, number), requested: make(chan struct{}, 1),
			topics: newActiveTopics(w.statuses, run.id),
			converter: &sinkConversion{
				transforms: transforms, key: seats.key, value: seats.value, header: seats.header, errant: errant,
			},
		}
		t.dial, err = w.consumerDialer(run, p)
		return t, err
	}
	return nil, fmt.Errorf("class %s is neither a source nor a sink", p.spec.Class)
}

func (w *Worker) buildSource(run *taskRun, p *plugin, plugin connect.SourceConnector, conversion *sourceConversion,
	metrics *sourceMetrics) (taskLife, error) {
	tr := newTracker(windowRecords, windowBytes)
	t := &sourceTask{
		taskRun: run, connector: plugin, converter: conversion, tracker: tr, delivery: newDelivery(tr, run.log), metrics: metrics,
		topics: newActiveTopics(w.statuses, run.id),
		offsets: &offsetWriter{
			store: w.offsets, connector: run.id.Connector, tracker: tr, gate: w.gate, log: run.log,
			interval: w.settings.OffsetFlushInterval, timeout: w.settings.OffsetFlushTimeout,
		},
	}
	t.delivery.ack, t.delivery.refused, t.delivery.fail = t.acknowledged, conversion.refused, t.fail
	t.delivery.tolerant = conversion.errant.tolerate
	if err := w.connectKafka(t, p); err != nil {
		return nil, err
	}
	return t, nil
}

// seats are the converters of one task.
type seats struct {
	key, value converters.Converter
	header     converters.HeaderConverter
}

// converters makes a task's converters: the connector's own, or else the worker's, each with the options that go with it.
func (w *Worker) converters(p *plugin) (s seats, err error) {
	f := p.framework
	if s.key, err = w.converter(converters.Key, f.KeyConverter.Class, f.KeyConverter.Options); err != nil {
		return s, fmt.Errorf("key.converter: %w", err)
	}
	if s.value, err = w.converter(converters.Value, f.ValueConverter.Class, f.ValueConverter.Options); err != nil {
		return s, fmt.Errorf("value.converter: %w", err)
	}
	def, err := w.catalog.Converter(f.HeaderConverter.Class)
	if err == nil && def.NewHeader == nil {
		err = errors.New("class " + f.HeaderConverter.Class + " does not convert headers")
	}
	if err == nil {
		s.header, err = def.NewHeader(f.HeaderConverter.Options)
	}
	if err != nil {
		return s, fmt.Errorf("header.converter: %w", err)
	}
	return s, nil
}

func (w *Worker) converter(seat converters.Seat, class string, options connect.Config) (converters.Converter, error) {
	def, err := w.catalog.Converter(class)
	if err != nil {
		return nil, err
	}
	if def.New == nil {
		return nil, errors.New("class " + class + " converts headers only")
	}
	return def.New(seat, options)
}
