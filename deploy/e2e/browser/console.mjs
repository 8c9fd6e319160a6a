// Drives the operator's console in a headless Chromium. One command a line on standard input, one answer a line on standard
// output: "ok ..." or "no ...", separated by tabs. The commands are the members of `commands` below; those that wait do so for two minutes.
// usage: node console.mjs BASE_URL
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { createRequire } from 'node:module'

const require = createRequire(new URL('../../../central/console/web/package.json', import.meta.url))
const { chromium } = require('playwright-core')

const base = process.argv[2]
const PATIENCE = 120_000 // milliseconds, of a busy machine
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  timeout: PATIENCE,
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
})
const DESK = { viewport: { width: 1366, height: 768 } }
const PHONE = { viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 }
const MOST_TABS = 250

// A request to another host or a broken content-security policy is a fault of the console.
const faults = []
const pages = new Map()

async function open(device) {
  const context = await browser.newContext({ ...device, locale: 'zh-CN', timezoneId: 'Asia/Shanghai' })
  const page = await context.newPage()
  page.setDefaultTimeout(PATIENCE)
  page.on('request', (r) => { if (!r.url().startsWith(base) && !r.url().startsWith('blob:') && !r.url().startsWith('data:')) faults.push(`request to ${r.url()}`) })
  page.on('pageerror', (e) => faults.push(`script error: ${e.message}`))
  page.on('console', (m) => { if (m.text().includes('Content Security Policy')) faults.push(m.text()) })
  return page
}

let page = await open(DESK)
pages.set('', page)

const focused = (selector) => page.evaluate((s) => document.activeElement?.matches(s) ?? false, selector)

// One violation a line of axe: which rule, how often, and where first.
const told = (v) => `${v.id} x${v.nodes.length}: ${v.nodes[0].target.join(' ')} (${(v.nodes[0].failureSummary ?? '').split('\n').slice(1, 2).join('').trim()})`

// Clicks; where somebody else was faster it may be gone before, or in the midst of it.
async function clickWhileThere(locator) {
  for (let n = 0; n < 5; n++) {
    const [found] = await locator.elementHandles()
    if (!found || await found.click().then(() => true, () => false)) return
  }
}

