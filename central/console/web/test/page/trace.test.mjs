// The ten steps of an alert, in a real Chromium against the mock.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { stage } from './devices.rig.mjs';

const s = stage();
const { id, text, until, signedIn } = s;
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const unfold = () => id('trace').locator('summary').click();

test('are unfolded on a case, and are not asked for before', async () => {
  const alert = s.mock.world.raise(1);
  await signedIn(`/cases/${alert.caseId}`);
  await until('trace', 1);
  expect(s.mock.requests.some((r) => r.endsWith('/trace'))).toBe(false);
  await unfold();
  await until('trace-steps', 1);
  expect(await text('trace')).toMatch(/这条告警立了案。 从现场到立案 394 ms[\s\S]*由它立案，接续 c0。[\s\S]*1 现场发生[\s\S]*2 解码画面[\s\S]*没有单独记时[\s\S]*5 节点落盘[\s\S]*只记在节点日志里[\s\S]*a code that the console does not know[\s\S]*7 中心收下[\s\S]*\+180 ms[\s\S]*中心时钟 · 见中心数据库[\s\S]*10 推送到屏幕[\s\S]*−120 ms/);
});

test('are unfolded on an alert; axe-core finds nothing, two languages', async () => {
  s.mock.world.raise(1);
  for (const lang of ['zh-CN', 'en']) {
    await s.context.addInitScript(`localStorage.setItem('gridgate.lang', '${lang}')`);
    await signedIn('/');
    await id('feed-row').first().click();
    await id('alert-detail').waitFor();
    await unfold();
    await until('trace-steps', 1);
    await s.page.evaluate(axe);
    const wrong = await s.page.evaluate(async () => {
      const { violations } = await globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] });
      return violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.html.slice(0, 160)}`));
    });
    expect(wrong, lang).toEqual([]);
    expect(await s.page.locator('html, .main, .feed-detail, .trace').evaluateAll((all) => all.filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.className)), lang).toEqual([]);
    if (lang === 'en') expect(await id('trace').innerText()).not.toMatch(/[\u4e00-\u9fff]/);
    await id('trace-steps').locator('li').last().scrollIntoViewIfNeeded();
    if (process.env.SHOTS) await s.page.screenshot({ path: `${process.env.SHOTS}/trace-${lang}.png` });
  }
});
