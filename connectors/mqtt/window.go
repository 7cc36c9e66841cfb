package mqtt

// windowed is a peer whose connections of MQTT 3.1.1, which has no Receive Maximum, stop reading when too much is unanswered.
type windowed interface{ window() gate }

// window holds back the reader while the queue has no room or too many messages wait for their acknowledgement.
type window struct {
	*queue
	subscriber *subscriber
	limit      int
}

func (w *window) open() bool { return w.queue.open() && w.subscriber.unanswered() < w.limit }

func (w *window) wait(quit <-chan struct{}) {
	for !w.open() {
		select {
		case <-w.queue.room:
		case <-w.subscriber.answered:
		case <-quit:
			return
		}
	}
}
