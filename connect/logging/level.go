// Package logging decides which log lines are written: at levels that can be changed while a worker runs, each for the lines of one part of it. The parts
// have the names of the Java classes that do the same in Kafka Connect, because those are what people and tools set.
package logging

import (
	"log/slog"
	"math"
	"strings"
)

// Level is the least severity that a logger writes, by Log4j's names.
type Level slog.Level

// The levels, the most silent first.
const (
	Off   Level = math.MaxInt32
	Fatal Level = Error + 4
	Error       = Level(slog.LevelError)
	Warn        = Level(slog.LevelWarn)
	Info        = Level(slog.LevelInfo)
	Debug       = Level(slog.LevelDebug)
	Trace Level = Debug - 4
	All   Level = math.MinInt32
)

var names = map[Level]string{
	Off: "OFF", Fatal: "FATAL", Error: "ERROR", Warn: "WARN", Info: "INFO", Debug: "DEBUG", Trace: "TRACE", All: "ALL",
}

// String is the level's name in capitals.
func (l Level) String() string { return names[l] }

// ParseLevel reads a name, in any case.
func ParseLevel(name string) (Level, bool) {
	for level, its := range names {
		if strings.EqualFold(name, its) {
			return level, true
		}
	}
	return 0, false
}

// Names has handlers of package log/slog write levels by these names.
func Names(groups []string, a slog.Attr) slog.Attr {
	if a.Key != slog.LevelKey || len(groups) > 0 {
		return a
	}
	if severity, ok := a.Value.Any().(slog.Level); ok && names[Level(severity)] != "" {
		a.Value = slog.StringValue(names[Level(severity)])
	}
	return a
}
