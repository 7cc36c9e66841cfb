package process

import "sync"

// spoken logs what a process prints by way of go-plugin, which takes standard output and error for itself in a plugin that serves, unless they are taken back,
// as Sluice's SDK does. It is an io.Writer for go-plugin.
type spoken struct {
	mu    sync.Mutex
	lines lines
	over  bool
}

// Write implements io.Writer.
func (s *spoken) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over {
		s.lines.write(p)
		s.lines.report(false)
	}
	return len(p), nil
}

// end logs what there is, and nothing more.
func (s *spoken) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	s.lines.close()
}
