package genesis

import (
	"testing"

	"github.com/aiwork/aiwork-node/crypto/keccak"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// The hash is that of the code at this address on Ethereum's main network, as EXTCODEHASH gives it there.
func TestDeployerCode(t *testing.T) {
	got, want := chain.Hash(keccak.Sum256(deployerCode())).String(), "0x2fa86add0aed31f33a762c9d88e807c475bd51d0f52bd0955754b2608f7e4989"
	if got != want {
		t.Errorf("code hash: got %s, want %s", got, want)
	}
	if got, want := DeployerAddress().String(), "0x4e59b44847b379578588920cA78FbF26c0B4956C"; got != want {
		t.Errorf("address: got %s, want %s", got, want)
	}
}
