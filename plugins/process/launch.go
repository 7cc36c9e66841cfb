package process

import (
	"log/slog"
	"os"
	"strings"
	"time"
)

// Launch is what to start, and with what.
type Launch struct {
	Plugin  string   // name, for texts and logs
	Command []string // the program and its arguments; a program without a slash is looked up in PATH
	Dir     string   // working directory, which a relative program is within; "" for the worker's
	// Env is granted, as NAME=value, beside the variables of [Basics]. Nothing else is inherited.
	Env []string
	// Checksum is that of Program, as "sha256:" and 64 hexadecimal digits; "" for unpinned. It is checked at each start.
	Checksum string
	// Program is the file that Checksum is of; "" for that of Command. An interpreted plugin's is its script.
	Program string
	Limits  Limits
	// Sockets is the folder in which the socket's own private folder (mode 0700) is made; "" for the system's temporary one.
	Sockets string
	Log     *slog.Logger // gets the lines that the process writes
	// Hide takes out of such a line what nobody may see; nil is for nothing.
	Hide func(line string) string
	Ping time.Duration // between two questions whether it still answers; 0: 5 s
}

// Limits bound what a process, with all that it starts, may use. Zero is no bound.
type Limits struct {
	Memory int64   // bytes
	CPUs   float64 // processors; 0.5 is half of one
}

const (
	// handshakeTimeout is what a process gets from its start to its first answer.
	handshakeTimeout = 15 * time.Second
	pingInterval     = 5 * time.Second
	pingsMissed      = 3 // so many unanswered in a row are a hang
	// stopGrace is what a process gets to end when it is asked to.
	stopGrace = 2 * time.Second
)

// Basics are the variables that every plugin gets from the worker's environment, where they are set: without them programs find neither other
// programs nor their home, and show times and texts in ways that nobody asked for.
var Basics = []string{"PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"}

// environment is that of the process, without what go-plugin adds; later ones win.
func (l *Launch) environment() []string {
	var env []string
	for _, name := range Basics {
		if value, set := os.LookupEnv(name); set {
			env = append(env, name+"="+value)
		}
	}
	env = append(env, l.Limits.hints()...)
	for _, granted := range l.Env {
		if name, _, ok := strings.Cut(granted, "="); ok && name != "" {
			env = append(env, granted)
		}
	}
	return env
}

func (l *Launch) ping() time.Duration {
	if l.Ping <= 0 {
		return pingInterval
	}
	return l.Ping
}

// logger is never nil.
func (l *Launch) logger() *slog.Logger {
	if l.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return l.Log.With("plugin", l.Plugin)
}
