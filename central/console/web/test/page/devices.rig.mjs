// What the page tests of edges and cameras share beside the stage of all.
import { expect } from 'vitest';
import { camerasOf } from '../../dev/areas/cameras.mjs';
import { stage as anyStage } from './stage.mjs';

export const CAMERA = '/devices/edge-demo-a/cam-square-01';

/** mock, cameras, base, context and page of the test that runs; id, text and until look at the page. */
export function stage() {
  const s = {};
  anyStage((here) => Object.assign(s, here, { cameras: camerasOf(here.mock) }), { schemes: ['blob:'] });
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
