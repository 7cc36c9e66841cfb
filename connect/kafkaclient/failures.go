package kafkaclient

import "github.com/IBM/sarama"

// failures stand between sarama and the owner of a producer. Sarama goes on with what follows a failed batch as soon as its last failure is taken,
// so whoever takes it cannot be quick enough to keep the next batch back. Therefore each write to Kafka takes a turn here first, and while a
// failure is judged there is none.
type failures struct {
	passed chan *sarama.ProducerError
	turns  chan struct{} // closed when no more failures come
}

func newFailures() *failures {
	return &failures{passed: make(chan *sarama.ProducerError), turns: make(chan struct{})}
}

// watch has each failure judged and passes it on, until there are no more.
func (f *failures) watch(from <-chan *sarama.ProducerError, judge func(*sarama.ProducerError)) {
	defer close(f.passed)
	defer close(f.turns)
	for {
		select {
		case e, ok := <-from:
			if !ok {
				return
			}
			judge(e)
			f.pass(e)
		case f.turns <- struct{}{}:
		}
	}
}

// pass hands a failure to the owner, who may be busy: writes go on meanwhile.
func (f *failures) pass(e *sarama.ProducerError) {
	for {
		select {
		case f.passed <- e:
			return
		case f.turns <- struct{}{}:
		}
	}
}
