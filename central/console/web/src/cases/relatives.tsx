/** What a case has to do with others: what it is part of, what is part of it, and why, in words. */
import { shortId } from '../format';
import { useWords } from '../i18n';
import { pick } from '../i18n/pick';
import type { Case, CaseDetail } from '../types';
import { Link } from '../ui/bits';
import { KindIcon } from '../ui/icons';
import { CaseStateChip, SeverityMark } from '../ui/marks';

export function Relatives({ case: c, children, more }: { case: CaseDetail; children: readonly Case[]; more: boolean }) {
  const words = useWords();
  if (!c.parent && children.length === 0 && c.why.length === 0) return null;
  return (
    <section class="card block" aria-labelledby="relatives-title" data-testid="case-relatives">
      <h2 id="relatives-title">{words.t('case.relatives')}{children.length > 0 && <span class="muted small">{words.t(more ? 'case.nPartsMore' : 'case.nParts', { n: children.length })}</span>}</h2>
      {c.parent && <p><Link href={`/cases/${c.parent}`} testid="case-parent">{words.t('case.partOf', { no: shortId(c.parent) })}</Link></p>}
      {c.why.map((w, i) => <p key={i} class="muted">{pick(words, w)}</p>)}
      <ul class="plain parts">
        {children.map((child) => (
          <li key={child.id}>
            <Link href={`/cases/${child.id}`} class="part" testid="case-child">
              <KindIcon kind={child.kind} size={18} /><span>{words.word('kind', child.kind)}</span>
              <SeverityMark severity={child.severity} /><CaseStateChip state={child.state} />
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}
