package objects

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/bits"

	"lukechampine.com/blake3"
	"lukechampine.com/blake3/guts"

	"github.com/aiwork/aiwork-node/p2p"
)

// Limits of an object; peers know them.
const (
	BytesMax   = p2p.ObjectBytesMax
	GroupBytes = p2p.ObjectGroupBytes
	groupsMax  = BytesMax / GroupBytes
)

// ID is the BLAKE3-256 hash of an object's bytes.
type ID [32]byte

// String gives 0x and 64 hexadecimal digits.
func (id ID) String() string { return "0x" + hex.EncodeToString(id[:]) }

// A Tree is what is needed to check an object group by group.
type Tree struct {
	Size int64      // bytes of the object
	Sums [][32]byte // chaining value of each group; of a single one, the id itself
}

// GroupCount is how many groups an object of so many bytes has.
func GroupCount(size int64) int { return int((size + GroupBytes - 1) / GroupBytes) }

// GroupSize gives the bytes of group i: GroupBytes for all but the last.
func (t *Tree) GroupSize(i int) int {
	return int(min(t.Size-int64(i)*GroupBytes, GroupBytes))
}

// TreeOf reads size bytes and gives their tree and id.
func TreeOf(r io.Reader, size int64) (*Tree, ID, error) {
	if size < 1 || size > BytesMax {
		return nil, ID{}, fmt.Errorf("object of %d bytes, want 1 to %d", size, int64(BytesMax))
	}
	t := &Tree{Size: size, Sums: make([][32]byte, GroupCount(size))}
	buf := make([]byte, min(size, GroupBytes))
	for i := range t.Sums {
		group := buf[:t.GroupSize(i)]
		if _, err := io.ReadFull(r, group); err != nil {
			return nil, ID{}, err
		}
		t.Sums[i] = t.sum(i, group)
	}
	return t, t.Root(), nil
}

// Root gives the id that the sums stand for.
func (t *Tree) Root() ID {
	if len(t.Sums) == 1 {
		return t.Sums[0]
	}
	return bytesOf(guts.ChainingValue(parentOf(t.Sums, guts.FlagRoot)))
}

// parentOf joins two or more sums: the left side has the largest power of two of them that leaves a right side.
func parentOf(sums [][32]byte, flags uint32) guts.Node {
	mid := 1 << (bits.Len(uint(len(sums)-1)) - 1)
	return guts.ParentNode(valueOf(sums[:mid]), valueOf(sums[mid:]), &guts.IV, flags)
}

func valueOf(sums [][32]byte) [8]uint32 {
	if len(sums) == 1 {
		return wordsOf(sums[0])
	}
	return guts.ChainingValue(parentOf(sums, 0))
}

// Fits tells whether data is group i.
func (t *Tree) Fits(i int, data []byte) bool {
	return i >= 0 && i < len(t.Sums) && len(data) == t.GroupSize(i) && t.sum(i, data) == t.Sums[i]
}

func (t *Tree) sum(i int, group []byte) [32]byte {
	if len(t.Sums) == 1 {
		return blake3.Sum256(group)
	}
	return bytesOf(groupValue(group, uint64(i)*(GroupBytes/guts.ChunkSize)))
}

// groupValue gives the chaining value of a group whose first chunk has this number. Subtrees of sixteen chunks are
// joined as soon as two of a height stand side by side.
func groupValue(group []byte, chunk uint64) [8]uint32 {
	const subtreeBytes = guts.MaxSIMD * guts.ChunkSize
	var stack [][8]uint32
	var buf [subtreeBytes]byte
	for done := uint64(0); len(group) > 0; done++ {
		n := copy(buf[:], group)
		group = group[n:]
		stack = append(stack, guts.ChainingValue(guts.CompressBuffer(&buf, n, &guts.IV, chunk+done*guts.MaxSIMD, 0)))
		if len(group) == 0 {
			break
		}
		for height := done + 1; height%2 == 0; height /= 2 {
			stack = joinTop(stack)
		}
	}
	for len(stack) > 1 {
		stack = joinTop(stack)
	}
	return stack[0]
}

func joinTop(stack [][8]uint32) [][8]uint32 {
	n := len(stack)
	stack[n-2] = guts.ChainingValue(guts.ParentNode(stack[n-2], stack[n-1], &guts.IV, 0))
	return stack[:n-1]
}

func bytesOf(words [8]uint32) (b [32]byte) {
	for i, w := range words {
		binary.LittleEndian.PutUint32(b[4*i:], w)
	}
	return b
}

func wordsOf(b [32]byte) (words [8]uint32) {
	for i := range words {
		words[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return words
}

var errSums = errors.New("the sums of its groups do not give the object's id")

// believe makes a tree of what a peer says of an object (OBJ-1).
func believe(id ID, said p2p.ObjectSums) (*Tree, error) {
	if said.Size < 1 || said.Size > BytesMax || len(said.Sums) != GroupCount(int64(said.Size)) {
		return nil, errSums
	}
	t := &Tree{Size: int64(said.Size), Sums: said.Sums}
	if t.Root() != id || !t.Fits(len(t.Sums)-1, said.Last) {
		return nil, errSums
	}
	return t, nil
}
