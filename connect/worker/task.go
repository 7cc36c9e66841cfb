package worker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/converters"
	"github.com/sluice-connect/sluice/connect/redaction"
	"github.com/sluice-connect/sluice/connect/stores"
	"github.com/sluice-connect/sluice/connect/validation"
)

// taskLife is a source or sink task that can be run.
type taskLife interface {
	run(p phases) error
}

// startTask begins a life of a task. What cannot be built is a life that has failed from the start.
func (w *Worker) startTask(spec TaskSpec, first TargetState, tell oversight) *life {
	stop, end, kill, cut := lifetime()
	version, secrets := "", w.settings.Secrets
	measured, begins := w.metrics.task(spec.ID), startup{note: w.metrics.taskStarts.note}
	measured.starts.Inc()
	status := &taskStatus{state: Unassigned, publish: func(state State, trace string) {
		begins.shows(state, trace)
		w.taskStatus(spec.ID, measured, state, secrets.Removed(trace), version)
	}}
	run := &taskRun{
		id: spec.ID, measured: measured, settings: w.settings, log: w.taskLog(spec.ID),
		target: newTarget(first != stores.Started), status: status, end: end,
	}
	run.health = &health{publish: status.complain, log: func(cause string) { logHealth(run.log, cause) }}
	measured.health.Store(run.health)
	run.own = connect.NewMetrics(func(cause error) { run.log.Warn("a metric of the connector's own is not shown", "error", cause) })
	measured.own.Store(run.own)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer cut()
		defer measured.health.CompareAndSwap(run.health, nil)
		defer measured.own.CompareAndSwap(run.own, nil)
		defer run.target.release()
		err := guard("the task", func() error {
			found, err := w.resolve(stop, spec.Connector, spec.Config)
			secrets = found.secrets
			run.log = secrets.Logger(run.log)
			if err != nil {
				return err
			}
			found.watch(tell)
			run.config = maps.Clone(found.configs[1])
			p, err := w.load(found.configs[0])
			if err != nil {
				return err
			}
			version = p.spec.Version
			secrets = redaction.Of(append(slices.Clip(secrets), p.passwords()...)...)
			stop = secrets.Context(stop)
			run.log, run.secrets = secrets.Logger(w.taskLog(spec.ID)), secrets
			transforms, err := newChain(w.catalog, p.framework, p.config)
			if err != nil {
				return fmt.Errorf("building the transforms: %w", err)
			}
			defer transforms.close()
			task, err := w.buildTask(run, spec.Generation, p, transforms)
			if err != nil {
				return err
			}
			// A task that is to be paused is not even opened (WorkerTask.doRun).
			if _, _, err := run.unpaused(stop); err != nil {
				return ended(stop, nil)
			}
			return task.run(newPhases(stop, kill, w.settings.GracefulShutdown))
		})
		if err == nil {
			status.finish(Unassigned, "")
			return
		}
		run.log.Error("task failed", "error", err)
		begins.over(false)
		status.silence()
		tell.failed(secrets.Removed(err.Error()), version)
	}()
	return &life{
		target: func(t TargetState) { run.target.set(t != stores.Started) },
		stop:   func() { end(nil) },
		kill:   func() { status.silence(); cut() },
		done:   done,
	}
}

// buildTask makes what a task needs beside its plugin. The transforms stay the caller's to close.
func (w *Worker) buildTask(run *taskRun, generation int, p *plugin, transforms chain) (taskLife, error) {
	own, err := w.converters(p)
	if err != nil {
		return nil, err
	}
	letters, err := w.deadLetterTopic(p)
	if err != nil {
		return nil, err
	}
	f, metrics := p.framework, &run.measured.errors
	errant := &errantPolicy{
		tolerate: f.TolerateErrors, logEach: f.LogErrors, logRecords: f.LogErrorRecords, retryTimeout: f.RetryTimeout,
		task: run.id, log: run.log, metrics: metrics,
	}
	again := &retries{budget: f.RetryTimeout, longest: f.RetryDelayMax, metrics: metrics, health: run.health, wait: sleep}
	head := letterhead{topic: f.DeadLetters.Topic, context: f.DeadLetters.ContextHeaders, task: run.id, secrets: run.secrets}
	switch plugin := p.connector.(type) {
	case connect.SourceConnector:
		return w.buildSource(run, generation, p, plugin, letters, &sourceConversion{
			classes: own.classes, transforms: transforms, key: own.key, value: own.value, header: own.header, errant: errant, retries: again, letters: head,
			json: converters.NewJSON(converters.JSONOptions{Decimals: converters.Numeric}),
		})
	case connect.SinkConnector:
		return w.buildSink(run, p, plugin, letters, &sinkConversion{
			classes: own.classes, transforms: transforms, key: own.key, value: own.value, header: own.header, errant: errant, retries: again, letters: head,
			remake: func() (seats, error) { return w.converters(p) },
		})
	}
	return nil, fmt.Errorf("class %s is neither a source nor a sink", p.spec.Class)
}

