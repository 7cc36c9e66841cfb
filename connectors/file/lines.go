package file

import (
	"bytes"
	"errors"
	"io"
	"strings"
)

const (
	// chunkBytes is how much is read at once.
	chunkBytes = 128 << 10
	// firstBytes is how much at first: most files of a worker with hundreds have little to say.
	firstBytes = 4 << 10
)

// maxLine bounds the memory of a line whose end does not come.
const maxLine = 64 << 20

// errLineTooLong is about what is read, not about how: the same bytes fail again.
var errLineTooLong = errors.New("a line is longer than 64 MiB")

// lines cuts lines out of what is read. A line ends at \n, \r\n, or a lone \r that another byte follows; one whose end is missing waits for it.
// Whatever is complete becomes one string a read, which the lines share: that is the only allocation.
type lines struct {
	buf  []byte // read and not yet text: the start of a line
	full bool   // the last read left nothing of buf free: there may be much more
	text string // complete lines, not yet cut
}

// next cuts a line. size counts its bytes with its end.
func (l *lines) next() (line string, size int, ok bool) {
	if l.text == "" {
		return "", 0, false
	}
	end := strings.IndexByte(l.text, '\n')
	head := l.text
	if end >= 0 {
		head = l.text[:end]
	}
	line, size = head, end+1
	if cr := strings.IndexByte(head, '\r'); cr >= 0 {
		line = head[:cr]
		if end < 0 || cr < len(head)-1 {
			size = cr + 1
		}
	}
	l.text = l.text[size:]
	return line, size, true
}

// fill reads once. It must be called only when next has cut all there was.
func (l *lines) fill(r io.Reader) (n int, err error) {
	switch free := cap(l.buf) - len(l.buf); {
	case l.buf == nil:
		l.buf = make([]byte, 0, firstBytes)
	case l.full && cap(l.buf) < chunkBytes:
		l.buf = append(make([]byte, 0, chunkBytes), l.buf...)
	case free >= cap(l.buf)/4:
	case len(l.buf) >= maxLine:
		return 0, errLineTooLong
	default:
		l.buf = append(make([]byte, 0, 2*cap(l.buf)), l.buf...)
	}
	had := len(l.buf)
	n, err = r.Read(l.buf[had:cap(l.buf)])
	l.buf = l.buf[:had+n]
	l.full = len(l.buf) == cap(l.buf)
	if complete := completeUpTo(l.buf, had); complete > 0 {
		l.text = string(l.buf[:complete])
		l.buf = append(l.buf[:0], l.buf[complete:]...)
	}
	return n, err
}

// completeUpTo is the end of the last line that is complete. Of the first had bytes only the last may end a line: a \r.
func completeUpTo(buf []byte, had int) (end int) {
	from := max(0, had-1)
	if nl := bytes.LastIndexByte(buf[from:], '\n'); nl >= 0 {
		from += nl + 1
		end = from
	}
	if from < len(buf) {
		if cr := bytes.LastIndexByte(buf[from:len(buf)-1], '\r'); cr >= 0 {
			end = from + cr + 1
		}
	}
	return end
}
