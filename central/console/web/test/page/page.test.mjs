// The built page in a real Chromium, against the mock: what an operator does on a night shift, as far as the first version goes.
import { expect, test } from 'vitest';
import { stage } from './stage.mjs';

let mock;
let base;
let context;
let page;

stage((s) => ({ mock, base, context, page } = s));

const row = () => page.getByTestId('feed-row');
const text = (id) => page.getByTestId(id).innerText();
const until = (id, count) => expect.poll(() => page.getByTestId(id).count()).toBe(count);

async function signedIn(path = '/') {
  mock.signedIn = true;
  await page.goto(base + path);
  await expect.poll(() => page.getByTestId('line-state').getAttribute('data-state')).toBe('live');
}

test('signs in, refuses a wrong password, and signs out', async () => {
  await page.goto(`${base}/devices`);
  await page.getByTestId('login-user').fill('demo');
  await page.getByTestId('login-password').fill('wrong');
  await page.getByTestId('login-submit').click();
  await page.getByText('账号或密码不正确').waitFor();
  await page.getByTestId('login-password').fill('demo-password');
  await page.getByTestId('login-password').press('Enter');
  await until('edge-card', 2);
  await page.getByTestId('sign-out').click();
  await page.getByTestId('login-submit').waitFor();
  expect(mock.signedIn).toBe(false);
});

test('an alert arrives while the feed is open, and its picture after it', async () => {
  await signedIn();
  await page.getByText('暂无告警').waitFor();
  const alert = mock.world.raise(0, { picture: false });
  await until('feed-row', 1);
  const shown = await row().innerText();
  for (const word of ['画面移动', '提示', '北入口', '待受理', '图片上传中']) expect(shown).toContain(word);
  expect(shown.replace(/\s/g, '')).toContain(alert.grid);
  mock.world.addPicture(alert);
  await row().locator('img').waitFor();
  expect(await row().locator('img').evaluate((img) => img.decode().then(() => img.naturalWidth))).toBe(480);
  await expect.poll(() => text('announcer')).toContain('新告警：提示，画面移动');
});

test('severity is told by shape and word, an exercise is marked, a clear ends its situation', async () => {
  await signedIn();
  const smoke = mock.world.raise(1);
  mock.world.raise(2, { exercise: true });
  await until('feed-row', 2);
  const shapes = await row().locator('.severity-shape').evaluateAll((all) => all.map((s) => s.innerHTML));
  expect(new Set(shapes).size).toBe(2);
  expect(await row().nth(0).innerText()).toContain('演练');
  mock.world.raise(1, { state: 'cleared', situation: smoke.id });
  await until('feed-row', 3);
  expect(await row().nth(0).innerText()).toContain('解除');
  expect(await row().nth(2).innerText()).toContain('已解除');
});

test('a session that ends shows the sign-in page', async () => {
  await signedIn('/cases');
  mock.signedIn = false;
  mock.cut();
  await page.getByText('登录已过期').waitFor({ timeout: 15_000 });
});

test('acknowledges in the feed and closes with a reason on the case page', async () => {
  mock.world.raise(0);
  await signedIn();
  await row().first().click();
  await page.getByTestId('action-acknowledge').click();
  await expect.poll(() => row().first().innerText()).toContain('已受理');
  await page.getByTestId('open-case').click();
  await page.getByTestId('case-page').waitFor();
  await page.getByTestId('action-close').click();
  expect(await page.getByTestId('step-confirm').isDisabled()).toBe(true);
  await page.getByTestId('reason-duplicate').check();
  await page.getByTestId('step-confirm').click();
  await expect.poll(() => page.getByTestId('case-page').getAttribute('data-state')).toBe('closed');
  expect(await text('case-history')).toMatch(/demo：直接结案\s*原因：重复[\s\S]*demo：立案[\s\S]*告警触发，立案/);
  await until('action-acknowledge', 0);
  await until('action-close', 0);
  await until('action-reopen', 1);
  await page.getByTestId('nav-feed').click();
  await expect.poll(() => row().first().innerText()).toContain('已结案');
});

test('a case goes through its loop by what is offered, each form asking for what is demanded', async () => {
  const { caseId } = mock.world.raise(1);
  await signedIn(`/cases/${caseId}`);
  await page.getByTestId('action-dispatch').click();
  expect(await page.getByTestId('step-confirm').isDisabled()).toBe(true);
  await page.getByTestId('field-unit').selectOption('fire');
  await page.getByRole('checkbox', { name: '第一网格' }).check();
  await page.getByTestId('field-note').fill('电话 13800138000');
  await page.getByTestId('step-confirm').click();
  await expect.poll(() => text('case-error')).toContain('疑似含有电话号码');
  await page.getByTestId('field-note').fill('3 号楼 2 层');
  await page.getByTestId('step-confirm').click();
  await expect.poll(() => text('case-loop')).toMatch(/任务派遣[\s\S]*微型消防站[\s\S]*第一网格/);
  await page.getByTestId('action-accept').click();
  await expect.poll(() => text('case-loop')).toContain('任务处理');
  await page.getByTestId('action-park').click();
  await page.getByTestId('field-note').fill('等待备件');
  await page.getByTestId('step-confirm').click();
  await expect.poll(() => text('case-parked')).toContain('时限已停');
  await page.getByTestId('action-unpark').click();
  await page.getByTestId('action-feed-back').click();
  await page.getByTestId('action-verify').click();
  await page.getByTestId('step-confirm').click();
  await expect.poll(() => page.getByTestId('case-page').getAttribute('data-state')).toBe('closed');
  await page.getByTestId('action-evaluate').click();
  await page.getByTestId('field-rating').selectOption('4');
  await page.getByTestId('step-confirm').click();
  await expect.poll(() => text('case-history')).toMatch(/demo：评价\s*评价：4 星[\s\S]*demo：核查结案[\s\S]*demo：挂账\s*等待备件[\s\S]*demo：派遣\s*责任单位：fire\s*协同单位：grid-1\s*3 号楼 2 层/);
});

