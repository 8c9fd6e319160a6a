// Signs in at the console of the machine that followed the guides, as the desk, and takes a picture of the case that the guide made.
// usage: node look.mjs PICTURE.png, where the machine's loopback is
import { createRequire } from 'node:module'

const require = createRequire(new URL('../../central/console/web/package.json', import.meta.url))
const { chromium } = require('playwright-core')

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
})
// The authority is the guide's own, which no browser knows.
const page = await browser.newPage({ ignoreHTTPSErrors: true, viewport: { width: 1366, height: 768 }, locale: 'zh-CN', timezoneId: 'Asia/Shanghai' })
page.setDefaultTimeout(30_000)
await page.goto('https://127.0.0.1:8420/')
await page.getByTestId('login-user').fill('night-desk')
await page.getByTestId('login-password').fill('one for the night desk')
await page.getByTestId('login-submit').click()
await page.getByTestId('login-submit').waitFor({ state: 'detached' })
await page.goto('https://127.0.0.1:8420/cases?state=open')
await page.getByText('烟雾').and(page.locator(':not(option)')).first().waitFor({ state: 'visible' })
await page.screenshot({ path: process.argv[2] })
await browser.close()
console.log(`look: the case is on the console, see ${process.argv[2]}`)
