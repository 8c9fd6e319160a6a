// Takes pictures of every page in both languages and both schemes: node dev/shoot.mjs FOLDER
import { mkdirSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { Mock } from './mock.mjs';

export const browser = () => chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

async function shoot(chrome, base, mock, folder, lang, scheme) {
  const context = await chrome.newContext({ viewport: { width: 1366, height: 768 }, colorScheme: scheme, locale: 'zh-CN', timezoneId: 'Asia/Shanghai' });
  await context.addInitScript(`localStorage.setItem('gridgate.lang', '${lang}')`);
  const page = await context.newPage();
  const snap = (name) => page.screenshot({ path: `${folder}/${name}-${lang}-${scheme}.png` });
  mock.signedIn = false;
  await page.goto(base);
  await page.getByTestId('login-user').waitFor();
  await snap('login');
  mock.signedIn = true;
  await page.goto(base);
  await page.getByTestId('feed-row').first().waitFor();
  await page.waitForTimeout(500);
  await snap('feed');
  await page.locator('[data-testid=feed-row][data-kind=motion]').first().click();
  mock.world.raise(2, { picture: false });
  await page.getByTestId('new-pill').waitFor();
  await page.waitForTimeout(400);
  await snap('feed-selected');
  await page.goto(`${base}/cases`);
  await page.getByTestId('case-row').first().waitFor();
  await snap('cases');
  const moving = [...mock.world.cases.values()].filter((c) => c.kind === 'motion').pop();
  await page.goto(`${base}/cases/${moving.id}`);
  await page.getByTestId('case-page').waitFor();
  await page.waitForTimeout(400);
  await snap('case');
  await page.getByTestId('action-close').click();
  await snap('case-close');
  await page.goto(`${base}/cases/${mock.world.looped}`);
  await page.getByTestId('case-child').first().waitFor();
  await page.setViewportSize({ width: 1366, height: 1500 });
  await page.waitForTimeout(400);
  await snap('case-loop');
  await page.setViewportSize({ width: 1366, height: 768 });
  await page.goto(`${base}/report`);
  await page.getByTestId('report-class').waitFor();
  await snap('report');
  await page.goto(`${base}/devices`);
  await page.getByTestId('edge-card').first().waitFor();
  await snap('devices');
  await page.goto(`${base}/devices/edge-demo-a`);
  await page.getByTestId('edge-cost').waitFor();
  await snap('edge');
  await page.goto(`${base}/devices/edge-demo-a/cam-square-01`);
  await page.getByTestId('recent-alert').first().waitFor();
  await snap('device');
  await context.close();
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const folder = process.argv[2] ?? '.';
  mkdirSync(folder, { recursive: true });
  const mock = new Mock();
  mock.world.fill().work();
  const base = await mock.listen();
  const chrome = await browser();
  for (const lang of ['zh-CN', 'en']) for (const scheme of ['dark', 'light']) await shoot(chrome, base, mock, folder, lang, scheme);
  await chrome.close();
  await mock.close();
}
