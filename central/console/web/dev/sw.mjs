// Writes sw.js beside the page that was built: src/worker/sw.js with the list of files that the worker's page needs.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const source = new URL('../src/worker/sw.js', import.meta.url);
const PAGE = 'src/worker/page.tsx';

/** The chunk of a module and all that it needs, without what is loaded later. */
function needed(bundle, start) {
  const found = new Set();
  const visit = (name) => {
    const chunk = bundle[name];
    if (found.has(name) || chunk?.type !== 'chunk') return;
    found.add(name);
    for (const css of chunk.viteMetadata?.importedCss ?? []) found.add(css);
    chunk.imports.forEach(visit);
  };
  start.forEach(visit);
  return [...found].sort();
}

export function serviceWorker() {
  return {
    name: 'gridgate-service-worker',
    apply: 'build',
    enforce: 'post',
    generateBundle(_, bundle) {
      const starts = Object.values(bundle).filter((c) => c.type === 'chunk' && (c.isEntry || c.facadeModuleId?.endsWith(PAGE))).map((c) => c.fileName);
      const assets = needed(bundle, starts);
      if (!assets.some((a) => bundle[a].facadeModuleId?.endsWith(PAGE))) this.error(`there is no chunk of ${PAGE}`);
      const files = ['/', ...assets.map((a) => `/${a}`), '/icon.svg', '/manifest.webmanifest'];
      const code = readFileSync(source, 'utf8');
      const sum = createHash('sha256').update(code).update(JSON.stringify(files)).update(String(bundle['index.html']?.source ?? '')).digest('hex').slice(0, 12);
      const head = `const BUILD = ${JSON.stringify(sum)};\nconst FILES = ${JSON.stringify(files)};\n`;
      this.emitFile({ type: 'asset', fileName: 'sw.js', source: head + code });
    },
  };
}
