package golden

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// Bytes are bytes in the notation {"text": ...} or {"hex": ...}; null leaves them nil.
type Bytes []byte

// UnmarshalJSON reads the notation.
func (b *Bytes) UnmarshalJSON(raw []byte) error {
	if isNull(raw) {
		*b = nil
		return nil
	}
	var n struct {
		Text *string `json:"text"`
		Hex  Hex     `json:"hex"`
	}
	if err := json.Unmarshal(raw, &n); err != nil {
		return fmt.Errorf("reading bytes %s: %w", raw, err)
	}
	*b = Bytes(n.Hex)
	if n.Text != nil {
		*b = []byte(*n.Text)
	}
	return nil
}

// Hex are the bytes of a field whose name ends in _hex; null leaves them nil.
type Hex []byte

// UnmarshalJSON reads the notation.
func (h *Hex) UnmarshalJSON(raw []byte) error {
	var text *string
	if err := json.Unmarshal(raw, &text); err != nil {
		return fmt.Errorf("reading hex %s: %w", raw, err)
	}
	if text == nil {
		*h = nil
		return nil
	}
	decoded, err := hex.DecodeString(*text)
	if err != nil {
		return fmt.Errorf("reading hex %s: %w", raw, err)
	}
	*h = append([]byte{}, decoded...)
	return nil
}
