// supabase-js against a server that was told otherwise than usual: WHICH says how.
import { createClient } from '@supabase/supabase-js'
import { assert, end, good, same, test, unauthenticated } from './tap.mjs'

const url = process.env.LEDGER_URL
const client = (key = process.env.ANON_KEY) => createClient(url, key, { auth: { persistSession: false, autoRefreshToken: false } })
const service = client(process.env.SERVICE_KEY)
const password = 'correct horse 1'
const settings = async () => (await fetch(`${url}/auth/v1/settings`)).json()

const tests = {
  async schema() { // any schema, with a table of users or without one
    const name = process.env.SCHEMA
    const ada = client()
    await test(`${name}: sign up, in, refresh, change, out`, async () => {
      const made = good(await ada.auth.signUp({ email: 'ada@example.com', password, options: { data: { first_name: 'Ada', last_name: 'King', name: 'Ada King', full_name: 'Ada King', username: 'ada' } } }))
      assert.ok(made.session, 'no session')
      same(made.user.email, 'ada@example.com')
      good(await ada.auth.signInWithPassword({ email: 'ada@example.com', password }))
      same(good(await ada.auth.refreshSession()).user.id, made.user.id)
      same(good(await ada.auth.updateUser({ data: { town: 'London' }, password: 'another horse 2' })).user.user_metadata.town, 'London')
      good(await client().auth.signInWithPassword({ email: 'ada@example.com', password: 'another horse 2' }))
      good(await ada.auth.signOut())
      good(await ada.auth.signInWithPassword({ email: 'ada@example.com', password: 'another horse 2' }))
    })
    await test(`${name}: anonymous`, async () => same(good(await client().auth.signInAnonymously()).user.is_anonymous, true))
    await test(`${name}: two at once`, async () => {
      const answers = await Promise.all(['bob', 'cleo', 'dora', 'emil'].map((who) => client().auth.signUp({ email: `${who}@example.com`, password, options: { data: { username: who } } })))
      same(answers.map((answer) => answer.error?.message ?? answer.data.user.email), ['bob', 'cleo', 'dora', 'emil'].map((who) => `${who}@example.com`))
    })
    await test(`${name}: the address twice`, async () =>
      unauthenticated(await client().auth.signUp({ email: 'Ada@example.com', password, options: { data: { username: 'other' } } }), 422, 'user_already_exists'))
    await test(`${name}: administration`, async () => {
      const { user } = good(await service.auth.admin.createUser({ email: 'fay@example.com', password, email_confirm: true, user_metadata: { username: 'fay' } }))
      const { users, total } = good(await service.auth.admin.listUsers({ page: 1, perPage: 100 }))
      assert.ok(users.some((one) => one.id === user.id) && total === users.length, `${total} ${users.length}`)
      const { properties } = good(await service.auth.admin.generateLink({ type: 'magiclink', email: 'fay@example.com' }))
      assert.ok(properties.action_link.startsWith(`${url}/auth/v1/verify?token=`), properties.action_link)
      same(good(await client().auth.verifyOtp({ token_hash: properties.hashed_token, type: 'magiclink' })).user.id, user.id)
      if (/-/.test(user.id)) {
        good(await service.auth.admin.updateUserById(user.id, { ban_duration: '1h' }))
        unauthenticated(await client().auth.signInWithPassword({ email: 'fay@example.com', password }), 400, 'user_banned')
        good(await service.auth.admin.deleteUser(user.id))
        unauthenticated(await service.auth.admin.getUserById(user.id), 404, 'user_not_found')
      }
    })
    await test(`${name}: a user asks for rows`, async () => same((await ada.from(process.env.TABLE).select('*').limit(1)).error, null))
  },
  async closed() { // --no-signup
    await test('--no-signup: nobody signs up', async () => {
      unauthenticated(await client().auth.signUp({ email: 'zoe@example.com', password }), 422, 'signup_disabled', 'Signups not allowed for this instance')
      unauthenticated(await client().auth.signInAnonymously(), 422, 'signup_disabled')
      same((await settings()).disable_signup, true)
    })
    await test('--no-signup: an administrator makes users', async () => {
      good(await service.auth.admin.createUser({ email: 'zoe@example.com', password, email_confirm: true }))
      good(await client().auth.signInWithPassword({ email: 'zoe@example.com', password }))
    })
  },
  async confirmed() { // --confirm --no-anonymous
    await test('--no-anonymous', async () => {
      unauthenticated(await client().auth.signInAnonymously(), 422, 'anonymous_provider_disabled', 'Anonymous sign-ins are disabled')
      same((await settings()).external.anonymous_users, false)
    })
    let yan
    await test('--confirm: a new user has no session', async () => {
      const { user, session } = good(await client().auth.signUp({ email: 'yan@example.com', password }))
      yan = user
      same([session, user.email, user.email_confirmed_at ?? null], [null, 'yan@example.com', null])
      same((await settings()).mailer_autoconfirm, false)
    })
    await test('--confirm: who is not confirmed does not sign in', async () => {
      unauthenticated(await client().auth.signInWithPassword({ email: 'yan@example.com', password }), 400, 'email_not_confirmed', 'Email not confirmed')
      unauthenticated(await client().auth.signInWithPassword({ email: 'yan@example.com', password: 'wrong one' }), 400, 'invalid_credentials')
    })
    await test('--confirm: an administrator confirms', async () => {
      assert.ok(good(await service.auth.admin.updateUserById(yan.id, { email_confirm: true })).user.email_confirmed_at)
      const one = client()
      good(await one.auth.signInWithPassword({ email: 'yan@example.com', password }))
      unauthenticated(await one.auth.updateUser({ email: 'other@example.com' }), 422, 'otp_disabled')
    })
    await test('--confirm: or a link does', async () => {
      const made = good(await service.auth.admin.generateLink({ type: 'signup', email: 'xia@example.com', password }))
      unauthenticated(await client().auth.signInWithPassword({ email: 'xia@example.com', password }), 400, 'email_not_confirmed')
      const { user } = good(await client().auth.verifyOtp({ token_hash: made.properties.hashed_token, type: 'signup' }))
      assert.ok(user.email_confirmed_at)
      good(await client().auth.signInWithPassword({ email: 'xia@example.com', password }))
    })
  },
  async limited() { // --sign-ins 5
    await test('--sign-ins: too many from one address', async () => {
      for (let i = 0; i < 5; i++) unauthenticated(await client().auth.signInWithPassword({ email: `u${i}@example.com`, password }), 400, 'invalid_credentials')
      unauthenticated(await client().auth.signInWithPassword({ email: 'u5@example.com', password }), 429, 'over_request_rate_limit')
      unauthenticated(await client().auth.signUp({ email: 'u6@example.com', password }), 429, 'over_request_rate_limit')
      const answer = await fetch(`${url}/auth/v1/token?grant_type=password`, { method: 'POST', body: '{"email":"a@b.co","password":"x"}' })
      assert.ok(Number(answer.headers.get('retry-after')) > 0, 'no Retry-After')
    })
    await test('--sign-ins: rows may be asked for all the same', async () => same((await client().from('users').select('id')).status, 200))
  },
  async locked() { // --sign-ins 0
    await test('an account is locked out after ten wrong passwords, whether it is there or not', async () => {
      good(await service.auth.admin.createUser({ email: 'will@example.com', password, email_confirm: true }))
      for (const email of ['will@example.com', 'no-such-user@example.com']) {
        for (let i = 0; i < 10; i++) unauthenticated(await client().auth.signInWithPassword({ email, password: `wrong ${i}` }), 400, 'invalid_credentials')
        unauthenticated(await client().auth.signInWithPassword({ email, password }), 429, 'over_request_rate_limit')
        const answer = await fetch(`${url}/auth/v1/token?grant_type=password`, { method: 'POST', body: JSON.stringify({ email, password }) })
        same([answer.status, Number(answer.headers.get('retry-after')) > 0], [429, true])
      }
    })
  }
}
await tests[process.env.WHICH]()
end()
