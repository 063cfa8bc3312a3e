// hardhat run --network devnet: what applications do through hardhat's provider, which signs for the account.
const assert = require('node:assert/strict')
const hre = require('hardhat')

async function main() {
  const { BrowserProvider, ContractFactory, Interface, parseEther } = await import('ethers')
  const { flow, refusal } = await import('../flows.mjs')
  const provider = new BrowserProvider(hre.network.provider, undefined, { pollingInterval: 50 })
  const signer = await provider.getSigner(0)
  const { abi, bytecode } = await hre.artifacts.readArtifact('Board')
  const request = (method, ...params) => hre.network.provider.request({ method, params })
  let board

  await flow('reads', async () => {
    assert.equal(BigInt(await request('eth_chainId')), 20260n)
    assert.ok(BigInt(await request('eth_getBalance', signer.address, 'latest')) > 0n)
    assert.equal((await request('eth_getBlockByNumber', '0x0', false)).number, '0x0')
  })
  await flow('accounts', async () => {
    assert.deepEqual((await request('eth_accounts')).map((a) => a.toLowerCase()), [signer.address.toLowerCase()])
  })
  await flow('deploy', async () => {
    board = await (await new ContractFactory(abi, bytecode, signer).deploy('hardhat')).waitForDeployment()
    assert.ok((await board.getDeployedCode()).length > 1000)
  })
  await flow('call', async () => {
    assert.equal(await board.title(), 'hardhat')
  })
  await flow('send type 2', async () => {
    const receipt = await (await signer.sendTransaction({ to: signer.address, value: parseEther('1') })).wait()
    assert.equal(receipt.status, 1)
    assert.equal(receipt.type, 2)
  })
  await flow('logs', async () => {
    const receipt = await (await board.post('from hardhat')).wait()
    assert.equal(receipt.logs[0].args.text, 'from hardhat')
    assert.equal((await board.queryFilter('Posted', receipt.blockNumber, receipt.blockNumber)).length, 1)
  })
  await flow('estimate', async () => {
    assert.ok((await board.post.estimateGas('estimated')) > 50_000n)
  })
  await flow('custom error', async () => {
    const data = board.interface.encodeFunctionData('post', ['no'])
    const error = await refusal(request('eth_call', { from: signer.address, to: board.target, data }, 'latest'))
    assert.equal(new Interface(abi).parseError(error.data?.data ?? error.data).name, 'TooShort')
  })
  await flow('revert reason', async () => {
    const data = board.interface.encodeFunctionData('refuse', ['because'])
    assert.match((await refusal(request('eth_call', { from: signer.address, to: board.target, data }, 'latest'))).message, /because/)
  })
  await flow('nonces in a row', async () => {
    for (let i = 0; i < 5; i++) await (await board.post(`row ${i}`)).wait()
    assert.equal(await board.postsOf(signer.address), 6n)
  })
}

main().then(() => process.exit(0), (error) => {
  console.error(error)
  process.exit(1)
})
