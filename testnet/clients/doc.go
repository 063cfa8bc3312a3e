// Package clients holds tests that run the Ethereum clients that people use against a real devnet: Foundry's
// cast and forge, viem, ethers, web3 and hardhat, in the versions that package.json pins. They show that
// wallets, SDKs and tools work unchanged; the package has no code of its own.
//
// Nouns: a flow is one thing that an application does with a chain, such as deploying or subscribing to
// logs; the table says which client passes which flow, and stands in docs/ethereum.md. A flow that a client
// does not have, or that would only be a raw request there, has a dash.
//
// The JavaScript programs report a line for each flow; cast's flows are written in Go; forge and hardhat
// treat this folder as their project. contracts/ is what they deploy.
//
// The clients are npm packages: `npm ci --ignore-scripts --prefix testnet/clients` installs them. A test whose
// client is not there is skipped, or fails under AIWORK_TEST_ALL=1. To see what another node answers to the
// same flows, run `go test ./testnet/clients -v -node URL` on one with chain id 20260 and the usual
// mnemonic; what only this chain has fails there.
package clients