test('deadlines are told by shape and word, and the case before them is found as overdue', async () => {
  const { caseId } = mock.world.raise(1);
  mock.world.raise(0);
  mock.world.due(mock.world.cases.get(caseId), ['reach', -9, -2], ['handle', -1, 42], ['close', 700, 1300]);
  await signedIn(`/cases/${caseId}`);
  const lines = page.getByTestId('deadline');
  await expect.poll(() => lines.evaluateAll((all) => all.map((e) => e.dataset.tone))).toEqual(['red', 'yellow', 'calm']);
  expect(new Set(await lines.evaluateAll((all) => all.map((e) => e.querySelector('svg').innerHTML))).size).toBe(3);
  expect(await lines.first().innerText()).toMatch(/到场\s*已超 2 分钟/);
  await page.goto(`${base}/cases`);
  await until('case-row', 2);
  await page.getByTestId('filter-overdue').check();
  await until('case-row', 1);
  expect(page.url()).toContain('overdue=yes');
});

test('a case becomes part of another and stands alone again; the list leaves parts out', async () => {
  const [part, whole] = [mock.world.raise(0).caseId, mock.world.raise(1).caseId];
  await signedIn(`/cases/${part}`);
  await page.getByTestId('case-merge').click();
  expect(await page.getByTestId('step-confirm').isDisabled()).toBe(true);
  await page.getByTestId('merge-other').click();
  await page.getByTestId('merge-into').fill(`${base}/cases/${whole}`);
  await page.getByTestId('step-confirm').click();
  await page.getByTestId('case-parent').click();
  await page.getByTestId('case-child').waitFor();
  await page.getByTestId('nav-cases').click();
  await until('case-row', 1);
  await page.getByTestId('filter-merged').check();
  await until('case-row', 2);
  await page.goto(`${base}/cases/${part}`);
  await page.getByTestId('case-unmerge').click();
  await page.getByTestId('case-merge').waitFor();
  await page.getByTestId('case-hold').click();
  await page.getByTestId('reason-complaint').check();
  await page.getByTestId('step-confirm').click();
  await page.getByTestId('case-release').waitFor();
  expect(await text('case-history')).toMatch(/demo 保全：投诉[\s\S]*demo 解除并案[\s\S]*demo 并案/);
});

