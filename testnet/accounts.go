package testnet

import (
	"github.com/aiwork/aiwork-node/crypto/hd"
	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/must"
)

// Mnemonic is the phrase that development tools use for funded test accounts. Its keys are public: money
// sent to them on a real network is anybody's.
const Mnemonic = "test test test test test test test test test test test junk"

// AccountsMax is the number of funded accounts of a devnet.
const AccountsMax = 10

// Account gives the key of test account i: 0 to 9 are free for users, those from 10 on belong to the
// validators and those from 100 on to the workers.
func Account(i int) secp.PrivateKey {
	key, err := hd.Account(Mnemonic, "", uint32(i))
	must.Hold(err == nil, "testnet: the test mnemonic derives keys")
	return key
}

const (
	firstValidatorAccount = 10
	firstWorkerAccount    = 100
)
