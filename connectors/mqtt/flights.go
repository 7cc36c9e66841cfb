package mqtt

// flights is a queue of flights in a ring that grows to the size of the window and stays there. The zero value is empty.
type flights struct {
	ring []flight // a power of two long
	head int
	n    int
	ripe int // flights at the head that are done
}

func (w *flights) at(i int) *flight { return &w.ring[(w.head+i)&(len(w.ring)-1)] }

func (w *flights) push(f flight) {
	if w.n == len(w.ring) {
		w.grow()
	}
	w.n++
	*w.at(w.n - 1) = f
	w.ripen()
}

func (w *flights) grow() {
	ring := make([]flight, max(64, 2*len(w.ring)))
	for i := range w.n {
		ring[i] = *w.at(i)
	}
	w.ring, w.head = ring, 0
}

func (w *flights) pop() (flight, bool) {
	if w.n == 0 {
		return flight{}, false
	}
	f := w.ring[w.head]
	w.head = (w.head + 1) & (len(w.ring) - 1)
	w.n--
	w.ripe = max(0, w.ripe-1)
	return f, true
}

// settle marks the flight of a record as done. Receipts come in the order of the records and so nearly always name the first
// that is not done; only after a redelivery the search goes further. It returns nil for a record of no flight.
func (w *flights) settle(tag uint64) *flight {
	for i := w.ripe; i < w.n; i++ {
		if f := w.at(i); f.tag == tag {
			f.done = true
			w.ripen()
			return f
		}
	}
	return nil
}

func (w *flights) ripen() {
	for w.ripe < w.n && w.at(w.ripe).done {
		w.ripe++
	}
}
