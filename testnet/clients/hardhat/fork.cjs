// hardhat run with FORK=HEIGHT: hardhat's own network begins as a copy of the node's at that height, and fetches what it touches.
const assert = require('node:assert/strict')
const hre = require('hardhat')

async function main() {
  const { BrowserProvider, Contract, ContractFactory } = await import('ethers')
  const { flow } = await import('../flows.mjs')
  await flow('fork', async () => {
    const provider = new BrowserProvider(hre.network.provider)
    const signer = await provider.getSigner(0)
    assert.equal((await provider.getNetwork()).chainId, 20260n)
    assert.ok((await provider.getBlockNumber()) > 1)
    const { abi, bytecode } = await hre.artifacts.readArtifact('Board')
    const board = new Contract(process.env.BOARD, abi, signer)
    await (await board.post('on the copy')).wait() // in a block of the copy's own
    assert.equal(await board.title(), 'hardhat tests')
    assert.equal(await board.count(), 2n)
    await hre.network.provider.request({ method: 'hardhat_impersonateAccount', params: [await board.owner()] })
    const owner = await provider.getSigner(await board.owner())
    await (await board.connect(owner).post('as its owner')).wait()
    await (await new ContractFactory(abi, bytecode, signer).deploy('copy')).waitForDeployment()
  })
}

main().then(() => process.exit(0), (error) => {
  console.error(error)
  process.exit(1)
})
