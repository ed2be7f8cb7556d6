package query

import (
	"math"
	"math/big"
	"strings"
)

// MaxSize is the largest size in octets there can be (RFC 9051 "number64").
const MaxSize = math.MaxInt64

// maxSizeDigits bounds how long the number of a size may be.
const maxSizeDigits = 32

const sizeHint = "a size is octets (1000), or a number with K, M or G (powers of 1024) or KB, MB or GB (powers of 1000)"

// ParseSize reads a size in octets: a plain number, or a number with or
// without a fraction and a unit. K, M and G are powers of 1024, KB, MB and GB
// powers of 1000, in any letter case; parts of an octet are dropped. Errors are
// fault.Usage.
func ParseSize(s string) (uint64, error) {
	bad := func(why string) error { return usage("%s is not a size%s", quote(s), why).Hint(sizeHint) }
	number := strings.TrimRight(s, "kKmMgGbB")
	var unit int64
	switch strings.ToUpper(s[len(number):]) {
	case "":
		unit = 1
	case "K":
		unit = 1 << 10
	case "M":
		unit = 1 << 20
	case "G":
		unit = 1 << 30
	case "KB":
		unit = 1e3
	case "MB":
		unit = 1e6
	case "GB":
		unit = 1e9
	default:
		return 0, bad("")
	}
	whole, fraction, dotted := strings.Cut(number, ".")
	switch {
	case whole == "" || dotted && fraction == "" || strings.Trim(whole+fraction, "0123456789") != "":
		return 0, bad("")
	case dotted && unit == 1:
		return 0, bad(": octets are whole")
	case len(number) > maxSizeDigits:
		return 0, bad(": too many digits")
	}
	octets, _ := new(big.Rat).SetString(number) // digits and one point: always a number
	octets.Mul(octets, new(big.Rat).SetInt64(unit))
	n := new(big.Int).Quo(octets.Num(), octets.Denom())
	if !n.IsInt64() {
		return 0, bad(": too large")
	}
	return n.Uint64(), nil
}
