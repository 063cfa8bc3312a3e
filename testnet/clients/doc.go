// Package clients holds tests that run well-known Ethereum clients against a real devnet: Foundry's cast,
// viem and ethers, in the versions that package.json pins. They show that wallets and SDKs work unchanged;
// the package has no code of its own.
//
// The clients are npm packages. `npm ci --ignore-scripts --prefix testnet/clients` installs them; a test
// whose client is not there is skipped, or fails under AIWORK_TEST_ALL=1.
package clients
