// What the page tests share: a stand-in for central and a page in a Chromium for each test, and what the page did wrong on the way.
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { browser } from '../../dev/shoot.mjs';
import { Mock } from '../../dev/mock.mjs';

/** A desk of the least size that is promised. */
const DESK = { viewport: { width: 1366, height: 768 }, locale: 'zh-CN', timezoneId: 'Asia/Shanghai' };

/**
 * Before each test set is given { mock, base, context, page }, prepare the stand-in before it listens. device changes the browser's size; schemes are
 * those that may be asked beside central; wrong says of a console message whether it is a fault beside what the content policy refuses.
 */
export function stage(set, { prepare = () => {}, device = {}, schemes = [], wrong = () => false } = {}) {
  let chrome;
  let complaints;
  let here;
  beforeAll(async () => {
    chrome = await browser();
  });
  afterAll(() => chrome.close());
  beforeEach(async () => {
    const mock = new Mock();
    prepare(mock);
    const base = await mock.listen();
    const context = await chrome.newContext({ ...DESK, ...device });
    const page = await context.newPage();
    complaints = [];
    page.on('pageerror', (e) => complaints.push(String(e)));
    page.on('console', (m) => (wrong(m) || /Content Security Policy|Refused to/.test(m.text())) && complaints.push(m.text()));
    page.on('request', (r) => [base, ...schemes].some((s) => r.url().startsWith(s)) || complaints.push(`request to ${r.url()}`));
    here = { mock, base, context, page };
    set(here);
  });
  afterEach(async () => {
    await here.context.close();
    await here.mock.close();
    expect(complaints).toEqual([]);
  });
}
