package golden

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

var floats = regexp.MustCompile(`-?\d+\.\d+(E-?\d+)?`)

// Shortest is want with the floats that Java did not write in their shortest form put as got has them. The vectors are made with JDK 17, whose
// Float.toString and Double.toString write 2.14748365E9 where JDK 19 and later, as Sluice does, write 2.1474836E9 (JDK-4511638).
func Shortest(want, got string) string {
	have := floats.FindAllString(got, -1)
	return floats.ReplaceAllStringFunc(want, func(w string) string {
		for _, g := range have {
			if g == w {
				return w
			}
		}
		for _, g := range have {
			if len(g) < len(w) && sameFloat(w, g) {
				return g
			}
		}
		return w
	})
}

// sameFloat says whether two texts are the same float of 64 bits or, with no more digits than such a one has, of 32.
func sameFloat(a, b string) bool {
	bits := []int{64}
	if digits := strings.Trim(strings.ReplaceAll(strings.Split(a, "E")[0], ".", ""), "-0"); len(digits) <= 9 {
		bits = []int{64, 32}
	}
	for _, n := range bits {
		x, errX := strconv.ParseFloat(a, n)
		y, errY := strconv.ParseFloat(b, n)
		if errX == nil && errY == nil && x == y {
			return true
		}
	}
	return false
}

// equal compares values as [connect.Value.Equal] does, and the floats in strings by [Shortest].
func equal(want, got connect.Value) bool {
	if want.Equal(got) {
		return true
	}
	if want.Kind() != got.Kind() {
		return false
	}
	switch want.Kind() {
	case connect.KindString:
		return Shortest(want.Str(), got.Str()) == got.Str()
	case connect.KindArray:
		return allEqual(want.Array(), got.Array())
	case connect.KindStruct:
		w, g := want.Struct(), got.Struct()
		if !w.Schema().Equal(g.Schema()) {
			return false
		}
		for i := range w.Schema().Fields() {
			if !equal(w.At(i), g.At(i)) {
				return false
			}
		}
		return true
	case connect.KindMap:
		w, g := want.Map(), got.Map()
		for _, e := range w.Entries() {
			if v, ok := g.Get(e.Key); !ok || !equal(e.Value, v) {
				return false
			}
		}
		return w.Len() == g.Len()
	default:
		return false
	}
}

func allEqual(want, got []connect.Value) bool {
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if !equal(want[i], got[i]) {
			return false
		}
	}
	return true
}
