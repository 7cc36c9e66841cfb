package remote

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// colour is how a text is shown on a terminal.
type colour string

// The colours in use, as terminals want them.
const (
	plain  colour = ""
	green  colour = "\x1b[32m"
	yellow colour = "\x1b[33m"
	red    colour = "\x1b[31m"
	dim    colour = "\x1b[2m"
	bold   colour = "\x1b[1m"
)

// screen is where a command writes. Only a terminal gets colours, and only where NO_COLOR is not set (https://no-color.org).
type screen struct {
	io.Writer
	live bool // a terminal, which can be cleared
	dull bool // no colours
}

func newScreen(out io.Writer) *screen {
	s := &screen{Writer: out, dull: true}
	if f, ok := out.(interface{ Fd() uintptr }); ok && term.IsTerminal(int(f.Fd())) {
		s.live = true
		s.dull = os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb"
	}
	return s
}

// printf writes; where nobody can be written to, nobody reads an error either.
func (s *screen) printf(format string, args ...any) { fmt.Fprintf(s, format, args...) }

// paint is a text in a colour.
func (s *screen) paint(c colour, text string) string {
	if s.dull || c == plain || text == "" {
		return text
	}
	return string(c) + text + "\x1b[0m"
}

// clear is what brings a terminal to an empty screen; on anything else a line keeps the pages apart.
func (s *screen) clear() string {
	if s.live {
		return "\x1b[H\x1b[2J"
	}
	return "\n"
}

// cell is a text of a table.
type cell struct {
	text  string
	paint colour
}

// table is rows of cells in columns that are as wide as they need to be.
type table struct{ rows [][]cell }

// row adds a row of texts and cells.
func (t *table) row(cells ...any) {
	row := make([]cell, len(cells))
	for i, c := range cells {
		switch c := c.(type) {
		case cell:
			row[i] = c
		case string:
			row[i].text = c
		default:
			row[i].text = fmt.Sprint(c)
		}
	}
	t.rows = append(t.rows, row)
}

// write shows the table, each line after an indent.
func (t *table) write(s *screen, indent string) {
	var widths []int
	for _, row := range t.rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(c.text))
		}
	}
	for _, row := range t.rows {
		var line strings.Builder
		blank := 0
		for i, c := range row {
			if c.text != "" {
				line.WriteString(strings.Repeat(" ", blank) + s.paint(c.paint, c.text))
				blank = 0
			}
			blank += widths[i] - utf8.RuneCountInString(c.text) + 2
		}
		s.printf("%s%s\n", indent, line.String())
	}
}

// stateColour is that of a connector's or task's state.
func stateColour(state string) colour {
	switch state {
	case "RUNNING":
		return green
	case "FAILED":
		return red
	}
	return yellow
}

func stateCell(state string) cell { return cell{state, stateColour(state)} }