func (w *Worker) buildSource(run *taskRun, generation int, p *plugin, plugin connect.SourceConnector, letters *deadLetterTopic,
	conversion *sourceConversion) (taskLife, error) {
	tr := newTracker(windowRecords, windowBytes)
	t := &sourceTask{
		taskRun: run, connector: plugin, converter: conversion, tracker: tr, delivery: newDelivery(tr, run.log), letters: letters,
		metrics: run.measured.asSource(&w.metrics.in), topics: newActiveTopics(w.statuses, run.id),
	}
	t.metrics.window.Store(tr)
	tr.emptied = t.metrics.emptied
	t.metrics.exactlyOnce.Store(w.settings.ExactlyOnce)
	t.openOffsets = func(ctx context.Context) (stores.OffsetStore, func(context.Context) error, error) {
		return w.offsets.Open(ctx, Owner{Connector: run.id.Connector, Suffix: "-" + strconv.Itoa(run.id.Task)}, p.config)
	}
	var err error
	if t.creation, err = w.topicCreation(run, p); err != nil {
		return nil, err
	}
	d := t.delivery
	d.ack, d.refused, d.fail, d.tolerant = t.acknowledged, conversion.refused, t.fail, conversion.errant.tolerate
	d.waiting = func(cause error, next time.Time) { t.kafkaTrouble(d.explain(cause), next) }
	if w.settings.ExactlyOnce {
		return t, w.exactlyOnce(t, generation, p)
	}
	t.offsets = &offsetWriter{
		connector: run.id.Connector, tracker: tr, gate: w.gate, log: run.log, commits: &run.measured.commits,
		interval: w.settings.OffsetFlushInterval, timeout: w.settings.OffsetFlushTimeout,
	}
	return t, w.connectKafka(d, producerID(run.id), run, p.config, nil)
}

func (w *Worker) buildSink(run *taskRun, p *plugin, plugin connect.SinkConnector, letters *deadLetterTopic, conversion *sinkConversion,
) (taskLife, error) {
	t := &sinkTask{
		taskRun: run, connector: plugin, converter: conversion, gate: w.gate, requested: make(chan struct{}, 1), letters: letters,
		metrics: run.measured.asSink(&w.metrics.out), topics: newActiveTopics(w.statuses, run.id),
	}
	if letters != nil {
		t.queue = newDeadLetterQueue(conversion.letters, run.health, conversion.errant.metrics, t.fail, run.log)
		id := fmt.Sprintf("connector-dlq-producer-%s-%d", run.id.Connector, run.id.Task)
		if err := w.connectKafka(t.queue.delivery, id, run, p.config, nil); err != nil {
			return nil, err
		}
	}
	var err error
	t.dial, err = w.consumerDialer(run, p)
	return t, err
}

// seats are the converters of one task.
type seats struct {
	key, value converters.Converter
	header     converters.HeaderConverter
	classes    seatClasses
}

// seatClasses are Java's names of the classes that work on a record beside its transforms.
type seatClasses struct{ task, key, value, header string }

// converters makes a task's converters: the connector's own, or else the worker's, each with the options that go with it.
func (w *Worker) converters(p *plugin) (s seats, err error) {
	f := p.framework
	s.classes.task = p.spec.TaskClass
	if s.classes.task == "" {
		s.classes.task = p.spec.Class
	}
	if s.key, s.classes.key, err = w.converter(converters.Key, f.KeyConverter); err != nil {
		return s, fmt.Errorf("key.converter: %w", err)
	}
	if s.value, s.classes.value, err = w.converter(converters.Value, f.ValueConverter); err != nil {
		return s, fmt.Errorf("value.converter: %w", err)
	}
	def, err := w.catalog.ConverterVersion(f.HeaderConverter.Class, f.HeaderConverter.Version)
	if err == nil && def.NewHeader == nil {
		err = errors.New("class " + f.HeaderConverter.Class + " does not convert headers")
	}
	if err == nil {
		s.classes.header = def.Spec.Class
		s.header, err = def.NewHeader(f.HeaderConverter.Options)
	}
	if err != nil {
		return s, fmt.Errorf("header.converter: %w", err)
	}
	return s, nil
}

func (w *Worker) converter(seat converters.Seat, c validation.ConverterConfig) (converter converters.Converter, class string, err error) {
	def, err := w.catalog.ConverterVersion(c.Class, c.Version)
	if err != nil {
		return nil, "", err
	}
	if def.New == nil {
		return nil, "", errors.New("class " + c.Class + " converts headers only")
	}
	converter, err = def.New(seat, c.Options)
	return converter, def.Spec.Class, err
}
