// Two people open a sealed clip, in a real Chromium against the mock.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { asked, unsealOf } from '../../dev/areas/unseal.mjs';
import { stage } from './devices.rig.mjs';

const s = stage();
const { id, text, until, signedIn } = s;

const filmed = () => {
  const alert = s.mock.world.raise(0);
  s.mock.world.addClip(alert);
  return alert;
};

test('one asks with a reason and words, and cannot approve it', async () => {
  const alert = filmed();
  await signedIn(`/cases/${alert.caseId}`, 'supervisor');
  await id('clip-ask').click();
  await id('unseal-accident').check();
  await id('unseal-text').fill('太短');
  expect(await id('step-confirm').isDisabled()).toBe(true);
  await id('unseal-text').fill('查明北入口起火的经过，问13800138000');
  await id('step-confirm').click();
  await expect.poll(() => text('unseal-error')).toContain('号码');
  await id('unseal-text').fill('查明北入口起火的经过');
  await id('step-confirm').click();
  await id('clip-asked').click();
  await until('unseal-row', 1);
  expect(await text('unseal-row')).toMatch(/查明事故或火灾经过 待批准[\s\S]*须在 23 小时内批准[\s\S]*查明北入口起火的经过[\s\S]*申请人 demo[\s\S]*须由另一名督办员批准/);
  await until('unseal-approve', 0);
  expect(unsealOf(s.mock).list[0]).toMatchObject({ alert: alert.id, reason: 'accident', clip: alert.evidence.find((e) => e.sealed).sha256 });
});

test('another, a supervisor, approves and sees it; what is fetched is gone with its window', async () => {
  const alert = filmed();
  unsealOf(s.mock).list = [asked(alert)];
  await signedIn('/unsealings', 'supervisor');
  await id('unseal-approve').click();
  await id('step-confirm').click();
  await until('unseal-view', 1);
  expect(await text('unseal-row')).toMatch(/已批准[\s\S]*还可查看[\s\S]*批准人 demo/);
  await id('unseal-view').click();
  await id('unseal-player').waitFor();
  await s.page.getByText('浏览器不能播放这段视频').waitFor(); // what the stand-in sends is no video
  await s.page.keyboard.press('Escape');
  await until('unseal-player', 0);
  unsealOf(s.mock).list[0].state = 'closed';
  await until('unseal-view', 0);
  await s.page.getByText('已过查看时间').waitFor();
  await s.page.getByText('看所属案卷').click();
  await expect.poll(() => s.page.url()).toContain(alert.caseId);
});

test('says in words why it is refused', async () => {
  unsealOf(s.mock).list = [asked(filmed(), { state: 'approved', by: 'demo', approver: 'other', decidedAt: new Date().toISOString(), viewUntil: new Date(Date.now() + 60_000).toISOString() })];
  await signedIn('/unsealings');
  await until('unseal-view', 1);
  unsealOf(s.mock).list[0].approver = unsealOf(s.mock).list[0].by = 'third';
  await id('unseal-view').click();
  await expect.poll(() => text('unseal-error')).toBe('只有申请人和批准人可以查看，其他人不可以');
});

test('a key off line gives the sealed bytes, and how to open them', async () => {
  const state = unsealOf(s.mock);
  Object.assign(state, { offline: true, list: [asked(filmed(), { state: 'approved', by: 'demo', approver: 'other', decidedAt: new Date().toISOString(), viewUntil: new Date(Date.now() + 3_000_000).toISOString() })] });
  await signedIn('/unsealings');
  expect(await text('unseal-row')).toMatch(/密钥离线保管[\s\S]*age --decrypt -i KEY/);
  const coming = s.page.waitForEvent('download');
  await id('unseal-download').click();
  const file = await coming;
  expect(file.suggestedFilename()).toMatch(/^clip-[0-9A-F]{8}\.age$/);
  expect(readFileSync(await file.path())).toEqual(state.clip);
});

test('a worker is not offered it', async () => {
  const alert = filmed();
  await signedIn(`/cases/${alert.caseId}`, 'verifier');
  await until('case-clip', 1);
  await until('clip-ask', 0);
  await until('nav-unseal', 0);
});

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

test.each(['light', 'dark'])('axe-core finds nothing, nothing scrolls sideways, two languages, %s', async (colorScheme) => {
  await s.page.emulateMedia({ colorScheme });
  const mine = { by: 'demo', approver: 'other', decidedAt: new Date().toISOString(), viewUntil: new Date(Date.now() + 3_000_000).toISOString() };
  const alert = filmed();
  unsealOf(s.mock).list = [asked(alert), asked(alert, { ...mine, state: 'approved' }), asked(alert, { ...mine, state: 'refused' }), asked(alert, { state: 'expired' })].map((r) => ({ ...r, text: 'How the fire came about' }));
  for (const lang of ['zh-CN', 'en']) {
    await s.context.addInitScript(`localStorage.setItem('gridgate.lang', '${lang}')`);
    await signedIn('/unsealings', 'supervisor');
    await until('unseal-row', 4);
    await s.page.evaluate(axe);
    const wrong = await s.page.evaluate(async () => {
      const { violations } = await globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] });
      return violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.html.slice(0, 160)}`));
    });
    expect(wrong, lang).toEqual([]);
    expect(await s.page.locator('html, .main, .card, .rail').evaluateAll((all) => all.filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.className)), lang).toEqual([]);
    if (lang === 'en') expect(await s.page.locator('.page').innerText()).not.toMatch(/[\u4e00-\u9fff]/);
    if (process.env.SHOTS) await s.page.screenshot({ path: `${process.env.SHOTS}/unseal-${lang}-${colorScheme}.png` });
  }
});
