// hardhat run --network devnet: what applications do through hardhat's provider, which signs for the account.
const assert = require('node:assert/strict')
const hre = require('hardhat')

async function main() {
  const { BrowserProvider, ContractFactory, Interface } = await import('ethers')
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
  const to = '0x00000000000000000000000000000000000a47a8'
  const types = [
    ['send type 0', '0x0', () => ({ gasPrice: '0x174876e800' })],
    ['send type 1', '0x1', () => ({ gasPrice: '0x174876e800', accessList: [{ address: board.target, storageKeys: [] }] })],
    ['send type 2', '0x2', () => ({})],
  ]
  for (const [name, type, fields] of types) {
    await flow(name, async () => {
      const before = await provider.getBalance(to)
      const hash = await request('eth_sendTransaction', { from: signer.address, to, value: '0x7', ...fields() })
      await provider.waitForTransaction(hash)
      assert.equal((await request('eth_getTransactionReceipt', hash)).type, type)
      assert.equal((await provider.getBalance(to)) - before, 7n)
    })
  }
  await flow('receipt', async () => {
    const receipt = await (await board.post('a receipt')).wait()
    const tx = await request('eth_getTransactionByHash', receipt.hash)
    assert.equal(tx.blockHash, receipt.blockHash)
    assert.ok((await request('eth_getBlockByHash', receipt.blockHash, false)).transactions.includes(receipt.hash))
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
    assert.equal(await board.postsOf(signer.address), 5n + 2n) // with those of the flows before
  })
}

main().then(() => process.exit(0), (error) => {
  console.error(error)
  process.exit(1)
})
