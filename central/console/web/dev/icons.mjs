// Draws the icons of the installed page from public/icon.svg: node dev/icons.mjs
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { browser } from './shoot.mjs';

const file = (name) => fileURLToPath(new URL(`../public/${name}`, import.meta.url));
const svg = readFileSync(file('icon.svg'), 'utf8');
// A launcher may cut a maskable icon to a circle of four fifths: no round corners, and the drawing within it.
const masked = svg.replace('rx="7"', '').replace('viewBox="0 0 32 32"', 'viewBox="-6 -6 44 44"').replace('<rect width="32" height="32"', '<rect x="-6" y="-6" width="44" height="44"');
const chrome = await browser();
const page = await chrome.newPage();
for (const [name, size, text] of [['icon-192.png', 192, svg], ['icon-512.png', 512, svg], ['icon-512-maskable.png', 512, masked]]) {
  await page.setViewportSize({ width: size, height: size });
  await page.setContent(`<style>*{margin:0}svg{display:block;width:100vw;height:100vh}</style>${text}`);
  await page.screenshot({ path: file(name), omitBackground: true });
}
await chrome.close();
