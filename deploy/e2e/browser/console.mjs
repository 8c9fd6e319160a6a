// Drives the operator's console in a headless Chromium. One command a line on standard input, one answer a line on standard
// output: "ok ..." or "no ...". Commands: login USER PASSWORD | see SELECTOR | text SELECTOR | click SELECTOR | go PATH | shot FILE | faults | quit (separated by tabs)
// usage: node console.mjs BASE_URL
import { createInterface } from 'node:readline'
import { createRequire } from 'node:module'

const require = createRequire(new URL('../../../central/console/web/package.json', import.meta.url))
const { chromium } = require('playwright-core')

const base = process.argv[2]
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
})
const page = await browser.newPage({ viewport: { width: 1366, height: 768 }, locale: 'zh-CN', timezoneId: 'Asia/Shanghai' })
page.setDefaultTimeout(60_000)

// A request to another host or a broken content-security policy is a fault of the console.
const faults = []
page.on('request', (r) => { if (!r.url().startsWith(base) && !r.url().startsWith('blob:') && !r.url().startsWith('data:')) faults.push(`request to ${r.url()}`) })
page.on('pageerror', (e) => faults.push(`script error: ${e.message}`))
page.on('console', (m) => { if (m.text().includes('Content Security Policy')) faults.push(m.text()) })

const commands = {
  async login(user, password) {
    await page.goto(base + '/')
    await page.getByTestId('login-user').fill(user)
    await page.getByTestId('login-password').fill(password)
    await page.getByTestId('login-submit').click()
    await page.getByTestId('lang-switch').waitFor()
  },
  async see(selector) { await page.locator(selector).first().waitFor({ state: 'visible' }) },
  async text(selector) { return (await page.locator(selector).first().innerText()).replace(/\s+/g, ' ') },
  async click(selector) { await page.locator(selector).first().click() },
  async go(path) { await page.goto(base + path) },
  async shot(file) { await page.screenshot({ path: file }) },
  async faults() { return faults.join('; ') },
}

for await (const line of createInterface({ input: process.stdin })) {
  const [name, ...args] = line.split('\t')
  if (name === 'quit') break
  try {
    console.log('ok\t' + ((await commands[name](...args)) ?? ''))
  } catch (e) {
    console.log('no\t' + String(e.message).split('\n').slice(0, 2).join(' '))
  }
}
await browser.close()
