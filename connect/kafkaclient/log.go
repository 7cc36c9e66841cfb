package kafkaclient

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/IBM/sarama"
)

// LogTo sends what sarama logs to log at level debug. sarama has one logger for the whole process: call this once, at the start, before
// the first client. sarama's texts hold host names, topics and errors but no credentials.
func LogTo(log *slog.Logger) {
	sarama.Logger = saramaLog{log, slog.LevelDebug}
	sarama.DebugLogger = saramaLog{log, slog.LevelDebug - 4}
}

// saramaLog is a [sarama.StdLogger].
type saramaLog struct {
	log   *slog.Logger
	level slog.Level
}

func (l saramaLog) enabled() bool { return l.log.Enabled(context.Background(), l.level) }

func (l saramaLog) write(text string) {
	l.log.Log(context.Background(), l.level, "sarama: "+strings.TrimSpace(text))
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
