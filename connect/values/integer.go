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

// appendLeading appends a number from 1 to 99999999 without zeros in front.
func appendLeading(dst []byte, u uint64) []byte {
	digits := eightDigits(u)
	none := bits.TrailingZeros64(digits) &^ 7
	dst = binary.LittleEndian.AppendUint64(dst, (zeros|digits)>>none)
	return dst[:len(dst)-none/8]
}

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
