package options

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// maxSize is far above any size that makes sense, and below what an int64 holds.
const maxSize = 1 << 62

// ParseSize reads "512", "0x200", "512M", "1.5G" (B, K, M, G, T, P, E in either case); unit is what a bare number counts.
func ParseSize(s string, unit uint64) (uint64, error) {
	mult, digits := float64(unit), s
	hex := strings.HasPrefix(s, "0x") || strings.HasPrefix(s, "0X")
	if n := len(s); n > 0 {
		i := strings.IndexByte("bkmgtpe", s[n-1]|0x20)
		if i >= 0 && !(hex && (i == 0 || i == 6)) { // B and E are digits then
			mult, digits = math.Ldexp(1, 10*i), s[:n-1]
		}
	}
	if n, err := strconv.ParseUint(digits, 0, 64); err == nil && float64(n)*mult < maxSize {
		return n * uint64(mult), nil
	}
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil || hex || math.IsNaN(f) || f < 0 || f*mult >= maxSize {
		return 0, fmt.Errorf("%q is not a size", s)
	}
	return uint64(f * mult), nil
}

// maxWord bounds the work of finding the nearest name to a word.
const maxWord = 64

// Nearest is the candidate that takes the fewest edits; among equals the first by alphabet.
func Nearest(word string, candidates []string) string {
	best, least := "", 1<<30
	word = word[:min(len(word), maxWord)]
	for _, c := range slices.Sorted(slices.Values(candidates)) {
		if d := distance(word, c); d < least {
			best, least = c, d
		}
	}
	return best
}

// distance is Levenshtein's: single-letter insertions, deletions and replacements.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diag
			if a[i] != b[j] {
				cost++
			}
			diag = row[j+1]
			row[j+1] = min(cost, row[j]+1, diag+1)
		}
	}
	return row[len(b)]
}
