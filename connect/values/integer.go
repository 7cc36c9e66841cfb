package values

import (
	"encoding/binary"
	"math/bits"
)

// AppendInteger appends n in decimal digits, eight at a time.
func AppendInteger(dst []byte, n int64) []byte {
	u := uint64(n)
	if n < 0 {
		dst, u = append(dst, '-'), -u
	}
	return appendDigits(dst, u)
}

func appendDigits(dst []byte, u uint64) []byte {
	const most = 1e8 // below it are eight digits
	switch {
	case u < 10:
		return append(dst, byte('0'+u))
	case u < 100:
		return append(dst, byte('0'+u/10), byte('0'+u%10))
	case u < most:
		return appendLeading(dst, u)
	case u < most*most:
		dst = appendLeading(dst, u/most)
	default:
		dst = appendLeading(dst, u/(most*most))
		dst = binary.LittleEndian.AppendUint64(dst, zeros|eightDigits(u/most%most))
	}
	return binary.LittleEndian.AppendUint64(dst, zeros|eightDigits(u%most))
}

// zeros are eight times the digit 0.
const zeros = 0x3030303030303030

// appendLeading appends a number from 1 to 99999999 without zeros in front. How many digits it has does not wait for them, nor does what is written next.
func appendLeading(dst []byte, u uint64) []byte {
	none := 8 - size(u)
	dst = binary.LittleEndian.AppendUint64(dst, (zeros|eightDigits(u))>>(8*none))
	return dst[:len(dst)-int(none)]
}

// size is the number of digits of a number from 1 to 99999999. 1233 / 4096 is the logarithm of 2: what it gives is the size or one less.
func size(u uint64) uint {
	n := uint(bits.Len64(u)) * 1233 >> 12
	if u >= powers[n&15] {
		n++
	}
	return n
}

var powers = [16]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8}

// eightDigits are the digits of a number below 10^8, the first in the lowest byte: it is cut in halves of four digits, these in pairs, these in digits,
// all of a size at once.
func eightDigits(u uint64) uint64 { return fourDigits(u/10000 | u%10000<<32) }

// fourDigits are the digits of a number below 10^4, and of another in the upper half. The factors and shifts divide by 100 and by 10.
func fourDigits(halves uint64) uint64 {
	hundreds := halves * 10486 >> 20 & 0x0000007f0000007f
	pairs := hundreds | (halves-hundreds*100)<<16
	tens := pairs * 103 >> 10 & 0x000f000f000f000f
	return tens | (pairs-tens*10)<<8
}
