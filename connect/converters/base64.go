package converters

import (
	"encoding/base64"
	"fmt"

	"github.com/sluice-connect/sluice/connect"
)

// decodeBase64 is Jackson's reading of base64: padding is required, white space may stand between groups of four, and after the
// padding another text may follow.
func decodeBase64(text string) ([]byte, error) {
	out := make([]byte, 0, base64.StdEncoding.DecodedLen(len(text)))
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
