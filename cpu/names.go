package cpu

import "slices"

// FeatureNames are what features may be called, by alphabet.
func FeatureNames() (names []string) {
	for _, f := range featureTable() {
		names = append(names, f.name)
	}
	slices.Sort(names)
	return names
}