const commands = {
  // Goes on with somebody else's browser; a new name opens one, on a desk or a phone.
  async as(name, device) {
    if (!pages.has(name)) pages.set(name, await open(device === 'phone' ? PHONE : DESK))
    page = pages.get(name)
    await page.bringToFront()
  },
  async login(user, password) {
    await page.goto(base + '/')
    await page.getByTestId('login-user').fill(user)
    await page.getByTestId('login-password').fill(password)
    await page.getByTestId('login-submit').click()
    await page.getByTestId('sign-out').or(page.getByTestId('lang-switch')).first().waitFor()
    await page.getByTestId('login-submit').waitFor({ state: 'detached' })
  },
  async see(selector) { await page.locator(selector).first().waitFor({ state: 'visible' }) },
  async gone(selector) { await page.locator(selector).first().waitFor({ state: 'hidden' }) },
  async count(selector) { return String(await page.locator(selector).count()) },
  // The values of an attribute of all that match, each once, separated by blanks.
  async each(selector, attribute) { return [...new Set(await page.locator(selector).evaluateAll((all, a) => all.map((e) => e.getAttribute(a)), attribute))].join(' ') },
  async text(selector) { return (await page.locator(selector).first().innerText()).replace(/\s+/g, ' ') },
  async value(selector) { return page.locator(selector).first().inputValue() },
  async click(selector) { await page.locator(selector).first().click() },
  async go(path) { await page.goto(base + path) },
  async where() { return page.evaluate(() => location.pathname + location.search) },
  async shot(file) { await page.screenshot({ path: file }) },
  async photo(selector) {
    const url = await page.evaluate(() => {
      const c = document.createElement('canvas')
      ;[c.width, c.height] = [2400, 1800]
      c.getContext('2d').fillRect(200, 200, 900, 900)
      return c.toDataURL('image/jpeg')
    })
    await page.locator(selector).setInputFiles({ name: 'photo.jpg', mimeType: 'image/jpeg', buffer: Buffer.from(url.split(',')[1], 'base64') })
  },

  // By keyboard alone.
  async press(...keys) { for (const k of keys) await page.keyboard.press(k) },
  async type(text) { await page.keyboard.type(text) },
  async tab(selector) {
    await page.locator(selector).first().waitFor({ state: 'visible' })
    for (let n = 0; n < MOST_TABS; n++) {
      if (await focused(selector)) return
      await page.keyboard.press('Tab')
    }
    throw new Error(`${MOST_TABS} presses of Tab do not come to ${selector}`)
  },
  // Goes to one choice of a select by the keys that a select has.
  async choose(selector, value) {
    await commands.tab(selector)
    for (let n = 0; n < 50 && (await page.locator(selector).first().inputValue()) !== value; n++) await page.keyboard.press('ArrowDown')
    if ((await page.locator(selector).first().inputValue()) !== value) throw new Error(`no choice ${value} in ${selector}`)
  },
  // Composes a text as an input method does: every key goes to it (keyCode 229), the page sees the text grow, and then whole.
  async compose(keys, text) {
    const cdp = await page.context().newCDPSession(page)
    for (let n = 1; n <= keys.length; n++) {
      const key = { key: 'Process', code: `Key${keys[n - 1].toUpperCase()}`, windowsVirtualKeyCode: 229, nativeVirtualKeyCode: 229 }
      await cdp.send('Input.dispatchKeyEvent', { type: 'rawKeyDown', ...key })
      await cdp.send('Input.imeSetComposition', { text: keys.slice(0, n), selectionStart: n, selectionEnd: n })
      await cdp.send('Input.dispatchKeyEvent', { type: 'keyUp', ...key })
    }
    if (text) await cdp.send('Input.insertText', { text })
    await cdp.detach()
  },

  // Clicks in two browsers at the same moment.
  async race(selector, one, two) {
    const both = [one, two].map((name) => pages.get(name).locator(selector).first())
    await Promise.all(both.map((l) => l.waitFor()))
    await Promise.all(both.map(clickWhileThere))
  },
  // Opens a path in a browser with nothing cached, with the session of this one; milliseconds until what is asked for is drawn.
  async load(path, selector) {
    const context = await browser.newContext({ ...DESK, locale: 'zh-CN', storageState: await page.context().storageState() })
    try {
      const fresh = await context.newPage()
      await fresh.addInitScript((s) => {
        const look = new MutationObserver(() => {
          if (!document.querySelector(s)) return
          look.disconnect()
          requestAnimationFrame(() => requestAnimationFrame(() => { globalThis.drawnAt = performance.now() }))
        })
        look.observe(document, { childList: true, subtree: true, attributes: true })
      }, selector)
      await fresh.goto(base + path)
      return String(await (await fresh.waitForFunction(() => globalThis.drawnAt)).jsonValue())
    } finally {
      await context.close()
    }
  },
  // Notes when each row of the feed is drawn, by this machine's clock; watched tells.
  async watch() {
    await page.evaluate(() => {
      globalThis.drawn = {}
      const note = () => requestAnimationFrame(() => {
        const now = performance.timeOrigin + performance.now()
        for (const row of document.querySelectorAll('[data-testid=feed-row]')) globalThis.drawn[row.dataset.id] ??= now
      })
      new MutationObserver(note).observe(document.querySelector('main'), { childList: true, subtree: true, attributes: true, attributeFilter: ['data-id'] })
    })
  },
  async watched() { return JSON.stringify(await page.evaluate(() => globalThis.drawn)) },
  async scheme(scheme) { await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' }) },
  // What axe-core finds: WCAG 2.0 to 2.2, A and AA, and its own good practice.
  async axe() {
    await page.evaluate(readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8'))
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }))
    return violations.map(told).join(' | ')
  },
  async faults() { return faults.join('; ') },
}

for await (const line of createInterface({ input: process.stdin })) {
  const [name, ...args] = line.split('\t')
  if (name === 'quit') break
  try {
    console.log('ok\t' + String((await commands[name](...args)) ?? '').replace(/\s+/g, ' '))
  } catch (e) {
    console.log('no\t' + String(e.message).split('\n').slice(0, 2).join(' '))
  }
}
await browser.close()
