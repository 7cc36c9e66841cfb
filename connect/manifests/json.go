package manifests

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// parseJSON reads one JSON value after another until the end.
func parseJSON(data []byte) ([]value, error) {
	r := jsonReader{data: data, decoder: json.NewDecoder(bytes.NewReader(data))}
	r.decoder.UseNumber()
	var all []value
	for {
		t, err := r.decoder.Token()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, r.wrong(err)
		}
		v, err := r.value(t, 0)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
}

type jsonReader struct {
	data    []byte
	decoder *json.Decoder
}

func (r *jsonReader) line(offset int64) int {
	return 1 + bytes.Count(r.data[:min(offset, int64(len(r.data)))], []byte("\n"))
}

func (r *jsonReader) wrong(err error) error {
	at := r.decoder.InputOffset()
	if syntax := new(json.SyntaxError); errors.As(err, &syntax) {
		at = syntax.Offset
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		at, err = int64(len(bytes.TrimSpace(r.data))), errors.New("it ends too early")
	}
	return &parseError{line: r.line(at), cause: fmt.Errorf("this is not JSON: %w", err)}
}

func (r *jsonReader) next() (json.Token, error) {
	t, err := r.decoder.Token()
	if err != nil {
		err = r.wrong(err)
	}
	return t, err
}

func (r *jsonReader) value(t json.Token, deep int) (value, error) {
	v := value{line: r.line(r.decoder.InputOffset())}
	if deep > depth {
		return v, &parseError{line: v.line, cause: errDepth}
	}
	switch t := t.(type) {
	case json.Delim:
		if t == '{' {
			v.kind = object
		} else {
			v.kind = list
		}
		for r.decoder.More() {
			t, err := r.next()
			if err != nil {
				return v, err
			}
			if v.kind == list {
				item, err := r.value(t, deep+1)
				if err != nil {
					return v, err
				}
				v.items = append(v.items, item)
				continue
			}
			name := t.(string) // the decoder takes nothing else for a name
			if t, err = r.next(); err != nil {
				return v, err
			}
			one, err := r.value(t, deep+1)
			if err != nil {
				return v, err
			}
			v.members = append(v.members, member{name, one})
		}
		_, err := r.next() // its end
		return v, err
	case string:
		v.kind, v.text = text, t
	case json.Number:
		v.kind, v.text = text, t.String()
	case bool:
		v.kind, v.text = text, fmt.Sprint(t)
	}
	return v, nil
}
