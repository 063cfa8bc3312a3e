package genesis

import "github.com/aiwork/aiwork-node/internal/chain"

// DeployerAddress is where Ethereum's tools expect the deterministic deployment proxy
// (github.com/Arachnid/deterministic-deployment-proxy): whoever sends it a salt and creation code gets a
// contract at an address that is the same on every chain. Its usual transaction is signed for no chain in
// particular, which the pool refuses, so it stands here from block 0.
func DeployerAddress() chain.Address {
	return chain.Address{
		0x4e, 0x59, 0xb4, 0x48, 0x47, 0xb3, 0x79, 0x57, 0x85, 0x88, 0x92, 0x0c, 0xA7, 0x8F, 0xbF, 0x26, 0xc0, 0xB4, 0x95, 0x6C,
	}
}

// deployerCode is the proxy's code: create2(callvalue, 0, calldatasize - 32, salt = first word), the address
// back, or a revert.
func deployerCode() []byte {
	return []byte("\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" +
		"\xff\xff\xff\xff\xff\xff\xe0\x36\x01\x60\x00\x81\x60\x20\x82\x37\x80\x35\x82\x82\x34\xf5\x80\x15\x15\x60" +
		"\x39\x57\x81\x82\xfd\x5b\x80\x82\x52\x50\x50\x50\x60\x14\x60\x0c\xf3")
}
