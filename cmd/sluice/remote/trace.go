package remote

import (
	"fmt"
	"strings"
)

// What Java's traces are made of, beside the exceptions.
const (
	causedBy   = "Caused by: "
	frame      = "\tat "
	moreFrames = "\t... "
)

// reason is a trace in one line: its deepest cause, for what Java says first is often only that something has failed.
func reason(trace string) string {
	said := firstLine(trace)
	for line := range strings.SplitSeq(trace, "\n") {
		if cause, ok := strings.CutPrefix(line, causedBy); ok {
			said = strings.TrimSpace(cause)
		}
	}
	return said
}

// condensed is a trace without the places in the code, which tell most people nothing, and how many lines those were.
func condensed(trace string) (lines []string, frames int) {
	for line := range strings.SplitSeq(strings.TrimSpace(trace), "\n") {
		if strings.HasPrefix(line, frame) || strings.HasPrefix(line, moreFrames) {
			frames++
			continue
		}
		lines = append(lines, line)
	}
	return lines, frames
}

// writeTrace shows a trace, whole on a page that is wide.
func writeTrace(page *screen, trace string, out output) {
	if out == asWide {
		for line := range strings.SplitSeq(strings.TrimSpace(trace), "\n") {
			page.printf("    %s\n", line)
		}
		return
	}
	lines, frames := condensed(trace)
	for i, line := range lines {
		if i == traceLines {
			frames += len(lines) - i
			break
		}
		page.printf("    %s\n", line)
	}
	if frames > 0 {
		page.printf("    %s\n", page.paint(dim, fmt.Sprintf("... %d lines more: -o wide", frames)))
	}
}
