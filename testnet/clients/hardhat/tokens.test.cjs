// hardhat test --network devnet: tests as projects write them, against the running chain.
const assert = require('node:assert/strict')
const { writeFileSync } = require('node:fs')
const hre = require('hardhat')

describe('tokens on the network', () => {
  let signer, make
  before(async () => {
    const { BrowserProvider, ContractFactory } = await import('ethers')
    signer = await new BrowserProvider(hre.network.provider, undefined, { pollingInterval: 50 }).getSigner(0)
    make = async (name, ...args) => {
      const { abi, bytecode } = await hre.artifacts.readArtifact(name)
      return (await new ContractFactory(abi, bytecode, signer).deploy(...args)).waitForDeployment()
    }
  })
  const friend = '0x00000000000000000000000000000000000a47a7'

  it('leaves a board for the copy', async () => {
    const board = await make('Board', 'hardhat tests')
    await (await board.post('the first')).wait()
    const head = await signer.provider.getBlockNumber()
    writeFileSync(`${process.env.BUILD}/board.json`, JSON.stringify({ board: board.target, head }))
  })

  it('ERC-20', async () => {
    const coin = await make('Coin', 1000)
    await (await coin.transfer(friend, 30)).wait()
    assert.equal(await coin.balanceOf(friend), 30n)
  })

  it('ERC-721', async () => {
    const deed = await make('Deed')
    await (await deed.mint(signer.address)).wait()
    await (await deed.transferFrom(signer.address, friend, 1)).wait()
    assert.equal((await deed.ownerOf(1)).toLowerCase(), friend)
  })
})
