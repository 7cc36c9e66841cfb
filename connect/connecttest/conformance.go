package connecttest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/connect"
)

// subject is a connector in one subtest, whatever its kind.
type subject struct {
	t         testing.TB
	connector any // a connect.SourceConnector or a connect.SinkConnector
	spec      func() connect.Spec
	config    connect.Config
	bad       map[string]connect.Config
	opts      []Option
}

// How many lives of a task the search for what they leave behind takes, and how much of the process's own may come and go beside it.
const (
	lives = 10
	noise = 4
)

// within runs a call into the connector that must end by itself; what it returns is judged by the caller. A panic ends the test.
func (s *subject) within(name string, call func() error) error {
	s.t.Helper()
	h := newHost(s.t, s.config, s.opts)
	defer h.logging.close()
	done := make(chan error, 1)
	go func() { done <- h.guard(name, call) }()
	timer := time.NewTimer(h.opts.patience)
	defer timer.Stop()
	select {
	case err := <-done:
		if broken := new(panicked); errors.As(err, &broken) {
			s.t.Fatal("connecttest: ", err)
		}
		return err
	case <-timer.C:
		s.t.Fatalf("connecttest: %s did not return within %s\n%s", name, h.opts.patience, stacks())
		return nil
	}
}

func gone() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// describesItself checks the Spec.
func (s *subject) describesItself() {
	s.t.Helper()
	one, other := s.spec(), s.spec()
	if one.Class == "" || one.Version == "" {
		s.t.Errorf("connecttest: Spec has class %q and version %q: neither may be empty", one.Class, one.Version)
	}
	if names(one.Keys) != names(other.Keys) || one.Class != other.Class || one.Version != other.Version {
		s.t.Error("connecttest: Spec does not return the same each time")
	}
	seen := map[string]bool{}
	for _, key := range one.Keys {
		if key.Doc == "" {
			s.t.Errorf("connecttest: key %s has no text that says what it is for", key.Name)
		}
		if seen[key.Name] {
			s.t.Errorf("connecttest: key %s is there twice", key.Name)
		}
		seen[key.Name] = true
		if text, ok := key.Default.Text(); ok {
			if _, err := key.Type.Parse(text); err != nil {
				s.t.Errorf("connecttest: the default of key %s: %v", key.Name, err)
			}
		}
	}
}

func names(keys connect.ConfigDef) string {
	var all []string
	for _, k := range keys {
		all = append(all, k.Name)
	}
	return strings.Join(all, " ")
}

// refusesBadConfigs checks that what is wrong is told where a user can see it, and not by a task that fails.
func (s *subject) refusesBadConfigs() {
	s.t.Helper()
	bad := maps.Clone(s.bad)
	if bad == nil {
		bad = map[string]connect.Config{}
	}
	for _, key := range s.spec().Keys {
		if _, given := bad[key.Name]; !given {
			switch key.Type {
			case connect.TypeBoolean, connect.TypeInt, connect.TypeShort, connect.TypeLong, connect.TypeDouble:
				bad[key.Name] = connect.Config{key.Name: "neither number nor boolean"}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(bad)) {
		s.refuses(name, bad[name])
	}
	for _, key := range s.spec().Keys {
		if cfg := maps.Clone(s.config); key.Default.Required() {
			delete(cfg, key.Name)
			s.refusesAll("without "+key.Name, key.Name, cfg)
		}
	}
}

func (s *subject) refuses(key string, change connect.Config) {
	s.t.Helper()
	cfg := maps.Clone(s.config)
	maps.Copy(cfg, change)
	s.refusesAll(fmt.Sprint("with ", map[string]string(change)), key, cfg)
}

func (s *subject) refusesAll(what, key string, cfg connect.Config) {
	s.t.Helper()
	var problems []connect.Problem
	_ = s.within("Validate "+what, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), settle(s.opts).patience)
		defer cancel()
		problems = slices.DeleteFunc(findings(ctx, s.spec(), s.connector, cfg), func(p connect.Problem) bool { return p.Warning })
		return nil
	})
	if len(problems) == 0 {
		s.t.Errorf("connecttest: a configuration %s is accepted: want it refused for %s", what, key)
		return
	}
	for _, p := range problems {
		if p.Key == key {
			return
		}
	}
	s.t.Errorf("connecttest: a configuration %s is refused for %s (%s), and not for %s", what, problems[0].Key, problems[0].Message, key)
}

