package avro

// records keeps what was made of the records of two schemas, and what is being made, so that a record within itself finds it. The zero records is ready.
type records[K comparable, V any] struct {
	made   map[K]*V
	failed map[K]error
	order  []K // of made
}

// make returns what was made for of, or has fill make it of v. A record within itself is taken to succeed: if it turns out not to, what was made with
// that belief goes with it.
func (r *records[K, V]) make(of K, v *V, fill func() error) (*V, error) {
	if made := r.made[of]; made != nil {
		return made, nil
	}
	if err := r.failed[of]; err != nil {
		return nil, err
	}
	if r.made == nil {
		r.made, r.failed = map[K]*V{}, map[K]error{}
	}
	before := len(r.order)
	r.made[of], r.order = v, append(r.order, of)
	if err := fill(); err != nil {
		for _, made := range r.order[before:] {
			delete(r.made, made)
		}
		r.order, r.failed[of] = r.order[:before], err
		return nil, err
	}
	return v, nil
}
