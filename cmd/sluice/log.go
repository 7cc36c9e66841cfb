package main

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/sluice-connect/sluice/connect/kafkaclient"
	"github.com/sluice-connect/sluice/connect/logging"
	"github.com/sluice-connect/sluice/connect/workerconfig"
)

// logFlags choose how a command logs. What they leave open, a worker's configuration says.
type logFlags struct {
	level, format string // "" where the flag is not given
	fallback      string // the level where nobody says
}

func (f *logFlags) register(cmd *cobra.Command, level string) {
	f.fallback = level
	cmd.Flags().StringVar(&f.level, "log-level", "", "off, error, warn, info, debug or trace, over sluice.log.level (default "+level+")")
	cmd.Flags().StringVar(&f.format, "log-format", "", "text or json, over sluice.log.format (default text)")
}

// logs are a process's logger and the levels by which it writes.
type logs struct {
	*slog.Logger
	levels *logging.Levels
}

// open makes the logger, which Kafka's client library uses too. config is nil for commands without a worker.
func (f *logFlags) open(out io.Writer, config *workerconfig.Worker) (logs, error) {
	name, format := f.level, f.format
	if config != nil {
		name, format = cmp.Or(name, config.LogLevel), cmp.Or(format, config.LogFormat)
	}
	level, known := logging.ParseLevel(cmp.Or(name, f.fallback))
	if !known {
		return logs{}, fmt.Errorf("--log-level %s: want off, error, warn, info, debug or trace", name)
	}
	l := logs{levels: logging.NewLevels(level)}
	options := &slog.HandlerOptions{Level: slog.Level(logging.All), ReplaceAttr: logging.Names}
	switch format {
	case "", "text":
		l.Logger = slog.New(l.levels.Handler(slog.NewTextHandler(out, options)))
	case "json":
		l.Logger = slog.New(l.levels.Naming(slog.NewJSONHandler(out, options)))
	default:
		return logs{}, fmt.Errorf("--log-format %s: want text or json", format)
	}
	kafkaclient.LogTo(l.Logger)
	return l, nil
}

// setLevel obeys what a user has asked of all workers.
func (l logs) setLevel(logger, name string) {
	level, known := logging.ParseLevel(name)
	if !known {
		l.Warn("a log level that was set for all workers is none", "logger", logger, "level", name)
		return
	}
	l.levels.Set(logger, level)
	l.Info("a log level is changed on all workers", "logger", logger, "level", level.String())
}
