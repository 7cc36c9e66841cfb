package kafkaclient

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"

	"github.com/IBM/sarama"
)

// sink is where sarama's texts go; nil drops them.
var sink atomic.Pointer[slog.Logger]

// Sarama has one logger for the whole process, and reads it on every goroutine: so it is set before any of these begins, and never again.
func init() {
	sarama.Logger = saramaLog{slog.LevelDebug}
	sarama.DebugLogger = saramaLog{slog.LevelDebug - 4}
}

// LogTo sends what sarama logs to log at level debug, for the whole process, from now on. Sarama's texts hold host names, topics and errors but no
// credentials. It may be called from any goroutine.
func LogTo(log *slog.Logger) { sink.Store(log) }

// saramaLog is a [sarama.StdLogger].
type saramaLog struct{ level slog.Level }

func (l saramaLog) enabled() bool {
	log := sink.Load()
	return log != nil && log.Enabled(context.Background(), l.level)
}

func (l saramaLog) write(text string) {
	sink.Load().Log(context.Background(), l.level, "sarama: "+strings.TrimSpace(text))
}

func (l saramaLog) Print(v ...any) {
	if l.enabled() {
		l.write(fmt.Sprint(v...))
	}
}

func (l saramaLog) Printf(format string, v ...any) {
	if l.enabled() {
		l.write(fmt.Sprintf(format, v...))
	}
}

func (l saramaLog) Println(v ...any) {
	if l.enabled() {
		l.write(fmt.Sprintln(v...))
	}
}
