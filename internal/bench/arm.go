package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// run prepares a run, lets the arm carry the load, and measures it.
func (l *lab) run(ctx context.Context, f flow, a arm, name string) (figures, error) {
	if err := l.createTopic(name); err != nil {
		return figures{}, err
	}
	if f.prepare != nil {
		if err := f.prepare(l, name); err != nil {
			return figures{}, err
		}
	}
	cmd, err := l.command(a, name)
	if err != nil {
		return figures{}, err
	}
	return l.process(ctx, name, cmd, f)
}

// command is an arm's program for a run.
func (l *lab) command(a arm, run string) (*exec.Cmd, error) {
	if a.thin != nil {
		return l.self(a.thin[0], run), nil
	}
	return l.sluiceWith(run, a.connector(l, run))
}

// sluiceWith is a standalone worker with one connector, as a command.
func (l *lab) sluiceWith(name string, connector map[string]string) (*exec.Cmd, error) {
	connector["name"] = name
	manifest, err := json.Marshal(connector)
	if err != nil {
		return nil, err
	}
	worker := fmt.Sprintf("bootstrap.servers=%s\noffset.storage.file.filename=%s\nkey.converter=StringConverter\n"+
		"value.converter=ByteArrayConverter\nlisteners=http://127.0.0.1:0\noffset.flush.interval.ms=1000\n", l.kafka.Addr, filepath.Join(l.dir, name+".offsets"))
	worker += "plugin.path=" + l.plugins + "\n"
	switch connector["connector.class"] {
	case "FileStreamSource", "FileStreamSink", pluginSource, pluginSink:
		worker += "value.converter=StringConverter\n"
	}
	if connector["connector.class"] == "io.sluice.connect.kafka.KafkaSourceConnector" {
		worker += "key.converter=ByteArrayConverter\nheader.converter=ByteArrayConverter\n"
	}
	paths := []string{filepath.Join(l.dir, name+".properties"), filepath.Join(l.dir, name+".json")}
	for i, data := range [][]byte{[]byte(worker), manifest} {
		if err := os.WriteFile(paths[i], data, 0o600); err != nil {
			return nil, fmt.Errorf("writing the arm's configuration: %w", err)
		}
	}
	return exec.Command(l.sluice, "standalone", paths[0], paths[1], "--log-level", "warn"), nil
}

// process runs a command until all records have arrived where the flow leads, then ends it.
func (l *lab) process(ctx context.Context, run string, cmd *exec.Cmd, f flow) (figures, error) {
	arrived := func() (int64, error) { return l.end(run) }
	if f.watch != nil {
		var end func()
		var err error
		if arrived, end, err = f.watch(l, ctx, run); err != nil {
			return figures{}, err
		}
		defer end()
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return figures{}, fmt.Errorf("starting: %w", err)
	}
	loaded := make(chan error, 1)
	go func() {
		if f.load == nil {
			loaded <- nil
			return
		}
		loaded <- f.load(l, ctx, run)
	}()
	var first time.Time
	var skipped, last, peak int64
	err := await(ctx, armTimeout, "all records have arrived", func() (bool, error) {
		n, err := arrived()
		last, peak = n, max(peak, residentPeak(cmd.Process.Pid))
		if err == nil && first.IsZero() && n >= int64(l.records/10) {
			first, skipped = time.Now(), n
		}
		return n >= int64(l.records), err
	})
	took := time.Since(first)
	err = errors.Join(err, <-loaded)
	_ = cmd.Process.Signal(syscall.SIGTERM) // a thin loop may have ended by itself
	_ = cmd.Wait()                          // what counts is what arrived
	if err != nil {
		return figures{}, fmt.Errorf("%w: %d of %d; it said: %s", err, last, l.records, out.String())
	}
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return figures{
		rate: float64(int64(l.records)-skipped) / took.Seconds(),
		cpu:  float64(cpu.Microseconds()) / float64(l.records),
		peak: float64(peak) / 1024,
	}, nil
}

// residentPeak is what a process has had resident at most, in KiB; 0 where the system does not tell.
func residentPeak(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kib
		}
	}
	return 0
}
