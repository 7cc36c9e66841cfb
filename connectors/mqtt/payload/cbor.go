package payload

import (
	"encoding/base64"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/sluice-connect/sluice/connect"
)

// cborMode reads what comes from outside: bounded in depth and in elements, no key of a map twice.
var cborMode = func() cbor.DecMode {
	mode, err := cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, IntDec: cbor.IntDecConvertNone, MaxNestedLevels: 64,
		TimeTag: cbor.DecTagIgnored, DefaultByteStringType: nil,
	}.DecMode()
	if err != nil {
		panic(err) // the options above are constants
	}
	return mode
}()

// CBOR decodes one CBOR value (RFC 8949): maps come with their members sorted by name, names that are no text as their text; tags fall off.
func CBOR(data []byte) (connect.Value, error) {
	var v any
	if err := cborMode.Unmarshal(data, &v); err != nil {
		return connect.Value{}, err
	}
	return cborValue(v)
}

func cborValue(v any) (connect.Value, error) {
	switch v := v.(type) {
	case nil:
		return connect.Value{}, nil
	case bool:
		return connect.Boolean(v), nil
	case int64:
		return connect.Int64(v), nil
	case uint64:
		return number(strconv.FormatUint(v, 10)), nil
	case big.Int:
		return number(v.String()), nil
	case float32:
		return connect.Float64(float64(v)), nil
	case float64:
		return connect.Float64(v), nil
	case string:
		return connect.String(v), nil
	case []byte:
		return connect.Bytes(v), nil
	case time.Time:
		return connect.String(v.Format(time.RFC3339Nano)), nil
	case cbor.Tag:
		return cborValue(v.Content)
	case cbor.SimpleValue:
		return connect.Int64(int64(v)), nil
	case []any:
		return cborArray(v)
	case map[any]any:
		return cborMap(v)
	}
	return connect.Value{}, fmt.Errorf("a value of type %T is not understood", v)
}

func cborArray(list []any) (connect.Value, error) {
	out := make([]connect.Value, 0, len(list))
	for _, e := range list {
		v, err := cborValue(e)
		if err != nil {
			return connect.Value{}, err
		}
		out = append(out, v)
	}
	return connect.Array(out), nil
}

func cborMap(m map[any]any) (connect.Value, error) {
	type member struct {
		name  string
		value any
	}
	members := make([]member, 0, len(m))
	for k, v := range m {
		members = append(members, member{cborName(k), v})
	}
	slices.SortFunc(members, func(a, b member) int { return strings.Compare(a.name, b.name) })
	out := connect.NewMap(len(members))
	for _, e := range members {
		v, err := cborValue(e.value)
		if err != nil {
			return connect.Value{}, err
		}
		out.Put(connect.String(e.name), v)
	}
	return connect.MapOf(out), nil
}

// cborName is the text of a map's key.
func cborName(k any) string {
	switch k := k.(type) {
	case string:
		return k
	case cbor.ByteString:
		return base64.StdEncoding.EncodeToString([]byte(k))
	}
	return fmt.Sprint(k)
}
