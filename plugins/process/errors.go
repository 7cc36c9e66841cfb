package process

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Classes of the errors of [Start], for errors.Is. Their texts are parts of sentences; the errors that are returned name the cause and the fix.
var (
	ErrMissing       = errors.New("the program is missing")
	ErrNotExecutable = errors.New("the program cannot be executed")
	ErrChecksum      = errors.New("the program is not the one that was installed")
	ErrVersion       = errors.New("the program speaks another version of the contract")
	ErrHandshake     = errors.New("the program did not say where it listens")
	ErrSilent        = errors.New("the program did not answer in time")
)

// startError is an error of Start: one of the classes, told in full.
type startError struct {
	plugin string
	class  error
	text   string // cause and fix
	words  string // the last words, if it had any
}

func (e *startError) Error() string { return "plugin " + e.plugin + ": " + e.text + sayWords(e.words) }
func (e *startError) Unwrap() error { return e.class }

// Ended says how a process ended that nobody had asked to.
type Ended struct {
	Plugin string
	State  string // "exit status 2" or "signal: killed"
	Reason error  // why it was killed from here; nil: it ended by itself
	// Words are the last that it wrote to standard error, at most 4 KiB of valid UTF-8.
	Words string
}

func (e *Ended) Error() string {
	how := "has ended by itself (" + e.State + ")"
	if e.Reason != nil {
		how = "was killed: " + e.Reason.Error()
	}
	return "plugin " + e.Plugin + " " + how + sayWords(e.Words)
}

func (e *Ended) Unwrap() error { return e.Reason }

// Hung is the reason for killing a process that is there and does not answer.
type Hung struct{ After time.Duration }

func (e *Hung) Error() string { return fmt.Sprintf("it did not answer for %s", e.After) }

// OutOfMemory is the reason where the system killed a process for its limit.
type OutOfMemory struct{ Limit int64 }

func (e *OutOfMemory) Error() string {
	return fmt.Sprintf("it needed more memory than its limit of %d MiB: raise limits.memory in its plugin.json, or give it less to do", e.Limit>>20)
}

func sayWords(words string) string {
	if words = strings.TrimSpace(words); words == "" {
		return ""
	}
	return "; its last words: " + words
}
