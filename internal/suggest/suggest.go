// Package suggest finds the name that a person most likely meant. It knows
// nothing of what the names are for.
package suggest

// maxWord is the longest word that is compared, in octets.
const maxWord = 60

// Nearest is the name closest to word, or "" when none is close. Of names at
// the same distance the first counts.
func Nearest(word string, names []string) string {
	if len(word) > maxWord {
		return ""
	}
	best, limit := "", min(3, 1+len(word)/3)
	for _, name := range names {
		if d := distance(word, name); d < limit {
			best, limit = name, d
		}
	}
	return best
}

// Slip is the name that word misses by one letter, or "" for none.
func Slip(word string, names []string) string {
	if len(word) > maxWord {
		return ""
	}
	for _, name := range names {
		if distance(word, name) == 1 {
			return name
		}
	}
	return ""
}

// distance is the number of letters to insert, delete, change or swap to make
// b of a (optimal string alignment).
func distance(a, b string) int {
	before, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next := make([]int, len(b)+1)
		next[0] = i
		for j := 1; j <= len(b); j++ {
			change := row[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			next[j] = min(row[j]+1, next[j-1]+1, change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}