test('a report by hand opens one case, refuses a telephone number, and takes photos after it', async () => {
  await signedIn('/report');
  await page.getByTestId('report-class').selectOption('0202');
  expect(await page.getByTestId('report-send').isDisabled()).toBe(true);
  await page.getByTestId('report-grid').fill('990001001001003');
  await page.getByTestId('report-note').fill('路口积水 13800138000');
  await page.getByTestId('report-send').click();
  await expect.poll(() => text('report-error')).toContain('疑似含有电话号码');
  await page.getByTestId('report-note').fill('路口积水');
  await page.getByTestId('report-send').click();
  await page.getByTestId('report-done').waitFor();
  expect(mock.world.cases.size).toBe(1);
  await page.getByTestId('photo-file').setInputFiles({ name: 'a.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('no picture') });
  await expect.poll(() => text('photo-error')).toContain('请换一张 JPEG');
  await page.getByTestId('photo-file').setInputFiles({ name: 'a.jpg', mimeType: 'image/jpeg', buffer: Buffer.from([0xff, 0xd8, 0xff]) });
  await expect.poll(() => text('photo-state')).toContain('已添加 1 张');
  await page.getByTestId('report-open').click();
  await until('case-picture', 1);
  expect(await text('case-history')).toMatch(/值守员上报，立案\s*路口积水/);
});

test('an auditor is offered nothing to do', async () => {
  mock.role = 'auditor';
  const { caseId } = mock.world.raise(1);
  await signedIn(`/cases/${caseId}`);
  await page.getByTestId('case-loop').waitFor();
  for (const id of ['action-acknowledge', 'case-merge', 'case-hold', 'photo-file', 'nav-report']) await until(id, 0);
  await page.goto(`${base}/report`);
  await page.getByText('没有这个页面').waitFor();
});

test('a long history is read backwards, a part at a time', async () => {
  const { caseId } = mock.world.raise(1);
  for (let i = 0; i < 6; i++) mock.world.raise(1);
  mock.maxHistory = 3;
  await signedIn(`/cases/${caseId}`);
  const entries = page.locator('[data-testid=case-history] > li');
  await expect.poll(() => entries.count()).toBe(3);
  await page.getByTestId('history-earlier').click();
  await expect.poll(() => entries.count()).toBe(6);
  await page.getByTestId('history-earlier').click();
  await expect.poll(() => entries.count()).toBe(7);
  await until('history-earlier', 0);
  expect(await entries.last().innerText()).toContain('告警触发，立案');
});

test('two operators race for one case: the second sees the newest state and who did it', async () => {
  const { caseId } = mock.world.raise(1);
  await signedIn(`/cases/${caseId}`);
  await page.getByTestId('action-acknowledge').waitFor();
  mock.faster = (c) => mock.world.acknowledge(c, 'night-2');
  await page.getByTestId('action-acknowledge').click();
  await page.getByText('案卷刚被其他人更新').waitFor();
  await expect.poll(() => text('case-history')).toContain('night-2 受理');
});

test('the case list filters by address, pages by cursor and follows the feed', async () => {
  for (let i = 0; i < 62; i++) mock.world.raise(i, { zone: `区 ${i}`, key: `k${i}` });
  await signedIn('/cases?state=open');
  await until('case-row', 50);
  await page.getByTestId('cases-next').click();
  await until('case-row', 12);
  await page.getByTestId('filter-severity').selectOption('critical');
  await expect.poll(() => page.url()).toContain('severity=critical');
  const critical = [...mock.world.cases.values()].filter((c) => c.severity === 'critical');
  await until('case-row', critical.length);
  const first = page.getByTestId('case-row').first();
  const top = critical[critical.length - 1]; // the list is ordered by opening
  mock.world.acknowledge(top, 'night-2');
  await expect.poll(() => first.innerText()).toContain('已受理');
  mock.world.raise(1, { key: 'fresh' });
  await page.getByTestId('cases-changed').click();
  await until('case-row', critical.length);
  await first.click();
  await page.getByTestId('case-page').waitFor();
});

test('a case shows its pictures, turns them by key, and links the case before', async () => {
  const { caseId } = mock.world.raise(0);
  mock.world.close(mock.world.cases.get(caseId), 'handled', 'demo');
  mock.world.raise(0);
  const second = mock.world.raise(0).caseId;
  await signedIn(`/cases/${second}`);
  await until('case-picture', 2);
  await page.getByTestId('case-picture').first().click();
  await page.getByText('第 1 张，共 2 张').waitFor();
  await page.keyboard.press('ArrowRight');
  await page.getByText('第 2 张，共 2 张').waitFor();
  await page.keyboard.press('Escape');
  await page.getByTestId('case-previous').click();
  await expect.poll(() => page.url()).toContain(caseId);
  await expect.poll(() => page.getByTestId('case-page').getAttribute('data-state')).toBe('closed');
});

test('a case shows a filmstrip as it comes in, and a sealed clip with nothing but the way to ask for it', async () => {
  const alert = mock.world.raise(0);
  await signedIn(`/cases/${alert.caseId}`);
  await until('case-picture', 1);
  for (const after of [-1000, 1000, 3000]) mock.world.addPicture(alert, after);
  mock.world.addClip(alert);
  await expect.poll(() => page.getByTestId('case-picture').count(), { timeout: 10_000 }).toBe(4);
  expect(await text('case-clip')).toContain('3.2 MB');
  expect(await page.getByTestId('case-clip').locator('a, img, video').count()).toBe(0);
  expect(await page.getByTestId('case-clip').locator('button').count()).toBe(1);
});

test('the language changes everywhere, is remembered, and names itself to the browser', async () => {
  mock.world.raise(1);
  await signedIn();
  await until('feed-row', 1);
  expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN');
  await page.getByTestId('lang-switch').click();
  await expect.poll(() => row().first().innerText()).toContain('Smoke');
  expect(await page.locator('html').getAttribute('lang')).toBe('en');
  await page.reload();
  await until('feed-row', 1);
  for (const path of ['/', '/cases', '/report', '/devices']) {
    await page.goto(base + path);
    await page.locator('h1').waitFor();
    const own = await page.locator('.rail, .page-head, .filters, thead, caption, .report-form').allInnerTexts();
    expect(own.join(' ')).not.toMatch(/[\u4e00-\u9fff]/);
  }
});

test('nothing scrolls sideways at 1366 by 768, in both languages', async () => {
  mock.world.fill().work();
  for (const lang of ['zh-CN', 'en']) {
    await context.addInitScript(`localStorage.setItem('gridgate.lang', '${lang}')`);
    for (const path of ['/', '/cases', `/cases/${[...mock.world.cases.keys()][0]}`, `/cases/${mock.world.looped}`, '/report', '/devices']) {
      await signedIn(path);
      await page.locator('h1').waitFor();
      const over = await page.locator('html, .main, .feed-scroll, .feed-detail, .edge').evaluateAll((all) => all.filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.className));
      expect(over, `${path} ${lang}`).toEqual([]);
    }
  }
});
