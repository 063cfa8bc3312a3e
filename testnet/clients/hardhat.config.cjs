// What hardhat needs to know in the tests of clients. NODE and KEY name the node and a funded account, BUILD is a
// folder for what hardhat writes. The compiler is the npm one.
const { subtask } = require('hardhat/config')
const { TASK_COMPILE_SOLIDITY_GET_SOLC_BUILD } = require('hardhat/builtin-tasks/task-names')

subtask(TASK_COMPILE_SOLIDITY_GET_SOLC_BUILD, async () => ({
  compilerPath: require.resolve('solc/soljson.js'), isSolcJs: true,
  version: '0.8.37', longVersion: require('solc').version(),
}))

const { NODE, KEY, BUILD, FORK } = process.env

module.exports = {
  solidity: { version: '0.8.37', settings: { evmVersion: 'osaka', optimizer: { enabled: true, runs: 200 } } },
  paths: { tests: 'hardhat', cache: `${BUILD}/cache`, artifacts: `${BUILD}/artifacts` },
  networks: {
    devnet: { url: NODE, chainId: 20260, accounts: [KEY] },
    // Hardhat's own network, a copy of the node's at height FORK where that is set.
    hardhat: FORK ? { chainId: 20260, forking: { url: NODE, blockNumber: Number(FORK) }, chains: { 20260: { hardforkHistory: { osaka: 0 } } } } : {},
  },
}
