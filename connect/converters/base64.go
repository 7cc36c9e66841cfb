package converters

import (
	"encoding/base64"
	"fmt"

	"github.com/sluice-connect/sluice/connect"
)

// decodeBase64 appends to out, which has room for it, what Jackson reads in base64: padding is required, white space may stand between groups of four, and after the
// padding another text may follow.
func decodeBase64(out []byte, text string) ([]byte, error) {
	if plain, err := base64.StdEncoding.AppendDecode(out, bytesOf(text)); err == nil {
		return plain, nil
	}
	for at := 0; ; {
		for at < len(text) && text[at] <= ' ' {
			at++
		}
		if at == len(text) {
			return out, nil
		}
		end := min(at+4, len(text))
		decoded, err := base64.StdEncoding.AppendDecode(out, bytesOf(text[at:end]))
		if err != nil {
			return nil, fmt.Errorf("%w: not base64 at character %d", connect.ErrData, at)
		}
		out, at = decoded, end
	}
}
