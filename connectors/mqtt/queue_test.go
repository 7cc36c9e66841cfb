package mqtt

import (
	"testing"

	"github.com/eclipse/paho.golang/packets"
	"github.com/stretchr/testify/assert"
)

// pushed is what is left of a full queue's messages, by their times of arrival; those with a number divisible by 3 have QoS 1.
func pushed(o overflow) (left []int64, dropped int) {
	q := newQueue(6, 1<<20, o)
	for i := range int64(15) {
		m := message{pub: packets.Publish{}, at: i}
		if i%3 == 0 {
			m.tag = 1
		}
		q.push([]message{m})
	}
	got := q.take(nil)
	for _, m := range got {
		left = append(left, m.at)
	}
	waiting, arrived := q.state()
	if waiting != len(got) || arrived+q.dropped < 15 {
		panic("miscounted")
	}
	return left, q.takeDropped()
}

func TestAFullQueueForgetsMessagesOfQoS0AsAsked(t *testing.T) {
	left, dropped := pushed(dropNewest)
	assert.Equal(t, []int64{0, 1, 2, 3, 4, 5, 6, 9, 12}, left)
	assert.Equal(t, 6, dropped)
	left, dropped = pushed(dropOldest)
	assert.Equal(t, []int64{0, 3, 6, 9, 10, 11, 12, 13, 14}, left, "those of QoS 1 stay, and the newest of the others")
	assert.Equal(t, 6, dropped)
	q := newQueue(1, 1<<20, blockReader)
	q.push([]message{{}})
	assert.False(t, q.open())
	q.take(nil)
	q.drop(1, (&message{}).size())
	assert.True(t, q.open())
}
