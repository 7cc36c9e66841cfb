package logging

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Root is the logger of all lines that no other is for. It is found in any case.
const Root = "root"

// Setting is a logger's level and when it was last changed.
type Setting struct {
	Level    Level
	Modified time.Time // zero for never
}

// Levels are the levels of all loggers of a process. It is safe for concurrent use. Names that nothing here logs under can be set all the same, as in
// Kafka Connect, whose clients set what they know.
type Levels struct {
	mu      sync.Mutex
	loggers map[string]Setting // Root among them

	// What lines are measured by, each set whole when a level changes.
	now atomic.Pointer[thresholds]
	// components finds that of a line by its place in the program: a uintptr's is a string.
	components sync.Map
}

// thresholds are the levels as they are at a moment; they do not change.
type thresholds struct {
	lowest, highest, root Level
	of                    map[string]Level
}

// NewLevels has all loggers at a level.
func NewLevels(root Level) *Levels {
	l := &Levels{loggers: map[string]Setting{Root: {Level: root}}}
	for _, name := range loggerNames() {
		l.loggers[name] = Setting{Level: root}
	}
	l.publish()
	return l
}

// All are the settings of all loggers by their names.
func (l *Levels) All() map[string]Setting {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.loggers)
}

// Get is the setting of a logger that is known.
func (l *Levels) Get(name string) (Setting, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if strings.EqualFold(name, Root) {
		name = Root
	}
	s, known := l.loggers[name]
	return s, known
}

// Set gives a level to a logger, which is made known, and to all that are known and whose names begin with its name; root's to all. It returns the names of
// those that had another level, sorted.
func (l *Levels) Set(name string, level Level) (changed []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	root := strings.EqualFold(name, Root)
	if _, known := l.loggers[name]; !known && !root {
		l.loggers[name] = Setting{Level: l.inherited(name)}
	}
	changed, at := []string{}, time.Now()
	for known, setting := range l.loggers {
		if setting.Level != level && (root || known != Root && strings.HasPrefix(known, name)) {
			l.loggers[known] = Setting{level, at}
			changed = append(changed, known)
		}
	}
	l.publish()
	slices.Sort(changed)
	return changed
}

// inherited is the level of the nearest logger above, by the dots in names.
func (l *Levels) inherited(name string) Level {
	for {
		dot := strings.LastIndexByte(name, '.')
		if dot < 0 {
			return l.loggers[Root].Level
		}
		name = name[:dot]
		if s, known := l.loggers[name]; known {
			return s.Level
		}
	}
}

// publish makes the settings those that lines are measured by. The caller holds the lock, unless nobody else knows l.
func (l *Levels) publish() {
	root := l.loggers[Root].Level
	t := &thresholds{lowest: root, highest: root, root: root, of: map[string]Level{}}
	for _, name := range loggerNames() { // others have no lines
		level := l.loggers[name].Level
		t.of[name] = level
		t.lowest, t.highest = min(t.lowest, level), max(t.highest, level)
	}
	l.now.Store(t)
}
