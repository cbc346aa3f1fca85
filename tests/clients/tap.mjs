// TAP for the programs of this room: each test() is a line, its assertions are node:assert's.
import assert from 'node:assert/strict'

let failed = 0
const only = process.env.ONLY && new RegExp(process.env.ONLY)

export async function test(name, run) {
  if (only && !only.test(name)) return
  try {
    await run()
    console.log(`ok ${name}`)
  } catch (error) {
    failed++
    console.log(`not ok ${name}`)
    console.log(String(error?.message ?? error).split('\n').slice(0, 30).map((line) => `#   ${line}`).join('\n'))
  }
}

// Runs a step that later tests stand on: without it there is nothing to test.
export async function need(name, run) {
  let value
  const before = failed
  await test(name, async () => { value = await run() })
  if (failed > before) end()
  return value
}

export function end() {
  process.exit(failed ? 1 : 0)
}

// What came back is what was expected; a regular expression stands for a text.
export function same(seen, wanted, what = '') {
  if (wanted instanceof RegExp) assert.match(String(seen), wanted, what)
  else assert.deepEqual(seen, wanted, what || undefined)
}

// Each member named in `wanted` is as it says there.
export function has(seen, wanted) {
  assert.ok(seen !== null && typeof seen === 'object', `no object: ${JSON.stringify(seen)}`)
  for (const [name, value] of Object.entries(wanted))
    same(seen[name], value, `${name}: seen ${JSON.stringify(seen[name])}, wanted ${value instanceof RegExp ? value : JSON.stringify(value)} in ${JSON.stringify(seen)}`)
}

// A result of a client without an error: its data.
export function good(result) {
  assert.ok(!result.error, `${result.status ?? result.error?.status} ${JSON.stringify(result.error)} ${result.error?.message}`)
  return result.data
}

// A result of postgrest-js that failed: exactly the four members, and the status where it is given.
export function refused(result, wanted) {
  assert.ok(result.error, `no error, but ${result.status} ${JSON.stringify(result.data)}`)
  const { status, ...error } = wanted
  const seen = { ...result.error }
  delete seen.name
  same(Object.keys(seen).sort(), ['code', 'details', 'hint', 'message'])
  has({ ...seen, message: result.error.message, status: result.status }, wanted.status ? wanted : error)
  same(result.data, null)
}

// A result of auth-js that failed.
export function unauthenticated(result, status, code, message) {
  assert.ok(result.error, `no error, but ${JSON.stringify(result.data)}`)
  has({ status: result.error.status, code: result.error.code, message: result.error.message },
    { status, code, ...(message === undefined ? {} : { message }) })
}

export { assert }
