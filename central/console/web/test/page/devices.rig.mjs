// What the page tests of edges and cameras share: a stand-in for central, and a page in a Chromium of its own for each test.
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { camerasOf } from '../../dev/areas/cameras.mjs';
import { browser } from '../../dev/shoot.mjs';
import { Mock } from '../../dev/mock.mjs';

export const CAMERA = '/devices/edge-demo-a/cam-square-01';

/** mock, cameras, base, context and page of the test that runs; id, text and until look at the page. */
export function stage() {
  const s = {};
  let chrome;
  let complaints;
  beforeAll(async () => {
    chrome = await browser();
  });
  afterAll(() => chrome.close());
  beforeEach(async () => {
    s.mock = new Mock();
    s.cameras = camerasOf(s.mock);
    s.base = await s.mock.listen();
    s.context = await chrome.newContext({ viewport: { width: 1366, height: 768 }, locale: 'zh-CN', timezoneId: 'Asia/Shanghai' });
    s.page = await s.context.newPage();
    complaints = [];
    s.page.on('pageerror', (e) => complaints.push(String(e)));
    s.page.on('console', (m) => /Content Security Policy|Refused to/.test(m.text()) && complaints.push(m.text()));
    s.page.on('request', (r) => r.url().startsWith(s.base) || r.url().startsWith('blob:') || complaints.push(`request to ${r.url()}`));
  });
  afterEach(async () => {
    await s.context.close();
    await s.mock.close();
    expect(complaints.join('\n')).toBe('');
  });
  s.id = (name) => s.page.getByTestId(name);
  s.text = (name) => s.id(name).innerText();
  s.until = (name, count) => expect.poll(() => s.id(name).count()).toBe(count);
  s.signedIn = async (path, role = 'operator') => {
    Object.assign(s.mock, { role, signedIn: true });
    await s.page.goto(s.base + path);
    await s.page.locator('h1').waitFor();
  };
  return s;
}
