// What the programs in this folder share: a flow is one thing that an application does with the chain, under
// the name that the Go test has for it. A flow that throws has failed; the others go on.
import { readFileSync } from 'node:fs'

const flowMax = 30_000 // ms

// contracts are the test contracts, as compile.mjs wrote them.
export const contracts = JSON.parse(readFileSync(process.env.CONTRACTS, 'utf8'))

// The interfaces in contracts/ of the repository as lines that clients parse as ABI, so that the files that
// users are given are the ones tested.
export function interfaceOf(name) {
  const source = readFileSync(new URL(`../../contracts/${name}.sol`, import.meta.url), 'utf8')
  const body = source.replace(/\/\/.*$/gm, '').replace(/^[^{]*\{/s, '').replace(/\}[^}]*$/s, '')
  return body
    .split(';')
    .map((part) => part.replace(/\s+/g, ' ').trim())
    .filter((part) => /^(function|event) /.test(part))
    .map((part) => part.replace(/ (external|calldata|memory)\b/g, '').replace(/\( /g, '(').replace(/ \)/g, ')'))
}

// within fails when a promise takes too long.
export function within(promise, what, ms = flowMax) {
  let timer
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`${what}: nothing for ${ms} ms`)), ms) })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

// flow runs one check and prints how it ended, a line of JSON that the Go test reads.
export async function flow(name, check) {
  const began = Date.now()
  let fault = ''
  try {
    await within(check(), name)
  } catch (error) {
    fault = String(error?.stack ?? error) + (error?.info ? JSON.stringify(error.info) : '') || 'unknown'
  }
  console.log(JSON.stringify({ flow: name, fault, ms: Date.now() - began }))
}

// refusal gives the error that a call must end with.
export async function refusal(promise) {
  let value
  try {
    value = await promise
  } catch (error) {
    return error
  }
  throw new Error(`taken: ${JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? v.toString() : v))}`)
}

// until asks again until the answer is true. It polls because it stands for clients that do.
export async function until(what, ask) {
  for (const end = Date.now() + flowMax; Date.now() < end;) {
    const got = await ask()
    if (got) return got
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`${what}: not in ${flowMax} ms`)
}
