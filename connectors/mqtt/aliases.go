package mqtt

import lru "container/list"

// aliases numbers the topics that were used last on one connection, as many as the server takes (MQTT 5 3.3.2.3.4). The zero value must not be asked.
type aliases struct {
	most   int
	known  map[string]*lru.Element
	recent lru.List // of alias; the least recently used at the end
}

type alias struct {
	topic  string
	number uint16
}

func newAliases(most int) aliases {
	return aliases{most: most, known: make(map[string]*lru.Element, most)}
}

// of returns a topic's number, and whether the server knows it already.
func (a *aliases) of(topic string) (number uint16, known bool) {
	if at := a.recent.Front(); at != nil && at.Value.(*alias).topic == topic {
		return at.Value.(*alias).number, true
	}
	if at, ok := a.known[topic]; ok {
		a.recent.MoveToFront(at)
		return at.Value.(*alias).number, true
	}
	if len(a.known) < a.most {
		n := &alias{topic: topic, number: uint16(len(a.known) + 1)}
		a.known[topic] = a.recent.PushFront(n)
		return n.number, false
	}
	at := a.recent.Back()
	n := at.Value.(*alias)
	delete(a.known, n.topic)
	n.topic = topic
	a.known[topic] = at
	a.recent.MoveToFront(at)
	return n.number, false
}
