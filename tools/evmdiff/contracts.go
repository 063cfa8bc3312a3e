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
	built, err := read(name)
	return built.Bytecode, err
}

// Runtime gives the code that the contract has afterwards, with zeros for what its creation works out.
func Runtime(name string) ([]byte, error) {
	built, err := read(name)
	return built.DeployedBytecode, err
}

type built struct {
	Bytecode         hexBytes `json:"bytecode"`
	DeployedBytecode hexBytes `json:"deployedBytecode"`
}

type hexBytes []byte

func (b *hexBytes) UnmarshalText(text []byte) (err error) {
	*b, err = hex.DecodeString(strings.TrimPrefix(string(text), "0x"))
	return err
}

func read(name string) (b built, err error) {
	text, err := os.ReadFile(filepath.Join("..", "..", "contracts", "build", name+".json"))
	if err != nil {
		return b, err
	}
	if err := json.Unmarshal(text, &b); err != nil {
		return b, fmt.Errorf("contract %s: %w", name, err)
	}
	return b, nil
}

// Input gives the call data of a function with one number as its argument.
func Input(function string, n uint64) []byte {
	id := keccak.Sum256([]byte(function + "(uint256)"))
	word := uint256.NewInt(n).Bytes32()
	return append(id[:4:4], word[:]...)
}