// validates checks that Validate keeps to its context.
func (s *subject) validates() {
	s.t.Helper()
	v, ok := s.connector.(connect.Validator)
	if !ok {
		s.t.Log("connecttest: nothing to hold: the connector is no Validator")
		return
	}
	_ = s.within("Validate with an ended context", func() error { v.Validate(gone(), maps.Clone(s.config)); return nil })
}

// splits checks how the work is divided.
func (s *subject) splits() {
	s.t.Helper()
	splitter, ok := s.connector.(connect.Splitter)
	if !ok {
		s.t.Log("connecttest: nothing to hold: the connector is no Splitter")
		return
	}
	for _, most := range []int{1, 2, 5} {
		first, second := s.split(splitter, most), s.split(splitter, most)
		if len(first) > most {
			s.t.Errorf("connecttest: Split gives %d configurations for at most %d tasks", len(first), most)
		}
		if !slices.EqualFunc(first, second, func(a, b connect.Config) bool { return maps.Equal(a, b) }) {
			s.t.Errorf("connecttest: Split answers differently for the same configuration and %d tasks: tasks would restart for nothing", most)
		}
	}
	_ = s.within("Split with an ended context", func() error { _, err := splitter.Split(gone(), maps.Clone(s.config), 1); return err })
}

func (s *subject) split(splitter connect.Splitter, most int) (configs []connect.Config) {
	s.t.Helper()
	err := s.within("Split", func() (err error) {
		ctx, cancel := context.WithTimeout(context.Background(), settle(s.opts).patience)
		defer cancel()
		configs, err = splitter.Split(ctx, maps.Clone(s.config), most)
		return err
	})
	if err != nil {
		s.t.Fatalf("connecttest: splitting into %d tasks: %v", most, err)
	}
	return configs
}

// watches checks that Watch keeps to its context.
func (s *subject) watches() {
	s.t.Helper()
	watcher, ok := s.connector.(connect.Watcher)
	if !ok {
		s.t.Log("connecttest: nothing to hold: the connector is no Watcher")
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		err := s.within("Watch", func() error { return watcher.Watch(ctx, maps.Clone(s.config), func() {}) })
		if err != nil && !errors.Is(err, context.Canceled) {
			s.t.Errorf("connecttest: Watch: %v", err)
		}
	}()
	cancel()
	<-done
}

// leavesNothing runs lives of a task and checks that the process has no more goroutines and no more open files afterwards.
func (s *subject) leavesNothing(life func()) {
	s.t.Helper()
	life() // what is made once, a pool for instance, is there now
	goroutines, files := runtime.NumGoroutine(), openFiles()
	for range lives {
		life()
	}
	soon(s.t, s.opts, func() string {
		left, open := runtime.NumGoroutine()-goroutines, openFiles()-files
		if left <= noise && open <= noise {
			return ""
		}
		return fmt.Sprintf("after %d lives of the task there are %d goroutines and %d open files more than before: Close must end and close all",
			lives, left, open)
	}, func() {})
}

// soon makes a step again and again until nothing is wrong; after the patience what still is ends the test.
func soon(t testing.TB, opts []Option, wrong func() string, step func()) {
	t.Helper()
	deadline := time.Now().Add(settle(opts).patience)
	for step(); ; step() {
		text := wrong()
		if text == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("connecttest: not within %s: %s", settle(opts).patience, text)
		}
		<-time.After(10 * time.Millisecond)
	}
}

// openFiles is how many files the process has open; 0 where the system does not tell.
func openFiles() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}

// few shows the first of many.
func few(texts []string) string {
	const shown = 5
	if len(texts) <= shown {
		return fmt.Sprintf("%q", texts)
	}
	return fmt.Sprintf("%q and %d more", texts[:shown], len(texts)-shown)
}

// plain is a value as text.
func plain(v connect.Value) string {
	switch v.Kind() {
	case connect.KindString:
		return v.Str()
	case connect.KindBytes:
		return string(v.Bytes())
	}
	return v.String()
}
