package evmdiff

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/crypto/keccak"
)

// Creation gives the creation code of a contract of the folder contracts.
func Creation(name string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join("..", "..", "contracts", "build", name+".json"))
	if err != nil {
		return nil, err
	}
	var built struct {
		Bytecode string `json:"bytecode"`
	}
	if err := json.Unmarshal(text, &built); err != nil {
		return nil, fmt.Errorf("contract %s: %w", name, err)
	}
	return hex.DecodeString(strings.TrimPrefix(built.Bytecode, "0x"))
}

// Input gives the call data of a function with one number as its argument.
func Input(function string, n uint64) []byte {
	id := keccak.Sum256([]byte(function + "(uint256)"))
	word := uint256.NewInt(n).Bytes32()
	return append(id[:4:4], word[:]...)
}
