package code

import "fmt"

// Shapes of work-groups, which launches and kernels must agree on.
const (
	Spread    = 4  // outputs of an item of a tile in each direction
	Lanes     = 32 // items that share a row of a reduction
	FlatItems = 64 // items of a work-group where each does one element
)

// Side is the number of items of a tile in each direction on a device whose work-groups have at most so many items.
func Side(groupMax int) int {
	if groupMax >= 256 {
		return 16
	}
	return 8
}

// Rows is the number of rows of a reduction that a work-group does.
func Rows(groupMax int) int {
	if groupMax >= 4*Lanes {
		return 4
	}
	return 2
}

// Defines gives the options of a compiler that say so to the kernels.
func Defines(groupMax int) string {
	return fmt.Sprintf(" -DSIDE=%d -DROWS=%d", Side(groupMax), Rows(groupMax))
}
