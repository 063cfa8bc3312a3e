module github.com/aiwork/aiwork-node/tools/llamaref

go 1.26.8

require github.com/aiwork/aiwork-node v0.0.0

require (
	github.com/decred/dcrd/dcrec/secp256k1/v4 v4.4.1 // indirect
	github.com/holiman/uint256 v1.3.2 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace github.com/aiwork/aiwork-node => ../..
