// What an application does with ethers. Arguments and output are those of viem.mjs.
import { Contract, JsonRpcProvider, Wallet, WebSocketProvider, parseEther } from 'ethers'
import { interfaceOf, report } from './abi.mjs'

const [url, payerKey] = process.argv.slice(2)
// Blocks come faster than ethers' cache of 250 ms forgets a nonce.
const provider = new JsonRpcProvider(url, undefined, { pollingInterval: 50, cacheTimeout: -1 })
const live = new WebSocketProvider(url.replace('http', 'ws'))
const payer = new Wallet(payerKey, provider)
const recipient = '0x00000000000000000000000000000000005E1102'
const found = { chainId: (await provider.getNetwork()).chainId }

const heads = new Promise((resolve) => {
  const seen = []
  live.on('block', (n) => seen.push(n) === 2 && resolve([...seen]))
})
const sent = await payer.sendTransaction({ to: recipient, value: parseEther('0.5') })
const receipt = await sent.wait()
found.transfer = { status: receipt.status, hash: receipt.hash, gasUsed: receipt.gasUsed, fee: receipt.fee }
found.after = await provider.getBalance(recipient)
const block = await provider.getBlock(receipt.blockNumber, true)
found.block = { number: block.number, hash: block.hash, receiptBlock: receipt.blockHash, holds: block.transactions.includes(receipt.hash) }

const jobs = new Contract('0x000000000000000000000000000000000000a103', interfaceOf('IJobs'), payer)
const quote = await jobs.quote('0x' + '00'.repeat(32), 8, parseEther('0.01'), 0, 0, 0)
found.quote = { escrow: quote.escrow, pay: quote.pay, fee: quote.fee, audits: quote.audits, tips: quote.tips }
found.revert = await jobs.cancel.staticCall(987654).then(() => 'none', (error) => error.reason ?? String(error))
found.typed = await payer.sendTransaction({ to: recipient, value: 1n, type: 0 }).then(async (t) => (await t.wait()).status)
found.heads = await heads
report(found)
process.exit(0)
