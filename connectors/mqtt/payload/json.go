package payload

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/sluice-connect/sluice/connect"
)

// deepest is how far values may be nested, as in Jackson.
const deepest = 1000

// JSON decodes one JSON value. Members keep their order; of two with the same name the last one counts. Bytes that are not UTF-8, and anything after
// the value, are errors.
func JSON(data []byte) (connect.Value, error) {
	if !utf8.Valid(data) {
		return connect.Value{}, errors.New("it is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	v, err := jsonValue(dec, 0)
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return connect.Value{}, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return connect.Value{}, fmt.Errorf("there is more after the value, at byte %d", dec.InputOffset())
	}
	return v, nil
}

func jsonValue(dec *json.Decoder, depth int) (connect.Value, error) {
	token, err := dec.Token()
	if err != nil {
		return connect.Value{}, err
	}
	switch t := token.(type) {
	case string:
		return connect.String(t), nil
	case json.Number:
		return number(t.String()), nil
	case bool:
		return connect.Boolean(t), nil
	case json.Delim:
		if depth == deepest {
			return connect.Value{}, fmt.Errorf("it is nested deeper than %d", deepest)
		}
		if t == '[' {
			return jsonArray(dec, depth+1)
		}
		return jsonObject(dec, depth+1)
	}
	return connect.Value{}, nil // null
}

func jsonArray(dec *json.Decoder, depth int) (connect.Value, error) {
	list := []connect.Value{}
	for dec.More() {
		v, err := jsonValue(dec, depth)
		if err != nil {
			return connect.Value{}, err
		}
		list = append(list, v)
	}
	_, err := dec.Token()
	return connect.Array(list), err
}

func jsonObject(dec *json.Decoder, depth int) (connect.Value, error) {
	m := connect.NewMap(4)
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return connect.Value{}, err
		}
		v, err := jsonValue(dec, depth)
		if err != nil {
			return connect.Value{}, err
		}
		m.Put(connect.String(name.(string)), v)
	}
	_, err := dec.Token()
	return connect.MapOf(m), err
}
