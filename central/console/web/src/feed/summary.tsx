/** Unclosed cases by severity, each a way into the case list. */
import { useWords } from '../i18n';
import { SEVERITIES } from '../types';
import { Link } from '../ui/bits';
import { SeverityMark } from '../ui/marks';
import type { FeedStore } from './store';

export function Summary({ store }: { store: FeedStore }) {
  const words = useWords();
  const cases = [...store.cases.values()].filter((c) => !c.parent);
  return (
    <div class="summary" data-testid="summary">
      <span class="muted">{words.t('feed.openCases')}</span>
      {[...SEVERITIES].reverse().map((s) => {
        const n = cases.filter((c) => c.severity === s).length;
        return (
          <Link key={s} href={`/cases?severity=${s}`} class={n === 0 ? 'summary-item summary-zero' : 'summary-item'}>
            <SeverityMark severity={s} /><b class="number">{store.capped ? words.t('feed.openCasesMore', { n }) : n}</b>
          </Link>
        );
      })}
    </div>
  );
}
